"""The run folder, as far as the command writes it: run.json, the lease, the app's sources (docs/formats.md)."""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
import threading
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from chaos_test.errors import ChaosTestError

LEASE_SECONDS = 1.0
RUN = "run.json"
_RUN_ID = re.compile(r"\d{8}T\d{6}Z-\w+")


def create(out: Path) -> Path:
    """A new run folder, `<UTC time>-<short id>`; raises `ChaosTestError` where none can be made."""
    folder = out / _name()
    try:
        (folder / "faults").mkdir(parents=True)
        (folder / "requests").mkdir()
    except OSError as error:
        raise ChaosTestError(f"--out {out}: {error.strerror}: {error.filename}") from None
    return folder


def create_map(out: Path) -> Path:
    """A new folder for a map, `<UTC time>-<short id>-map`; raises `ChaosTestError` where none can be made."""
    folder = out / f"{_name()}-map"
    try:
        folder.mkdir(parents=True)
    except OSError as error:
        raise ChaosTestError(f"--out {out}: {error.strerror}: {error.filename}") from None
    return folder


def leave(folder: Path, told: str) -> None:
    """Keep of a run folder whose start failed the logs that are `told` of by their path; without any, nothing."""
    kept = {log for log in folder.glob("*.log") if str(log) in told}
    for path in set(folder.iterdir()) - kept:
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()
    if not kept:
        folder.rmdir()


def _name() -> str:
    return f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(2)}"


def newest(out: Path, holding: str = "") -> Path:
    """The youngest run folder with this file in it; raises `ChaosTestError` where there is none.

    A start that failed leaves logs at most, and is no run.
    """
    runs = sorted(path for path in out.glob("*Z-*") if _RUN_ID.fullmatch(path.name) and (path / RUN).is_file())
    whole = [path for path in runs if (path / holding).exists()]
    if runs and not whole:
        raise ChaosTestError(f"{out}: no run folder has a {holding}; chaos-test report {runs[-1]} makes it")
    if not runs:
        raise ChaosTestError(f"{out}: there is no run folder yet; make one with chaos-test run")
    return whole[-1]


def asked(run_dir: str | None) -> Path:
    """The run folder that was named, else the newest in reports with proposals: a run that was broken off has none.

    Raises `ChaosTestError`.
    """
    if run_dir is None:
        return newest(Path("reports"), "fix-proposals.json")
    if not Path(run_dir).is_dir():
        raise ChaosTestError(f"{run_dir}: there is no such run folder")
    return Path(run_dir)


def shown(path: Path) -> str:
    """A path as short as it can be said from here."""
    relative = os.path.relpath(path)
    return str(path) if relative.startswith("..") else relative


def write_json(file: Path, value: dict[str, Any]) -> None:
    """Write a whole file or none: readers never see half of it."""
    part = file.with_name(f".{file.name}.part")
    part.write_text(json.dumps(value, indent=2) + "\n", encoding="utf-8")
    part.replace(file)


class Lease:
    """Keeps `lease` young in these folders while the `with` block lasts: faults end soon after the command does,
    however it ends.
    """

    def __init__(self, *folders: Path) -> None:
        self._files = [folder / "lease" for folder in folders]
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._touch, name="lease", daemon=True)

    def __enter__(self) -> Self:
        for file in self._files:
            file.touch()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    @property
    def alive(self) -> bool:
        """Whether the files are still being touched."""
        return self._thread.is_alive()

    def _touch(self) -> None:
        while not self._over.wait(LEASE_SECONDS):
            for file in self._files:
                with suppress(OSError):  # who removes it has had enough
                    os.utime(file)
