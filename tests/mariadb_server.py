"""A real MariaDB for tests, where Debian's `mariadb-server-core` or the like is installed; no wheel has one."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pymysql

from tests.postgres_server import NOBODY, free_port

if TYPE_CHECKING:
    from collections.abc import Iterator

PROGRAM = shutil.which("mariadbd", path="/usr/sbin:/usr/bin:/usr/local/bin:/usr/local/sbin")
_TABLES = ("mysql_system_tables.sql", "mysql_performance_tables.sql", "mysql_system_tables_data.sql")


@dataclass(frozen=True)
class MariaDB:
    """A running MariaDB with the database `shop` and the user `root`, who needs no password."""

    port: int

    @property
    def url(self) -> str:
        """For SQLAlchemy."""
        return f"mysql+pymysql://root@127.0.0.1:{self.port}/shop"

    def connect(self, **settings: Any) -> Any:
        """A bare connection."""
        return pymysql.connect(host="127.0.0.1", port=self.port, user="root", database="shop", **settings)

    def ask(self, query: str) -> list[Any]:
        """The rows of a query, over a connection of its own."""
        with self.connect(autocommit=True) as connection, connection.cursor() as cursor:
            cursor.execute(query)
            return list(cursor.fetchall())


@contextmanager
def mariadb() -> Iterator[MariaDB]:
    """MariaDB on an empty folder; up in about three seconds."""
    assert PROGRAM is not None
    folder = Path(tempfile.mkdtemp(prefix="chaos-mariadb-"))
    who: dict[str, Any] = {}
    try:
        data, scratch = folder / "data", folder / "tmp"  # a server that starts clears its folder for temporary tables
        (data / "mysql").mkdir(parents=True)
        scratch.mkdir()
        if os.getuid() == 0:
            who = {"user": NOBODY, "group": NOBODY, "extra_groups": []}
            for path in (folder, data, data / "mysql", scratch):
                os.chown(path, NOBODY, NOBODY)
        common = [PROGRAM, "--no-defaults", f"--datadir={data}", "--innodb-buffer-pool-size=16M", "--skip-log-bin"]
        common += [f"--socket={folder / 'socket'}", f"--pid-file={folder / 'pid'}", f"--tmpdir={scratch}"]
        tables = "use mysql;\n" + "".join((Path("/usr/share/mysql") / name).read_text() for name in _TABLES)
        made = subprocess.run(
            [*common, "--bootstrap"], check=False, input=tables.encode(), capture_output=True, cwd=folder, **who
        )
        assert made.returncode == 0, made.stderr
        port = free_port()
        serve = [*common, "--bind-address=127.0.0.1", f"--port={port}", "--skip-grant-tables", "--skip-networking=0"]
        with (folder / "log").open("w") as log, subprocess.Popen(serve, cwd=folder, stderr=log, **who) as process:
            try:
                _wait(port, process, folder / "log")
                yield MariaDB(port)
            finally:
                process.terminate()
                process.wait(timeout=20)
    finally:
        shutil.rmtree(folder)


def _wait(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + 30
    while time.monotonic() < until and process.poll() is None:
        with suppress(pymysql.OperationalError):
            with pymysql.connect(host="127.0.0.1", port=port, user="root") as connection:
                connection.cursor().execute("CREATE DATABASE shop")
            return
        time.sleep(0.05)
    raise AssertionError(f"MariaDB did not start:\n{log.read_text()}")
