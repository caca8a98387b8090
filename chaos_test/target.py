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
from chaos_test.table import Service, Table, find

if TYPE_CHECKING:
    import argparse

PLANNER = Path(__file__).resolve().parents[1] / "examples" / "orbital_travel_planner"
OLDEST_PYTHON = (3, 9)


@dataclass(frozen=True)
class Target:
    """The service under test.

    `app` is `MODULE:APP` and None with `url`; `dir` its source folder, None where nobody said; `python` its
    interpreter; `table` the defaults from the pyproject.toml in `project`, which is relative to `dir`, so that it is
    of a copy as well; `paths` are imported from after `dir`.
    """

    app: str | None
    url: str | None
    dir: Path | None
    python: Path
    table: Table
    project: Path = Path()
    paths: tuple[Path, ...] = ()

    @property
    def services(self) -> tuple[Service, ...]:
        """What is started beside it; nothing for a service that runs already."""
        return () if self.url else self.table.services

    def path(self, name: str) -> Path:
        """A path from the table, which is relative to the project's folder."""
        return Path(os.path.normpath((self.dir or Path()) / self.project / name))


def resolve(args: argparse.Namespace) -> Target:
    """The target that the command line and the app's table name; raises `ChaosTestError`."""
    if args.url:
        return _running(args)
    folder, project, table = _folder(args)
    app = args.target or table.app
    if not app:
        raise ChaosTestError(
            f"no app is named: give MODULE:APP, or app = … under [tool.chaos-test] in "
            f"{os.path.normpath(folder / project / 'pyproject.toml')}"
        )
    if ":" not in app:
        raise ChaosTestError(f"{app!r} is not an app such as shop:app or shop:create_app()")
    python = _python(args.python, folder / project, table)
    return Target(app=app, url=None, dir=folder, python=python, table=table, project=project)


def of_folder(folder: Path) -> tuple[Path, Path, Table | None]:
    """The app's folder that this one stands for, its project as seen from there, and the project's table.

    They differ where the table names the app's folder and this is the project's. A table that names another app's
    folder is none of this one's. Raises `ChaosTestError`.
    """
    home, table = find(folder)
    app = folder
    if table and table.app_dir:
        named = (home / table.app_dir).resolve()
        if not named.is_dir() or not named.is_relative_to(home):
            raise ChaosTestError(
                f"{home / 'pyproject.toml'}: tool.chaos-test.app-dir: {table.app_dir!r}: there is no such folder in it"
            )
        if folder not in (home, named):
            return folder, Path(), None
        app = named
    return app, Path(os.path.relpath(home, app)), table


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
    url, python = args.url.rstrip("/"), Path(sys.executable)
    if not args.app_dir:
        return Target(app=None, url=url, dir=None, python=python, table=Table())
    folder, project, table = of_folder(_existing(Path(args.app_dir)))
    return Target(app=None, url=url, dir=folder, python=python, table=table or Table(), project=project)


def _is_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:  # brackets that do not close, a port out of range
        return False


def _folder(args: argparse.Namespace) -> tuple[Path, Path, Table]:
    """The app's folder, its project as seen from there, and its table: of the folder given, else of this one or of the
    project that it is in, else the planner's.
    """
    start = _existing(Path(args.app_dir or "."))
    if not args.app_dir and not args.target:
        home, table = find(start)
        if not table and not PLANNER.is_dir():
            raise ChaosTestError(
                "give MODULE:APP: the Orbital Travel Planner, the default, comes with the repository, not with the "
                "package"
            )
        start = home if table else PLANNER
    folder, project, table = of_folder(start)
    return folder, project, table or Table()


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
