"""Methods replaced in every class of a module that has them of its own, whatever the classes are called."""

from __future__ import annotations

from inspect import iscoroutinefunction
from typing import TYPE_CHECKING, Any, Callable

from chaos_middleware.patching import Replace

if TYPE_CHECKING:
    from types import ModuleType


class OwnMethods:
    """Replaces the methods of these names by `wrap(original)`. What a class inherits is left to its base; coroutines
    are left alone.
    """

    def __init__(self, wraps: dict[str, Callable[[Any], Any]]) -> None:
        self._wraps = wraps
        self._replaced: list[Replace] = []

    def apply(self, module: ModuleType) -> None:
        """Replace them, unless it is done already."""
        if not self._replaced:
            for kind in dict.fromkeys(
                one for one in vars(module).values() if isinstance(one, type)
            ):  # some have two names
                own = [name for name in self._wraps if _is_of(vars(kind).get(name), module)]
                self._replaced += [Replace(f"{kind.__name__}.{name}", self._wraps[name]) for name in own]
        for one in self._replaced:
            one.apply(module)

    def undo(self) -> None:
        """Put the very functions back."""
        for one in self._replaced:
            one.undo()


def _is_of(method: Any, module: ModuleType) -> bool:
    """Whether it is one that the module defines: what it has imported is replaced where that is defined."""
    return getattr(method, "__module__", None) == module.__name__ and not iscoroutinefunction(method)
