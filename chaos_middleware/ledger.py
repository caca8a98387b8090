"""The ledger: what each process reached and did, one unlocked append a record, so that a SIGKILL loses nothing that
happened.

Formats: docs/formats.md, `faults/`. A forked worker gets files of its own at its first record.
"""

from __future__ import annotations

import json
import os
import sys
from itertools import count
from pathlib import Path
from time import time
from typing import Any

VERSION = 1
_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_APPEND
_encode = json.JSONEncoder(separators=(",", ":"), ensure_ascii=True, default=str).encode


class Ledger:
    """Writes below `folder`; with None it keeps nothing. A ledger that cannot be written raises `OSError` to its
    caller.
    """

    def __init__(self, folder: Path | None, **about: Any) -> None:
        self._folder = folder
        self._about = about
        self._pid = 0
        self._reached = -1
        self._records = -1
        self._parts = count()
        self._plans: dict[tuple[str, ...], dict[str, Any]] = {}

    @property
    def pid(self) -> int:
        """This process."""
        return os.getpid()

    def plan(self, seam: str, rules: tuple[str, ...], example: str) -> int:
        """The number under which `reached` lines name the rules that matched at a place; told once in each file."""
        names = (seam, *rules)
        if names not in self._plans:
            plan = {"plan": len(self._plans), "seam": seam, "rules": rules, "example": example}
            self._plans[names] = plan
            if self._pid == os.getpid():  # else it is told when this process opens its files
                self.write("plan", **plan)
        return int(self._plans[names]["plan"])

    def reached(self, line: str) -> None:
        """Note that a request came to an injection point: tab-separated fields, no newline."""
        if self._folder is not None:
            if self._pid != os.getpid():
                self._open()
            os.write(self._reached, f"{line}\n".encode())

    def write(self, kind: str, **fields: Any) -> None:
        """Append one record of this kind."""
        if self._folder is not None:
            if self._pid != os.getpid():
                self._open()
            os.write(self._records, f"{_encode(dict(kind=kind, **fields))}\n".encode())

    def close(self) -> None:
        """Close this process's files."""
        if self._pid == os.getpid():
            os.close(self._reached)
            os.close(self._records)
        self._pid = 0

    def _open(self) -> None:
        assert self._folder is not None
        self._folder.mkdir(parents=True, exist_ok=True)
        pid, started = os.getpid(), time()
        stem = self._folder / f"{pid}-{int(started * 1000)}-{next(self._parts)}"
        self._reached = os.open(f"{stem}.reached", _FLAGS, 0o644)
        self._records = os.open(f"{stem}.jsonl", _FLAGS, 0o644)
        self._pid = pid
        self.write("open", version=VERSION, pid=pid, started=started, python=sys.version.split()[0], **self._about)
        for plan in self._plans.values():
            self.write("plan", **plan)
