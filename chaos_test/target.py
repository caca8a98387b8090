"""What is broken: an app that the command starts, or one that runs already (`--url`)."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from chaos_test.errors import ChaosTestError
from chaos_test.table import Service, Table, read

if TYPE_CHECKING:
    import argparse

PLANNER = Path(__file__).resolve().parents[1] / "examples" / "orbital_travel_planner"
OLDEST_PYTHON = (3, 9)


@dataclass(frozen=True)
class Target:
    """The service under test.

    `app` is `MODULE:APP` and None with `url`; `dir` its source folder, None where nobody said; `python` its
    interpreter; `table` the defaults from its pyproject.toml; `paths` are imported from after `dir`.
    """

    app: str | None
    url: str | None
    dir: Path | None
    python: Path
    table: Table
    paths: tuple[Path, ...] = ()

    @property
    def services(self) -> tuple[Service, ...]:
        """What is started beside it; nothing for a service that runs already."""
        return () if self.url else self.table.services

    def path(self, name: str) -> Path:
        """A path from the table, which is relative to the app's folder."""
        return (self.dir or Path()) / name


def resolve(args: argparse.Namespace) -> Target:
    """The target that the command line and the app's table name; raises `ChaosTestError`."""
    if args.url:
        return _running(args)
    folder, table = _folder(args)
    app = args.target or table.app
    if not app:
        raise ChaosTestError(
            f"no app is named: give MODULE:APP, or app = … under [tool.chaos-test] in {folder / 'pyproject.toml'}"
        )
    if ":" not in app:
        raise ChaosTestError(f"{app!r} is not an app such as shop:app or shop:create_app()")
    return Target(app=app, url=None, dir=folder, python=_python(args.python, folder, table), table=table)


def is_loopback(url: str) -> bool:
    """Whether a URL points at this machine."""
    host = urlsplit(url).hostname or ""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _running(args: argparse.Namespace) -> Target:
    for option, value in (("MODULE:APP", args.target), ("--python", args.python), ("--port", args.port)):
        if value:
            raise ChaosTestError(f"--url drives a service that runs already, so {option} has no meaning beside it")
    if not _is_address(args.url):
        raise ChaosTestError(f"--url {args.url!r} is not an address such as http://127.0.0.1:8000")
    folder = _existing(Path(args.app_dir)) if args.app_dir else None
    table = (read(folder) if folder else None) or Table()
    return Target(app=None, url=args.url.rstrip("/"), dir=folder, python=Path(sys.executable), table=table)


def _is_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:  # brackets that do not close, a port out of range
        return False


def _folder(args: argparse.Namespace) -> tuple[Path, Table]:
    """The app's folder: the one given, else this one if it is an app's, else the planner's."""
    folder = _existing(Path(args.app_dir or "."))
    table = read(folder)
    if args.app_dir or args.target or table:
        return folder, table or Table()
    if not PLANNER.is_dir():
        raise ChaosTestError(
            "give MODULE:APP: the Orbital Travel Planner, the default, comes with the repository, not with the package"
        )
    return PLANNER, read(PLANNER) or Table()


def _existing(folder: Path) -> Path:
    if not folder.is_dir():
        raise ChaosTestError(f"--app-dir {folder}: there is no such folder")
    return folder.resolve()


def _python(given: str | None, folder: Path, table: Table) -> Path:
    """The app's interpreter, not resolved: a virtual environment's `python` is a link, and is known by its place."""
    if not given and not table.python:
        return Path(sys.executable)
    name = given or (str(folder / table.python) if os.sep in table.python else table.python)
    found = shutil.which(name)
    if not found:
        raise ChaosTestError(f"--python {name}: there is no such program")
    version = _version(found)
    if version < OLDEST_PYTHON:
        raise ChaosTestError(f"--python {name} is Python {version[0]}.{version[1]}; the middleware needs 3.9 or later")
    return Path(found).absolute()


def _version(python: str) -> tuple[int, int]:
    ask = "import sys; print(list(sys.version_info[:2]))"
    try:
        answer = subprocess.run([python, "-c", ask], capture_output=True, timeout=20, check=True)  # noqa: S603 - the user's own choice
        major, minor = json.loads(answer.stdout)
    except (OSError, subprocess.SubprocessError, ValueError):
        raise ChaosTestError(f"--python {python} does not answer like a Python interpreter") from None
    return int(major), int(minor)
