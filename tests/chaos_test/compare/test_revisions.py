"""Two revisions: what their arms are told."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chaos_test import plan
from chaos_test.compare import revisions
from chaos_test.interrupt import Interrupt
from chaos_test.replay.script import Script

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Sequence
    from pathlib import Path

    import pytest

    from chaos_test.plan import Plan


def test_every_arm_knows_the_stage_of_each_block(
    app_dir: Path, parse: Callable[..., argparse.Namespace], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A proxy between the app and what it calls sees no request's stage, and would let all of it pass as baseline."""
    known: dict[str, Sequence[str]] = {}

    class Arm(revisions.Arm):
        def __init__(self, name: str, of: Plan, run_dir: Path, argv: list[str], stages: Sequence[str] = ()) -> None:
            super().__init__(name, of, run_dir, argv, stages)
            known[name] = stages

    monkeypatch.setattr(revisions, "Arm", Arm)
    monkeypatch.setattr(revisions, "conduct", lambda *_, **__: {})
    words = ("shop:app", "--app-dir", str(app_dir), "--locustfile", str(app_dir / "buyers.py"))
    planned = plan.make(parse(*words))
    sent = Script({"0": ((0, "baseline", 0), (3, "chaos", 1), (9, "chaos", 2))}, 3, 3)
    with Interrupt() as interrupt:
        revisions.replay({"before": planned, "after": planned}, sent, app_dir / "out", interrupt, print)
    assert known == dict.fromkeys(("before", "after"), ("baseline", "chaos", "chaos"))
