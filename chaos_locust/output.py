"""The folder of a test, in the process that owns it: Locust's tables, and a mark when everything is in it."""

from __future__ import annotations

import json
import logging
import time
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

from chaos_locust.plan import PlanError
from chaos_locust.tables import Tables

if TYPE_CHECKING:
    from collections.abc import Sequence

    from locust.env import Environment

    from chaos_locust.checking import Result
    from chaos_locust.options import Options

logger = logging.getLogger(__name__)

_SHOWN = 3


class Output:
    """Writes what belongs to the test as a whole."""

    def __init__(self, environment: Environment, folder: Path, options: Options) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self._environment = environment
        self._options = options
        self._started = time.time()
        self._tables = Tables(environment, folder)

    def sample(self) -> None:
        """Once a second."""
        self._tables.sample()

    def judge(self, results: Sequence[Result]) -> None:
        """Write `invariants.jsonl`, where the test states any, and tell Locust's log what came of them."""
        if not results:
            return
        scratch = self.folder / "invariants.jsonl.tmp"
        scratch.write_bytes(b"".join(result.line() for result in results))
        scratch.replace(self.folder / "invariants.jsonl")
        for result in results:
            _log(result)

    def close(self) -> None:
        """Write the tables once more and then, by renaming, `test-finished.json`: who waits for the test waits for
        this.
        """
        self._tables.sample()
        self._tables.write()
        total = self._environment.stats.total
        record = {
            "version": 1,
            "started": self._started,
            "finished": time.time(),
            "seed": self._options.seed,
            "users": self._options.users,
            "requests": total.num_requests,
            "failures": total.num_failures,
        }
        scratch = self.folder / "test-finished.json.tmp"
        scratch.write_text(json.dumps(record) + "\n", encoding="utf-8")
        scratch.replace(self.folder / "test-finished.json")


def _log(result: Result) -> None:
    if result.held:
        logger.info("Held: %s", result.name)
    for violation in result.violations[:_SHOWN]:
        logger.error("Violated: %s: %s", result.name, violation.text)
    rest = len(result.violations) + result.more - _SHOWN
    if rest > 0:
        logger.error("Violated: %s: %d times more", result.name, rest)
    if result.error is not None:
        logger.error("Could not be checked: %s: %s", result.name, result.error)


def default_folder() -> str:
    """Where a run goes that names no folder."""
    return f"reports/{datetime.now(UTC):%Y%m%dT%H%M%SZ}-locust"


def folder_of_test(base: Path, *, numbered: bool) -> Path:
    """The folder of the next test: the run folder, or in the web UI the first free `test-1`, `test-2`, … in it."""
    if numbered:
        return next(path for n in count(1) if not (path := base / f"test-{n}").exists())
    if any((base / "requests").glob("*.jsonl")):
        raise PlanError(f"--chaos-run-dir {base}: it holds the requests of another run")
    return base
