"""Patterns and tables of a run that never was, for tests of what is proposed for them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from chaos_analysis.fixes import propose
from chaos_analysis.model import Estimate, Pattern, Proposal, Site, Tables
from chaos_analysis.sources import Sources

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

CALL = {
    "key": "1.1.1",
    "seam": "database",
    "target": "",
    "function": "f",
    "started": 0.0,
    "seconds": 0.001,
    "timeout": None,
    "faults": (),
    "error": None,
}
ANSWER = {"key": "1.1.1", "seconds": 0.01, "faults": (), "error": None, "sampled": True}


def pattern(finder: str, file: str, line: int, **more: Any) -> Pattern:
    """A finding at a call site of the database, or where `more` says."""
    told = {"seam": "database", "target": "SELECT stock 97ccb5bd", "rules": ("rule",), "faults": ("latency",)}
    return Pattern(
        id=f"{finder}:{file}:f",
        finder=finder,
        title=finder,
        summary="3 requests failed.",
        evidence="direct",
        severity="high",
        endpoint=None,
        failures=3,
        rate=Estimate(None, None, None, 0, "probability"),
        site=Site(file, line, "f"),
        **{**told, **more},
    )


def proposed(
    folder: Path,
    fix: str,
    *patterns: Pattern,
    calls: Sequence[Mapping[str, Any]] = (),
    answers: Sequence[Mapping[str, Any]] = (),
    deadline: float | None = None,
) -> list[Proposal]:
    """What this fix proposes; `calls` and `answers` say only what is not as in `CALL` and `ANSWER`."""
    nothing = pd.DataFrame()
    site = {"file": patterns[0].site and patterns[0].site.file, "line": patterns[0].site and patterns[0].site.line}
    table = pd.DataFrame([{**CALL, **site, **call} for call in calls], columns=[*CALL, "file", "line"])
    left = pd.DataFrame([{**ANSWER, **answer} for answer in answers], columns=[*ANSWER])
    faults = pd.DataFrame(columns=["rule", "fault", "key", "file", "line", "asked"])
    tables = Tables(nothing, faults, table, left, nothing, nothing, nothing, nothing, nothing)
    run = {"app": {"git_prefix": ""}, "load": {"deadline": deadline}}
    return [each for each in propose(patterns, tables, Sources(folder), run) if each.fix == fix]
