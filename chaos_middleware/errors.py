"""The errors of the middleware.

    ChaosError
    ├── ExperimentError      chaos-config.json cannot be used: file, key, value, what is allowed
    ├── UnsupportedFault     this server, driver or place cannot have this fault; says why
    └── ServeError           `python -m chaos_middleware.serve` cannot serve what it was given

An error that a fault raises into the app is never one of these: it is the library's own class, marked by
`mark_injected`.
"""

from __future__ import annotations

from typing import TypeVar

_Error = TypeVar("_Error", bound=BaseException)
_MOST_ORIGINS = 50


class ChaosError(Exception):
    """Anything that chaos_middleware itself has to complain about, as one sentence."""


class ExperimentError(ChaosError):
    """The experiment is not valid."""


class UnsupportedFault(ChaosError):  # noqa: N818 - it reads as what it says: "unsupported fault: ..."
    """The fault cannot be had here."""


class ServeError(ChaosError):
    """The application cannot be served."""


def mark_injected(error: _Error, event: str) -> _Error:
    """Mark an error as injected by the fault event with this id (attribute `chaos_fault`), and return it."""
    error.chaos_fault = event  # type: ignore[attr-defined]  # any exception instance takes attributes
    return error


def injected_by(error: BaseException | None) -> str | None:
    """The id of the fault event that raised this error or one that it came from, or None.

    An error comes from its cause, its context, and the errors among its arguments, as libraries wrap them.
    """
    waiting = [error]
    for origin in waiting:  # it grows below
        event = getattr(origin, "chaos_fault", None)
        if event is not None:
            return str(event)
        if origin is not None and len(waiting) < _MOST_ORIGINS:
            arguments = [argument for argument in origin.args if isinstance(argument, BaseException)]
            waiting += (found for found in (origin.__cause__, origin.__context__, *arguments) if found not in waiting)
    return None
