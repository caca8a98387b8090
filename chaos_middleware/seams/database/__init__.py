"""The database: statements, commits and checkouts of SQLAlchemy (1.4, 2.x), and of `sqlite3`, psycopg 3, psycopg2 and
pymysql where they are used bare.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from chaos_middleware.patching import Patches, Replace
from chaos_middleware.seams.database.dialects import METHODS, checkout
from chaos_middleware.seams.database.drivers import psycopg, psycopg2, pymysql, sqlite
from chaos_middleware.seams.database.drivers.hooks import quietly
from chaos_middleware.seams.database.own_methods import OwnMethods
from chaos_middleware.seams.database.refusals import Refusals

if TYPE_CHECKING:
    from collections.abc import Sequence

    from chaos_middleware.patching import Change

_DIALECTS = (
    "sqlalchemy.engine.default",
    "sqlalchemy.dialects.mssql.base",
    "sqlalchemy.dialects.mssql.pyodbc",
    "sqlalchemy.dialects.mysql.mysqldb",
    "sqlalchemy.dialects.oracle.cx_oracle",
    "sqlalchemy.dialects.postgresql.psycopg2",
)
_sqlite = sqlite.Connect()
_CHANGES: dict[str, Sequence[Change]] = {
    **{module: (OwnMethods(METHODS),) for module in _DIALECTS},
    "sqlalchemy.exc": (Refusals(),),
    "sqlalchemy.pool.base": (Replace("Pool.connect", checkout), Replace("_ConnectionFairy._reset", quietly)),
    "sqlalchemy.pool.impl": (OwnMethods({"connect": checkout}),),  # a pool of 1.4 has one of its own
    **dict.fromkeys(sqlite.MODULES, (_sqlite,)),
    **psycopg.CHANGES,
    **psycopg2.CHANGES,
    **pymysql.CHANGES,
}

SEAM = Patches("database", _CHANGES)
