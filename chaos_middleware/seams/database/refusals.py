"""What SQLAlchemy (1.4, 2.x) refuses by itself: a session or connection whose transaction has failed and was not rolled
back asks the database nothing, so none of its calls comes by the dialects.

It is noted where the error is made, as a call that ended in it: what goes well never comes here.
"""

from __future__ import annotations

from functools import wraps
from sys import _getframe
from time import monotonic
from typing import TYPE_CHECKING, Any, Callable

from chaos_middleware.request import current
from chaos_middleware.seams.database.quiet import Quiet
from chaos_middleware.seams.database.statements import control

if TYPE_CHECKING:
    from types import ModuleType

_ERROR = "PendingRollbackError"


class Refusals:
    """Gives the error a constructor of its own, which tells of it, before the one that it inherits."""

    _error: Any = None

    def apply(self, module: ModuleType) -> None:
        """Do it, unless it is done already, or there is no such error: before 1.4 it was one for everything."""
        error = vars(module).get(_ERROR)
        if error is not None and "__init__" not in vars(error):
            self._error = error
            error.__init__ = _telling(error.__init__)

    def undo(self) -> None:
        """Have it inherit again."""
        if self._error is not None:
            del self._error.__init__
        self._error = None


def _telling(original: Callable[..., None]) -> Callable[..., None]:
    @wraps(original)
    def made(error: Any, *args: Any, **kwargs: Any) -> None:
        original(error, *args, **kwargs)
        request = current.get()
        if request is None:
            return
        now = monotonic()
        spot = request.injector.frames.spot(_getframe(1))
        note = (Quiet, control("SESSION", "sqlalchemy"), None, spot, now, now, _ERROR)
        if request.sampled or request.faults:
            request.injector.record_call(request, note)
        elif not request.closed:
            request.calls.append(note)

    return made
