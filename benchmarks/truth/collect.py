"""The cases in `cases/`, their services, and the lines that are marked in them."""

from __future__ import annotations

import importlib
import inspect
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from benchmarks.truth.case import Case

CASES = Path(__file__).parent / "cases"
KINDS = ("defect", "twin", "decoy")
_MARK = re.compile(r"# <- (?P<clauses>.+)")
_CLAUSE = re.compile(r"(?P<what>defect|also|mended by)(: (?P<names>\w+(, \w+)*))?")


@dataclass(frozen=True)
class Mark:
    """A marked line of a defective service: `# <- defect; also: FINDER, FINDER`, of which `also` may be found there."""

    finder: str
    line: int
    required: bool


@dataclass(frozen=True)
class Service:
    """One app of a case. `name` is its function's, `kind` what that name begins with; only defects have marks.

    mended_by: the fixes, of `chaos_analysis/fixes/`, that must be proposed for it, and of which each must mend it.
    """

    case: str
    name: str
    kind: str
    about: Case
    marks: tuple[Mark, ...]
    mended_by: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """`missing_timeout.twin`."""
        return f"{self.case}.{self.name}"


class CaseError(ValueError):
    """A case that says too little or something that cannot be; the message names the file."""


def names() -> list[str]:
    """All cases."""
    return sorted(path.stem for path in CASES.glob("[!_]*.py"))


def services(chosen: list[str] | None = None) -> list[Service]:
    """The services of these cases, or of all; raises `CaseError`."""
    unknown = set(chosen or ()) - set(names())
    if unknown:
        raise CaseError(f"no case {', '.join(sorted(unknown))}; there are {', '.join(names())}")
    return [service for name in chosen or names() for service in _services(name)]


def module_of(name: str) -> ModuleType:
    """A case's module."""
    return importlib.import_module(f"benchmarks.truth.cases.{name}")


def _services(name: str) -> Iterator[Service]:
    module = module_of(name)
    about = getattr(module, "CASE", None)
    if not isinstance(about, Case):
        raise CaseError(f"{name}.py has no CASE = Case(…)")
    factories = {
        function: value
        for function, value in vars(module).items()
        if function.startswith(KINDS) and inspect.isfunction(value) and value.__module__ == module.__name__
    }
    kinds = {function: next(kind for kind in KINDS if function.startswith(kind)) for function in factories}
    if bool(about.finder) != ("defect" in kinds.values()):
        raise CaseError(f"{name}.py: a finder goes with a function defect(), and a file of decoys has neither")
    if about.finder and "twin" not in kinds.values():
        raise CaseError(f"{name}.py: a defect needs its twin()")
    for function, factory in factories.items():
        found, fixes = tuple(marks(factory, about.finder)), mended_by(factory)
        _check(f"{name}.{function}", kinds[function], about, found, fixes)
        yield Service(name, function, kinds[function], about, found, fixes)


def _check(title: str, kind: str, about: Case, marks: tuple[Mark, ...], fixes: tuple[str, ...]) -> None:
    required = [mark for mark in marks if mark.required]
    if kind != "defect" and (marks or fixes):
        raise CaseError(f"{title}: only a defect has marked lines")
    if kind == "defect" and not required and about.where is None:
        raise CaseError(f"{title}: mark a line with # <- defect, or give where=ENDPOINT")


def marks(factory: Callable[[], Any], finder: str) -> Iterator[Mark]:
    """The marks in the source of a factory, those that name no finder being of `finder`."""
    for number, what, names in _clauses(factory):
        if what != "mended by":
            yield from (Mark(name, number, required=what == "defect") for name in names or [finder])


def mended_by(factory: Callable[[], Any]) -> tuple[str, ...]:
    """The fixes that the marks in the source of a factory name."""
    return tuple(name for _, what, names in _clauses(factory) if what == "mended by" for name in names)


def _clauses(factory: Callable[[], Any]) -> Iterator[tuple[int, str, list[str]]]:
    lines, first = inspect.getsourcelines(factory)
    for number, text in enumerate(lines, start=first):
        mark = _MARK.search(text)
        for clause in mark["clauses"].split("; ") if mark else ():
            match = _CLAUSE.fullmatch(clause.strip())
            if match is None or (match["what"] != "defect" and not match["names"]):
                raise CaseError(
                    f"{factory.__module__}, line {number}: write # <- defect, # <- also: FINDER, # <- mended by: FIX, "
                    "or several of them with ; between"
                )
            yield number, match["what"], match["names"].split(", ") if match["names"] else []
