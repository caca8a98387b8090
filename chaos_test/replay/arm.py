"""One arm of a replay: a copy of the app, its services, and a Locust that sends the script to it, block by block."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from chaos_test import harvest, load, record, rundir, server
from chaos_test.errors import ChaosTestError
from chaos_test.network.stage import Stage
from chaos_test.processes import Children

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from chaos_test.plan import Plan
    from chaos_test.processes import Child

_END_SECONDS = 45.0  # for the invariants, and Locust's last tables


@dataclass(frozen=True)
class Ready:
    """What runs of an arm."""

    servers: tuple[server.Server, ...]
    locust: Child


class Arm:
    """Runs while the `with` block lasts; then its run folder is complete. `plan` has a script, whose turns it plays;
    `stages` has the stage of each of its blocks.
    """

    def __init__(self, name: str, plan: Plan, run_dir: Path, argv: list[str], stages: Sequence[str] = ()) -> None:
        self.name = name
        self.plan = plan
        self.run_dir = run_dir
        self._argv = argv
        self._stages = stages
        self._children = Children()
        self.lost = False

    def __enter__(self) -> Self:
        (self.run_dir / "faults").mkdir(parents=True)
        (self.run_dir / "requests").mkdir()
        self._turns.mkdir()
        self._begun = record.begun(self.plan, self.run_dir, self._argv)
        (self.run_dir / "chaos-config.json").write_text(self.plan.experiment.text, encoding="utf-8")
        rundir.write_json(self.run_dir / "run.json", self._begun)
        self._children.__enter__()
        try:
            servers = server.start(self._children, self.plan, self.run_dir)
            locust = load.start(self._children, self.plan, self.run_dir, host=servers[0].clients or None)
        except BaseException as error:
            self._children.__exit__(type(error), error, None)
            raise
        self._running = Ready(servers, locust)
        self._stage = Stage(self.run_dir)
        return self

    def __exit__(self, kind: type[BaseException] | None, *rest: object) -> None:
        whole = kind is None and not self.lost
        try:
            if whole:
                self._wait_for_locust()
        finally:
            self._children.__exit__(kind if whole else KeyboardInterrupt, *rest)
        if whole:
            over = {"ended_by": "requests", "reason": "The script was played to its end."}
            harvest.finish(self.run_dir, self._begun | over)

    def wait_until_ready(self) -> None:
        """Until the app answers; raises `ChaosTestError` where it never will."""
        living = [*(each.child for each in self._running.servers), self._running.locust]
        for url in [each.url for each in self._running.servers if each.url]:
            server.wait_until_ready(url, living, lambda: False)
        load.open_gate(self._children)

    def play(self, block: int) -> None:
        """Let a block begin."""
        if self._stages:
            self._stage.tell(self._stages[block])
        (self._turns / f"turn-{block}").touch()

    def has_ended(self, block: int) -> bool:
        """Whether all users are through with a block."""
        return (self._turns / f"done-{block}").exists()

    def must_live(self) -> None:
        """Raise `ChaosTestError` where something that the arm needs has died."""
        for child in (*(each.child for each in self._running.servers), self._running.locust):
            if child.returncode is not None:
                raise ChaosTestError(f"{self.name}: {child.name} {child.how_it_ended()}; {child.said()}")

    @property
    def _turns(self) -> Path:
        return self.run_dir / "turns"

    def _wait_for_locust(self) -> None:
        """It ends by itself when the script is through, and checks the invariants first."""
        until = time.monotonic() + self.plan.stop_timeout + _END_SECONDS
        while self._running.locust.returncode is None and time.monotonic() < until:
            time.sleep(0.05)
        with suppress(ValueError):  # it may be gone already
            self._children.stop(self._running.locust)
