"""Functions of other modules replaced, at once or as soon as the app imports them, and put back as they were.

Nothing is imported for the sake of patching it: an app that never imports a library pays nothing for its seam.
"""

from __future__ import annotations

import sys
import warnings
from functools import partial, reduce, wraps
from importlib.abc import Loader, MetaPathFinder
from inspect import CO_VARARGS, CO_VARKEYWORDS
from threading import RLock
from types import CodeType
from typing import TYPE_CHECKING, Any, Callable, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType

_lock = RLock()


_UNLESS = """
def hooked({names}):
    found = _look()
    return _original({names}) if found is None else _instead(found, ({names},), {{}})
"""


def parameters(function: Callable[..., Any]) -> tuple[str, ...]:
    """The names of a function's parameters, where all of them can be given by position; else none."""
    code = getattr(function, "__code__", None)
    if not isinstance(code, CodeType) or code.co_flags & (CO_VARARGS | CO_VARKEYWORDS) or code.co_kwonlyargcount:
        return ()
    return code.co_varnames[: code.co_argcount]


def unless(look: Callable[[], Any], original: Callable[..., Any], instead: Callable[..., Any]) -> Callable[..., Any]:
    """`original`, unless `look()` finds something: then `instead(found, args, kwargs)`.

    Its parameters are spelled out, where that can be: to collect whatever comes and hand it on would cost as much as
    all the rest of a hook.
    """
    names = parameters(original)
    if not names:

        @wraps(original)
        def hooked(*args: Any, **kwargs: Any) -> Any:
            found = look()
            return original(*args, **kwargs) if found is None else instead(found, args, kwargs)

        return hooked
    made: dict[str, Any] = {"_look": look, "_original": original, "_instead": instead}
    exec(_UNLESS.format(names=", ".join(names)), made)  # noqa: S102 - nothing but the names of parameters goes in
    made["hooked"].__defaults__ = original.__defaults__
    return wraps(original)(made["hooked"])


class Change(Protocol):
    """What is done to one module and undone again; both may be called more than once."""

    def apply(self, module: ModuleType) -> None:
        """Do it, unless it is done already."""

    def undo(self) -> None:
        """Put back the very object that was there."""


class Replace:
    """Replaces the function at `path` (`Class.method`) of a module by `wrap(original)`.

    Where somebody else has patched on top of ours, undoing leaves both: ours then hands every call straight on.
    """

    def __init__(self, path: str, wrap: Callable[[Any], Any]) -> None:
        self._path = path.split(".")
        self._wrap = wrap
        self._owner: Any = None
        self.original: Any = None
        self._ours: Any = None

    def is_ours(self, function: Any) -> bool:
        """Whether that is what stands in the original's place."""
        return self._owner is not None and function is self._ours

    def apply(self, module: ModuleType) -> None:
        """Replace it."""
        *outer, name = self._path
        try:
            owner: Any = reduce(getattr, outer, module)
            if isinstance(owner, type):  # gevent puts subclasses in the place of some classes
                owner = next(kind for kind in owner.__mro__ if name in vars(kind))
        except (AttributeError, StopIteration):
            text = f"chaos_middleware: {module.__name__} has no {'.'.join(self._path)} any more; its calls are not seen"
            warnings.warn(text, RuntimeWarning, stacklevel=2)
            return
        if owner is self._owner:
            return
        self._owner, self.original = owner, vars(owner)[name]
        self._ours = self._wrap(self.original)
        setattr(owner, name, self._ours)

    def undo(self) -> None:
        """Put the original back."""
        if self._owner is not None and vars(self._owner)[self._path[-1]] is self._ours:
            setattr(self._owner, self._path[-1], self.original)
            self._owner = None


class Spare:
    """Spares a class the function that it inherits from one where `replaced` has put ours: it gets the original for its
    own. What would only be handed on there then costs nothing.
    """

    def __init__(self, path: str, replaced: Replace) -> None:
        self._class, _, self._name = path.rpartition(".")
        self._hook = replaced
        self._owner: Any = None

    def apply(self, module: ModuleType) -> None:
        """Do it where it inherits ours, and nobody's on top of it."""
        owner = getattr(module, self._class, None)
        if owner is not None and self._name not in vars(owner) and self._hook.is_ours(getattr(owner, self._name)):
            self._owner = owner
            setattr(owner, self._name, self._hook.original)

    def undo(self) -> None:
        """Have it inherit again, where nobody has put something else there."""
        if self._owner is not None and vars(self._owner).get(self._name) is self._hook.original:
            delattr(self._owner, self._name)
        self._owner = None


class Patches(MetaPathFinder):
    """The changes that belong together under one name; each `install` is balanced by one `uninstall`."""

    def __init__(self, name: str, changes: dict[str, Sequence[Change]]) -> None:
        """`changes`: for each module by its full name, what to do to it."""
        self.name = name
        self._changes = changes
        self._installs = 0

    def install(self) -> None:
        """Change the modules that are there, and the others when the app imports them."""
        with _lock:
            self._installs += 1
            if self._installs == 1:
                sys.meta_path.insert(0, self)
                for name in self._changes:
                    if name in sys.modules:
                        self._apply(name)

    def uninstall(self) -> None:
        """Undo everything, with the last of the installs."""
        with _lock:
            self._installs = max(0, self._installs - 1)
            if self._installs == 0 and self in sys.meta_path:
                sys.meta_path.remove(self)
                for changes in self._changes.values():
                    for change in changes:
                        change.undo()

    def find_spec(self, fullname: str, path: Any = None, target: ModuleType | None = None) -> ModuleSpec | None:
        """Let the other finders find a module that is to be changed, and change it when it has been executed."""
        if fullname not in self._changes:
            return None
        for finder in sys.meta_path[sys.meta_path.index(self) + 1 :]:
            find = getattr(finder, "find_spec", None)  # before Python 3.12 some still go without
            spec: ModuleSpec | None = find and find(fullname, path, target)
            if spec is not None and hasattr(spec.loader, "exec_module"):
                spec.loader = _Follower(spec.loader, partial(self._executed, fullname))
            if spec is not None:
                return spec
        return None

    def _executed(self, name: str) -> None:
        with _lock:
            if self._installs:
                self._apply(name)

    def _apply(self, name: str) -> None:
        for change in self._changes[name]:
            change.apply(sys.modules[name])  # under its name: what was executed may have put another in its place


class _Follower(Loader):
    """Stands for a module's loader until the module has been executed. That loader itself is left as it is: zipimport
    has one for many modules, and some are classes.
    """

    def __init__(self, loader: Any, executed: Callable[[], None]) -> None:
        self._loader = loader
        self._executed = executed

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loader, name)

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        module: ModuleType | None = self._loader.create_module(spec)
        return module

    def exec_module(self, module: ModuleType) -> None:
        module.__loader__ = self._loader
        if module.__spec__ is not None:
            module.__spec__.loader = self._loader
        self._loader.exec_module(module)
        self._executed()
