"""Findings of a run against what a case says: found or missed, at the right site or a wrong one, or false.

Strict: on a defect every finding above `low` must be of a marked line (or of the case's endpoint, where a finder names
no line), or stand in `also`. On a twin or a decoy there must be none, save what stands in `allowed`. `low` is how
a finder says that the app had no say or that another finding explains it: that is no claim about the app.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.truth.collect import Service

Pattern = Mapping[str, Any]


@dataclass(frozen=True)
class Said:
    """One finding that a case did not want, in words: by whom, and what."""

    finder: str
    text: str


@dataclass(frozen=True)
class Judgement:
    """How the finders did on one service. `found` and `missed` count expectations of the case's own finder.

    `right` counts the findings of marked lines and endpoints, `wrong` has those of other places or other rules.
    """

    found: int = 0
    missed: tuple[str, ...] = ()
    right: int = 0
    wrong: tuple[Said, ...] = ()
    false: tuple[Said, ...] = ()

    @property
    def good(self) -> bool:
        """Nothing missed, wrong or false."""
        return not (self.missed or self.wrong or self.false)


def judge(service: Service, patterns: Sequence[Pattern]) -> Judgement:
    """What one run's findings are worth."""
    claims = [pattern for pattern in patterns if pattern["severity"] != "low"]
    if service.kind != "defect":
        false = [one for one in claims if one["finder"] not in service.about.allowed]
        return Judgement(false=tuple(map(_said, false)))
    right, wrong, false = 0, [], []
    for one in claims:
        verdict = _verdict(service, one)
        right += verdict is True
        if verdict is False:
            wrong.append(one)
        elif verdict is None and one["finder"] not in service.about.also:
            false.append(one)
    wanted = _wanted(service, claims)
    missed = tuple(what for what, met in wanted.items() if not met)
    return Judgement(len(wanted) - len(missed), missed, right, tuple(map(_said, wrong)), tuple(map(_said, false)))


def _verdict(service: Service, one: Pattern) -> bool | None:
    """Whether a finding is of the right place and rules; None where the case says nothing about its finder."""
    about = service.about
    lethal = set(about.lethal or (rule["name"] for rule in about.rules))
    lines = {mark.line for mark in service.marks if mark.finder == one["finder"]}
    by_endpoint = about.where is not None and one["finder"] == about.finder
    if not lines and not by_endpoint:
        return None
    blamed = set(one["rules"]) <= lethal
    if lines and one["site"]:
        return blamed and _is_at(service, one, lines)
    return blamed and about.where is not None and one["endpoint"] == about.where


def _wanted(service: Service, claims: Sequence[Pattern]) -> dict[str, bool]:
    """Everything that must be found, by how it is called, and whether it was."""
    about, wanted = service.about, {}
    for mark in service.marks:
        if mark.required:
            own = [one for one in claims if one["finder"] == mark.finder]
            at = f"{mark.finder} at {service.case}.py:{mark.line}"
            wanted[at] = any(_is_at(service, one, {mark.line}) for one in own)
    if about.where is not None:
        own = [one for one in claims if one["finder"] == about.finder]
        wanted[f"{about.finder} of {about.where}"] = any(one["endpoint"] == about.where for one in own)
    return wanted


def _is_at(service: Service, one: Pattern, lines: set[int]) -> bool:
    site = one["site"]
    return bool(site) and site["file"] == f"{service.case}.py" and site["line"] in lines


def _said(one: Pattern) -> Said:
    site = one["site"]
    where = f" at {site['file']}:{site['line']}" if site else ""
    rules = f" (rules {', '.join(one['rules'])})" if one["rules"] else ""
    return Said(one["finder"], f"{one['severity']}: {one['title']}{where}{rules}")
