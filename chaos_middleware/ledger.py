"""The ledger: what each process reached and did, one unlocked append a record, so that a SIGKILL loses nothing that
happened.

Formats: docs/formats.md, `faults/`. A forked worker gets files of its own at its first record.
"""

from __future__ import annotations

import json
import logging
import os
import sys
from itertools import count
from pathlib import Path
from threading import RLock
from time import time
from typing import Any

VERSION = 1
_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_APPEND
_encode = json.JSONEncoder(separators=(",", ":"), ensure_ascii=True, default=str).encode


class Ledger:
    """Writes below `folder`; with None it keeps nothing.

    A ledger that cannot be written (a full disk) does not harm the app: it is `lost`, says so once in the log and
    keeps nothing more. The injector then lets no fault act.
    """

    lost = False

    def __init__(self, folder: Path | None, **about: Any) -> None:
        self._folder = folder
        self._about = about
        self._pid = 0
        self._reached = -1
        self._records = -1
        self._parts = count()
        self._lock = RLock()  # taken for the first record of a process and the first sight of a plan
        self._plans: dict[tuple[str, ...], dict[str, Any]] = {}
        self._claims: set[str] = set()

    @property
    def pid(self) -> int:
        """This process."""
        return os.getpid()

    def plan(self, seam: str, rules: tuple[str, ...], example: str) -> int:
        """The number under which `reached` lines name the rules that matched at a place; told once in each file."""
        names = (seam, *rules)
        if names not in self._plans:
            with self._lock:
                if names not in self._plans:
                    plan = {"plan": len(self._plans), "seam": seam, "rules": rules, "example": example}
                    if self._pid == os.getpid():  # else it is told when this process opens its files
                        self.write("plan", **plan)
                    self._plans[names] = plan
        return int(self._plans[names]["plan"])

    def reached(self, line: str) -> None:
        """Note that a request came to an injection point: tab-separated fields, no newline."""
        if self._folder is not None:
            try:
                if self._pid != os.getpid():
                    self._open(self._folder)
                os.write(self._reached, f"{line}\n".encode())
            except OSError as error:
                self._lose(error)

    def write(self, kind: str, **fields: Any) -> None:
        """Append one record of this kind."""
        if self._folder is not None:
            try:
                if self._pid != os.getpid():
                    self._open(self._folder)
                self._append(kind, fields)
            except OSError as error:
                self._lose(error)

    def claim(self, name: str) -> bool:
        """Whether this process is the first of the run to ask for this name; without a folder, the first time here."""
        if self._folder is None:
            first = name not in self._claims
            self._claims.add(name)
            return first
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            os.close(os.open(self._folder / f"{name}.claim", _FLAGS | os.O_EXCL, 0o644))
        except FileExistsError:
            return False
        except OSError as error:
            self._lose(error)
            return False
        return True

    def close(self) -> None:
        """Close this process's files."""
        if self._pid == os.getpid():
            os.close(self._reached)
            os.close(self._records)
        self._pid = 0

    def _append(self, kind: str, fields: dict[str, Any]) -> None:
        os.write(self._records, f"{_encode(dict(kind=kind, **fields))}\n".encode())

    def _open(self, folder: Path) -> None:
        pid, started = os.getpid(), time()
        with self._lock:
            if self._pid == pid:  # another thread was first
                return
            folder.mkdir(parents=True, exist_ok=True)
            stem = folder / f"{pid}-{int(started * 1000)}-{next(self._parts)}"
            self._reached = os.open(f"{stem}.reached", _FLAGS, 0o644)
            self._records = os.open(f"{stem}.jsonl", _FLAGS, 0o644)
            about = {"version": VERSION, "pid": pid, "started": started, "python": sys.version.split()[0]}
            self._append("open", {**about, **self._about})
            for plan in self._plans.values():
                self._append("plan", plan)
            self._pid = pid

    def _lose(self, error: OSError) -> None:
        text = "chaos_middleware: the ledger in %s cannot be written (%s): no fault acts any more"
        if not self.lost:
            logging.getLogger(__name__).error(text, self._folder, error)
        self.lost, self._folder = True, None
