"""The processes of a run: each in its own session, its output in a file, and none outlives the command."""

from __future__ import annotations

import contextlib
import signal
import subprocess
from typing import TYPE_CHECKING, Self

from chaos_test import scratch
from chaos_test.errors import ChaosTestError
from chaos_test.reaper import Reaper, end_group

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

TAIL_BYTES = 8192


class Child:
    """One process with all that it starts."""

    def __init__(self, name: str, process: subprocess.Popen[bytes], log: Path, grace: float) -> None:
        self.name = name
        self.log = log
        self._process = process
        self._grace = grace

    @property
    def pid(self) -> int:
        """Its process id, which is its group's too."""
        return self._process.pid

    @property
    def returncode(self) -> int | None:
        """None while it lives; negative is the number of the signal that ended it."""
        return self._process.poll()

    def how_it_ended(self) -> str:
        """`was killed by SIGKILL`, `ended with code 1`."""
        code = self._process.returncode
        if code is not None and code < 0:
            return f"was killed by {signal.Signals(-code).name}"
        return f"ended with code {code}"

    def said(self) -> str:
        """Where its output is and how it ends: what a person needs to see why it ended."""
        lines = self.last_lines()
        return f"{self.log} ends:\n{lines}" if lines else f"{self.name} wrote nothing to {self.log}"

    def last_lines(self, count: int = 6) -> str:
        """The end of its output, indented."""
        with self.log.open("rb") as log:
            log.seek(max(0, self.log.stat().st_size - TAIL_BYTES))
            lines = log.read().decode("utf-8", "replace").splitlines()
        return "\n".join(f"  {line}" for line in [line for line in lines if line.strip()][-count:])

    def not_started(self) -> ChaosTestError:
        """The error that it ended before it did anything, with what it said last."""
        return ChaosTestError(f"{self.name} {self.how_it_ended()} at the start; {self.said()}")

    def stop(self, *, quick: bool = False) -> None:
        """Ask it to end (SIGTERM), wait for its grace, then end its whole group for certain."""
        if self.returncode is None and not quick:
            self._process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(self._grace)
        end_group(self.pid, signal.SIGKILL)
        self._process.wait()


class Children:
    """What a run has started. Leaving the `with` block stops the rest, newest first, and removes the scratch folder."""

    def __init__(self) -> None:
        self._children: list[Child] = []

    def __enter__(self) -> Self:
        self._reaper = Reaper()
        self._scratch = scratch.make(self._reaper)
        self.scratch = self._scratch.path
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        for child in reversed(self._children.copy()):
            self.stop(child, quick=kind is KeyboardInterrupt)  # the user insists
        self._scratch.remove()
        self._reaper.close()

    def start(
        self, name: str, command: Sequence[str], *, cwd: Path, env: Mapping[str, str], log: Path, grace: float = 3.0
    ) -> Child:
        """Start a process, `grace` being the seconds it may take to end by itself when asked."""
        with log.open("ab") as output:
            process = subprocess.Popen(  # noqa: S603 - a list of words, no shell
                command,
                cwd=cwd,
                env=dict(env),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._reaper.tell("group", process.pid)
        child = Child(name, process, log, grace)
        self._children.append(child)
        return child

    def stop(self, child: Child, *, quick: bool = False) -> None:
        """Stop one of them now; `quick` grants no grace."""
        child.stop(quick=quick)
        self._children.remove(child)
        self._reaper.tell("gone", child.pid)
