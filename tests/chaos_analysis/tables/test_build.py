"""Tables: everything that is whole is read, everything else is counted, nothing raises."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from chaos_analysis import tables
from chaos_analysis.errors import RunFolderError
from chaos_analysis.rundir import open_run

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.chaos_analysis.world import Truth

    MakeRun = Callable[..., tuple[Path, Truth]]


def test_rows_and_ledger_are_joined_on_the_key(make_run: MakeRun) -> None:
    """Every request has exactly the rules that it met; the control group met none."""
    folder, truth = make_run(requests=400)
    rows = tables.build(open_run(folder)).requests
    assert dict(zip(rows["key"], rows["rules"], strict=True)) == truth.rules
    assert (rows["control"] == (rows["rules"].map(len) == 0)).all()
    assert set(rows.loc[rows["rules"].map(len) > 1, "rule"]) <= {"+"}
    assert truth.failures == rows[~rows["ok"]].groupby("endpoint").size().to_dict() | {
        name: 0 for name, n in truth.failures.items() if not n
    }


def test_the_whole_ledger_is_read(make_run: MakeRun) -> None:
    """Every event with its end, its site relative to the app's folder, and every point with its plan's rules."""
    folder, truth = make_run(requests=400)
    read = tables.build(open_run(folder))
    assert set(read.faults["id"]) == truth.events
    assert not read.faults["unknown"].any()
    assert set(read.faults["file"].dropna()) <= {"planner/fares.py", "planner/payments.py"}
    edge = read.reached[read.reached["target"] == ""]
    assert len(edge) == truth.rows
    assert set(edge["rules"]) == {("edge-latency", "edge-exception")}
    assert read.gaps == ()


def test_the_header_names_faults_where_there_is_no_ledger(make_run: MakeRun) -> None:
    """For a service whose ledger is out of reach, the answers' headers say what a request met."""
    folder, truth = make_run(requests=400)
    for part in (folder / "faults").iterdir():
        part.unlink()
    read = tables.build(open_run(folder))
    assert dict(zip(read.requests["key"], read.requests["rules"], strict=True)) == truth.rules
    assert any("no process of the app wrote a ledger" in gap for gap in read.gaps)


def test_a_part_cut_short_is_read_up_to_the_cut(make_run: MakeRun) -> None:
    """Half a line at the end is counted; all whole lines are there; the missing end is said."""
    folder, _ = make_run(requests=300)
    part = folder / "requests/0.jsonl"
    lines = part.read_bytes().splitlines(keepends=True)
    part.write_bytes(b"".join(lines[:-2]) + lines[-2][:20])
    read = tables.build(open_run(folder))
    whole = len(lines) - 3  # without the header, the cut row and the closing line
    assert read.parts.set_index("part").loc["0", ["records", "broken", "closed"]].tolist() == [whole, 1, False]
    assert [gap for gap in read.gaps if "0.jsonl" in gap] == [
        "requests/0.jsonl was not closed: its process ended early, later rows are missing",
        "requests/0.jsonl: 1 lines could not be read",
    ]


@pytest.mark.parametrize("bad", [b"\xff\xfe\x00", b"1,2", b'["too", "short"]', b"{", b"null"], ids=repr)
def test_a_bad_line_costs_only_itself(make_run: MakeRun, bad: bytes) -> None:
    """Bytes that are no UTF-8, no JSON, two values or no row are counted; the lines around them are read."""
    folder, truth = make_run(requests=300)
    for name in ("requests/0.jsonl", "faults/100-1760000000.jsonl"):
        lines = (folder / name).read_bytes().splitlines()
        (folder / name).write_bytes(b"\n".join([*lines[:7], bad, *lines[7:]]) + b"\n")
    read = tables.build(open_run(folder))
    assert len(read.requests) == truth.rows
    assert set(read.faults["id"]) == truth.events
    assert "requests/0.jsonl: 1 lines could not be read" in read.gaps


