"""Windows: whoever was in the app meanwhile met them, and nobody else."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from chaos_analysis import tables
from chaos_analysis.rundir import open_run

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.chaos_analysis.world import Truth

    MakeRun = Callable[..., tuple[Path, Truth]]


def test_requests_during_a_window_met_its_rule(make_run: MakeRun) -> None:
    """They are no control group; those before and after it are what they were."""
    folder, _ = make_run(requests=400)
    before = tables.build(open_run(folder)).requests
    begin, end = before["started"].quantile([0.4, 0.5])
    event = {"id": "process:memory", "key": "process", "stage": "chaos", "rule": "memory", "fault": "memory_pressure"}
    event |= {"seam": "process", "phase": "before", "asked": {"seconds": 9}, "site": None, "target": "stage chaos"}
    event |= {"kind": "fault", "occurrence": 0, "route": "", "pid": 1, "started": begin}
    ended = {"kind": "end", "id": event["id"], "started": begin, "finished": end, "measured": {"seconds": 1}}
    part = next((folder / "faults").glob("*.jsonl"))
    part.write_text(part.read_text() + "".join(json.dumps(record) + "\n" for record in (event, ended)))
    rows = tables.build(open_run(folder)).requests
    inside = (rows["started"] <= end) & (rows["started"] + rows["response_ms"] / 1000 >= begin)
    assert 20 < inside.sum() < 200
    assert rows["rules"].map(lambda rules: "memory" in rules).equals(inside)
    assert not rows.loc[inside, "control"].any()
    assert rows.loc[~inside, "rules"].tolist() == before.loc[~inside, "rules"].tolist()
