"""psycopg 3: cursors, connections and transaction blocks."""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, Any, Callable

from chaos_middleware.patching import Replace
from chaos_middleware.request import current
from chaos_middleware.seams.database.drivers.hooks import ends, executes
from chaos_middleware.seams.database.exchange import through
from chaos_middleware.seams.database.own_methods import OwnMethods
from chaos_middleware.seams.database.statements import control

if TYPE_CHECKING:
    from collections.abc import Sequence

    from chaos_middleware.patching import Change

_ENGINE = "postgresql"


def _exit_block(original: Callable[..., Any]) -> Callable[..., Any]:
    """The end of `with connection.transaction()`; that of a nested one is a savepoint's, and no call of its own."""

    @wraps(original)
    def exit_block(block: Any, kind: Any, *error: Any) -> Any:
        request = current.get()
        if request is None or not block._outer_transaction:
            return original(block, kind, *error)
        verb = "ROLLBACK" if kind is not None or block.force_rollback else "COMMIT"
        return through(request, control(verb, _ENGINE), None, block.connection, original, block, kind, *error)

    return exit_block


_CURSOR = {"execute": executes(_ENGINE), "executemany": executes(_ENGINE)}

CHANGES: dict[str, Sequence[Change]] = {
    "psycopg.cursor": (OwnMethods(_CURSOR),),
    "psycopg.server_cursor": (OwnMethods(_CURSOR),),  # up to 3.2
    "psycopg._server_cursor": (OwnMethods(_CURSOR),),
    "psycopg.connection": (
        Replace("Connection.commit", ends("COMMIT", _ENGINE)),
        Replace("Connection.rollback", ends("ROLLBACK", _ENGINE)),
    ),
    "psycopg.transaction": (Replace("Transaction.__exit__", _exit_block),),
}
