"""`[tool.chaos-test]` in a project's pyproject.toml: what `chaos-test run` need not be told each time. Read strictly.

    [tool.chaos-test]
    app = "shop:create_app()"             # MODULE:APP or MODULE:FACTORY()
    app-dir = "src"                       # the app's source folder (default: the file's own)
    python = ".venv/bin/python"           # the app's own interpreter
    config = "chaos-config.json"
    locustfiles = ["load/buyers.py"]      # or endpoints = ["GET /api/items"]
    tests = "python -m pytest -q"         # asked of every patch (default: pytest, where there are tests)
    env = { DATABASE_URL = "sqlite:///{scratch}/shop.db" }
    [tool.chaos-test.services.stock]      # started beside the app, without faults
    app = "stock:app"
    env = "STOCK_URL"                     # tells the app its address

Paths are relative to the file, which lies in the app's source folder or above it. `{scratch}` is a temporary folder of
the run.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from chaos_middleware.reading import Reader
from chaos_test.errors import ChaosTestError

if TYPE_CHECKING:
    from pathlib import Path


_FILE = "pyproject.toml"


@dataclass(frozen=True)
class Service:
    """Something that the app calls; `env` is the variable through which the app learns its address."""

    name: str
    app: str
    env: str


@dataclass(frozen=True)
class Table:
    """The table as written; what it does not say is empty."""

    app: str = ""
    app_dir: str = ""
    python: str = ""
    config: str = ""
    locustfiles: tuple[str, ...] = ()
    endpoints: tuple[str, ...] = ()
    tests: str = ""
    env: tuple[tuple[str, str], ...] = ()
    services: tuple[Service, ...] = ()


def find(folder: Path) -> tuple[Path, Table | None]:
    """The project that a folder is of, and its table; raises what `read` does.

    That is the nearest folder, this one or one above it, with the table; without any the folder itself, or the one that
    it lies in (as `src` does) where that has the pyproject.toml. Nothing above the top of the git repository is looked
    at; without a repository, nothing above a pyproject.toml.
    """
    within = [folder, *folder.parents]
    top = next((path for path in within if (path / ".git").exists()), None)
    declaring = [path for path in within if (path / _FILE).is_file() and (top is None or path.is_relative_to(top))]
    for path in declaring if top else declaring[:1]:
        if found := read(path):
            return path, found
    return (declaring[0] if declaring and declaring[0] in within[:2] else folder), None


def read(folder: Path) -> Table | None:
    """The table in a folder's pyproject.toml, or None; raises `ChaosTestError` or `ExperimentError`."""
    file = folder / _FILE
    if not file.is_file():
        return None
    try:
        tool = tomllib.loads(file.read_bytes().decode()).get("tool", {})
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ChaosTestError(f"{file}: cannot be read: {error}") from None
    if not isinstance(tool, dict) or "chaos-test" not in tool:
        return None
    return _table(Reader(tool["chaos-test"], str(file), "tool.chaos-test"))


def _table(reader: Reader) -> Table:
    table = Table(
        app=reader.text("app", ""),
        app_dir=reader.text("app-dir", ""),
        python=reader.text("python", ""),
        config=reader.text("config", ""),
        locustfiles=reader.strings("locustfiles"),
        endpoints=reader.strings("endpoints"),
        tests=reader.text("tests", ""),
        env=_env(reader.mapping("env"), reader),
        services=_services(reader),
    )
    reader.close()
    return table


def _env(values: dict[str, object], reader: Reader) -> tuple[tuple[str, str], ...]:
    env = Reader(values, reader.file, f"{reader.path}.env")
    return tuple((name, env.text(name, "")) for name in values)


def _services(reader: Reader) -> tuple[Service, ...]:
    services = []
    for name, value in reader.mapping("services").items():
        service = Reader(value, reader.file, f"{reader.path}.services.{name}")
        services.append(Service(name, service.text("app"), service.text("env")))
        service.close()
    return tuple(services)
