"""One arm of a replay: a copy of the app, its services, and a Locust that sends the script to it, block by block."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from chaos_analysis.rundir import open_run
from chaos_analysis.tables import requests
from chaos_test import harvest, load, record, rundir, server
from chaos_test.errors import ChaosTestError
from chaos_test.network.stage import Stage
from chaos_test.processes import Children

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from chaos_test.plan import Plan
    from chaos_test.processes import Child

_END_SECONDS = 45.0  # for the invariants, and Locust's last tables


class AppError(ChaosTestError):
    """What is served from an arm's copy ended, did not answer, or kept its users waiting: its change is to blame.

    Where anything else of an arm fails it is a plain `ChaosTestError`, and says nothing of the change.
    """


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

    def wait_until_ready(self, stopped: Callable[[], bool]) -> None:
        """Until the app answers, or the user `stopped` it; raises `AppError`, or `ChaosTestError`, if it never will."""
        for each in self._running.servers:
            try:
                if each.url and not server.wait_until_ready(each.url, self._living, stopped):
                    return
            except ChaosTestError as error:
                ended = (child for child in self._living if child.returncode is not None)
                raise self._failed(next(ended, each.child), str(error)) from None
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
        """Raise `AppError` where the app has died, `ChaosTestError` where something else that the arm needs has."""
        for child in self._living:
            if child.returncode is not None:
                raise self._failed(child, f"{child.name} {child.how_it_ended()}; {child.said()}")

    def late(self, block: int, seconds: float) -> ChaosTestError:
        """The error that a block has not ended in so many seconds: the app's, if a user waited for it most of them."""
        began = (self._turns / f"turn-{block}").stat().st_mtime
        said = f"block {block + 1} did not end within {seconds:g} s"
        if longest_wait(self.run_dir, began) > seconds / 2:
            return AppError(f"{self.name}: {said}: the app kept a user waiting for most of that time")
        said += ", and no answer shows that the app kept a user waiting for most of it"
        return ChaosTestError(f"{self.name}: {said}; fewer requests (--requests) would take less")

    @property
    def _living(self) -> tuple[Child, ...]:
        """What must live as long as the arm does, the app first."""
        return (*(each.child for each in self._running.servers), self._running.locust)

    def _failed(self, child: Child, said: str) -> ChaosTestError:
        """The error that one of them failed; the app and its services come first, and are served from the copy."""
        copied = self._living[: 1 + len(self.plan.target.services)]
        return (AppError if child in copied else ChaosTestError)(f"{self.name}: {said}")

    @property
    def _turns(self) -> Path:
        return self.run_dir / "turns"

    def _wait_for_locust(self) -> None:
        """It ends by itself when the script is through, and checks the invariants first."""
        until = time.monotonic() + self.plan.stop_timeout + _END_SECONDS
        while self._running.locust.returncode is None and time.monotonic() < until:
            time.sleep(0.05)


def longest_wait(run_dir: Path, since: float) -> float:
    """For how many seconds one user waited for answers, at most, to what it sent since then, as far as they came."""
    rows = requests.read(open_run(run_dir).client_parts).rows
    rows = rows[(rows["started"] >= since) & rows["key"].notna()]
    users = rows["key"].astype(str).str.split(".").str[0]
    return max((rows["response_ms"] / 1000).groupby(users).sum(), default=0.0)
