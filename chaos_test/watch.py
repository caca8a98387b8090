"""What a run has done so far, read from the files that Locust and the app append to."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class Seen:
    """Requests recorded, failed ones among them, faults fired, users alive and the stage they are in."""

    requests: int = 0
    failures: int = 0
    faults: int = 0
    users: int = 0
    stage: str = ""


class Tail:
    """The whole lines that were added, since the last look, to all files of a folder with this ending.

    `fresh`: what they hold already when this is made does not count.
    """

    def __init__(self, folder: Path, pattern: str, *, fresh: bool = False) -> None:
        self._folder = folder
        self._pattern = pattern
        self._offsets = {file: file.stat().st_size for file in folder.glob(pattern)} if fresh else {}

    def lines(self) -> list[bytes]:
        """New lines; one that is still being written waits for the next look."""
        found: list[bytes] = []
        for file in self._folder.glob(self._pattern):
            with file.open("rb") as stream:
                stream.seek(self._offsets.get(file, 0))
                whole, newline, _ = stream.read().rpartition(b"\n")
            self._offsets[file] = self._offsets.get(file, 0) + len(whole) + len(newline)
            found += whole.splitlines() if whole else []
        return found


class Watch:
    """Looks at a run folder again and again; faults that fire from now on are found in `ledger` where there is one."""

    def __init__(self, run_dir: Path, ledger: Path | None = None) -> None:
        self._rows = Tail(run_dir / "requests", "*.jsonl")
        self._faults = Tail((ledger or run_dir) / "faults", "*.jsonl", fresh=ledger is not None)
        self._requests = self._fired = 0
        self._samples: dict[str, dict[str, object]] = {}

    def look(self) -> Seen:
        """The run as it stands; failures, users and stage are a second old at most."""
        for line in self._rows.lines():
            if line.startswith(b"["):
                self._requests += 1
            elif b'"cpu_percent"' in line:
                self._sample(line)
        self._fired += sum(b'"kind":"fault"' in line.replace(b" ", b"")[:200] for line in self._faults.lines())
        stages = [str(sample.get("stage") or "") for sample in self._samples.values()]
        return Seen(
            requests=self._requests,
            failures=self._sum("failures"),
            faults=self._fired,
            users=self._sum("users"),
            stage=max(stages, key=stages.count, default=""),
        )

    def _sample(self, line: bytes) -> None:
        try:
            sample = json.loads(line)
        except ValueError:
            return
        self._samples[str(sample.get("part"))] = sample

    def _sum(self, key: str) -> int:
        values = [sample.get(key) for sample in self._samples.values()]
        return sum(value for value in values if isinstance(value, int))