def test_a_reached_line_cut_short_or_garbled_is_counted(make_run: MakeRun) -> None:
    """The ledger's short lines survive a kill and a bad byte, too."""
    folder, truth = make_run(requests=300)
    part = folder / "faults/100-1760000000.reached"
    part.write_bytes(b"\xff\xff\tchaos\t0\n" + part.read_bytes() + b"7.9.9\tcha")
    read = tables.build(open_run(folder))
    assert (read.reached["target"] == "").sum() == truth.rows
    assert "faults/100-1760000000.reached: 2 lines could not be read" in read.gaps


def test_an_event_without_an_end_is_unknown(make_run: MakeRun) -> None:
    """A fault whose process was killed while it acted is kept, and marked."""
    folder, truth = make_run(requests=300)
    for part in (folder / "faults").glob("*.jsonl"):
        part.write_text("".join(line for line in part.read_text().splitlines(keepends=True) if '"end"' not in line))
    faults = tables.build(open_run(folder)).faults
    assert faults["unknown"].all()
    assert set(faults["id"]) == truth.events


def test_repeated_ids_find_their_own_ends(make_run: MakeRun) -> None:
    """A redirect meets the same fault again: two events of one id are told apart by their start."""
    folder, _ = make_run(requests=20)
    start = {"kind": "fault", "id": "0.0.0:r", "key": "0.0.0", "rule": "r", "fault": "latency", "seam": "wsgi"}
    end = {"kind": "end", "id": "0.0.0:r"}
    records = [
        {**start, "started": 1.0},
        {**start, "started": 5.0},
        {**end, "started": 5.0, "finished": 6.0},
        {**end, "started": 1.0, "finished": 4.0},
    ]
    (folder / "faults/9-1.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records))
    faults = tables.build(open_run(folder)).faults
    assert faults.loc[faults["rule"] == "r", ["started", "finished"]].to_numpy().tolist() == [[1.0, 4.0], [5.0, 6.0]]


def test_columns_are_found_by_their_name(make_run: MakeRun) -> None:
    """A recorder that writes its columns in another order, or one more, is read all the same."""
    folder, truth = make_run(requests=200, client_parts=1)
    part = folder / "requests/0.jsonl"
    head, *rows, closed = [json.loads(line) for line in part.read_text().splitlines()]
    head["columns"] = [*reversed(head["columns"]), "new"]
    rows = [[*reversed(row), 7] for row in rows]
    part.write_text("".join(json.dumps(line) + "\n" for line in (head, *rows, closed)))
    read = tables.build(open_run(folder)).requests
    assert dict(zip(read["key"], read["rules"], strict=True)) == truth.rules


def test_what_is_missing_is_an_empty_table_and_a_gap(tmp_path: Path) -> None:
    """A run killed at its very start still gives all tables, without rows."""
    (tmp_path / "requests").mkdir()
    read = tables.build(open_run(tmp_path))
    assert read.requests.empty
    assert read.reached.empty
    assert {"endpoint", "rules", "control"} <= set(read.requests.columns)
    assert {"run.json is missing", "chaos-config.json is missing"} <= set(read.gaps)


def test_stages_come_from_what_the_recorder_noted_when_run_json_is_lost(make_run: MakeRun) -> None:
    """Without run.json the stages' times are those that the recorder noted."""
    folder, _ = make_run(requests=200)
    (folder / "run.json").unlink()
    stages = tables.build(open_run(folder)).stages
    assert stages["name"].tolist() == ["baseline", "chaos", "recovery"]
    assert stages["started"].is_monotonic_increasing


@pytest.mark.parametrize("what", ["missing", "file", "empty"])
def test_a_folder_that_no_run_left_is_refused(tmp_path: Path, what: str) -> None:
    """One sentence that names the folder and what was expected."""
    folder = tmp_path / "there"
    if what == "file":
        folder.write_text("")
    elif what == "empty":
        folder.mkdir()
    with pytest.raises(RunFolderError, match=r"there: .*; expected"):
        open_run(folder)
