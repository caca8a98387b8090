"""pymysql: cursors and connections."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chaos_middleware.patching import Replace
from chaos_middleware.seams.database.drivers.hooks import ends, executes, quietly

if TYPE_CHECKING:
    from collections.abc import Sequence

    from chaos_middleware.patching import Change

_ENGINE = "mysql"

CHANGES: dict[str, Sequence[Change]] = {
    "pymysql.cursors": (
        Replace("Cursor.execute", executes(_ENGINE)),
        Replace("Cursor.executemany", executes(_ENGINE)),
    ),
    "pymysql.connections": (
        Replace("Connection.connect", quietly),
        Replace("Connection.commit", ends("COMMIT", _ENGINE)),
        Replace("Connection.rollback", ends("ROLLBACK", _ENGINE)),
    ),
}
