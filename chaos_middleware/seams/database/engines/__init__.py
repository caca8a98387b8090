"""How each kind of database does the faults: by its own means wherever it has them."""

from __future__ import annotations

from typing import Any

from chaos_middleware.seams.database.engines.base import Engine, in_a_line
from chaos_middleware.seams.database.engines.mysql import MySQL
from chaos_middleware.seams.database.engines.postgresql import PostgreSQL
from chaos_middleware.seams.database.engines.sqlite import SQLite

_OTHER = Engine()
_BY_DRIVER: dict[str, Engine] = {
    "sqlite3": SQLite(),
    "psycopg": PostgreSQL(),
    "psycopg2": PostgreSQL(),
    "pymysql": MySQL(),
}


def engine_of(connection: Any) -> Engine:
    """The engine behind a driver's connection, told by the driver; one that refuses everything for other drivers."""
    for kind in type(connection).__mro__:
        engine = _BY_DRIVER.get(kind.__module__.partition(".")[0])
        if engine is not None:
            return engine
    return _OTHER


__all__ = ["Engine", "engine_of", "in_a_line"]
