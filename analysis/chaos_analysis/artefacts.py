"""The analysis' files for machines: load-results.json, failure-patterns.json, fix-proposals.json, fixes/*.patch and
outcomes.json.

Schemas stand in `schemas/`. Each file is written beside its place and renamed, so that a reader never sees half of one.
"""

from __future__ import annotations

import json
import math
import random
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from chaos_analysis.model import to_json
from chaos_analysis.outcomes.results import Outcomes, as_json
from chaos_analysis.stats import proportion

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import pandas as pd

    from chaos_analysis.model import Analysis, Proposal

VERSION = 1
ALL_OF = 5000
SAMPLE = 1000
_COLUMNS = [
    *("key", "stage", "second", "endpoint", "status", "response_ms", "ok", "rules", "error_class", "error", "path"),
]


def with_patches(proposals: Sequence[Proposal]) -> tuple[Proposal, ...]:
    """The proposals, those with a diff naming their `fixes/NN-name.patch`."""
    return tuple(
        replace(one, patch=f"fixes/{one.number:02d}-{one.fix}.patch") if one.diff else one for one in proposals
    )


def write(analysis: Analysis, out: Path) -> tuple[Path, ...]:
    """Write all of them into `out`; patches of an earlier analysis that are no longer proposed go."""
    out.mkdir(parents=True, exist_ok=True)
    head = {"version": VERSION, "run": analysis.run.get("id"), "source": analysis.source}
    files = {
        "load-results.json": {**head, **_results(analysis)},
        "failure-patterns.json": {**head, "patterns": to_json(analysis.patterns)},
        "fix-proposals.json": {**head, "proposals": to_json(analysis.proposals)},
        "outcomes.json": {**head, **as_json(analysis.outcomes or Outcomes(), analysis.run.get("seed"))},
    }
    patches = {one.patch: one.diff for one in analysis.proposals if one.patch}
    for stale in (out / "fixes").glob("*.patch"):
        if f"fixes/{stale.name}" not in patches:
            stale.unlink()
    texts = {name: json.dumps(_finite(value), indent=1, allow_nan=False) + "\n" for name, value in files.items()}
    return tuple(write_text(out / name, text) for name, text in (texts | patches).items())


def write_text(path: Path, text: str) -> Path:
    """Write, then rename into place."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.part")
    part.write_text(text, encoding="utf-8", newline="")
    return part.replace(path)


def _results(analysis: Analysis) -> dict[str, Any]:
    return {
        "verdict": analysis.verdict,
        "exit_code": analysis.exit_code,
        "headline": analysis.headline,
        "advice": list(analysis.advice),
        "unknowable": list(analysis.unknowable),
        "totals": _totals(analysis),
        "endpoints": to_json(analysis.endpoints),
        "slos": to_json(analysis.slos),
        "checks": to_json(analysis.checks),
        "gaps": list(analysis.tables.gaps),
        "requests": _requests(analysis.tables.requests, analysis.run.get("seed")),
    }


def _totals(analysis: Analysis) -> dict[str, Any]:
    whole = [one for one in analysis.endpoints if one.stage == "all"]
    n, failures = sum(one.requests for one in whole), sum(one.failures for one in whole)
    seconds = analysis.tables.requests["second"]
    return {
        "requests": n,
        "failures": failures,
        "success_rate": to_json(proportion(n - failures, n)),
        "seconds": float(seconds.max()) if len(seconds) else None,
        "faults": len(analysis.tables.faults),
    }


def _requests(rows: pd.DataFrame, seed: Any) -> dict[str, Any]:
    """Every request of a small run; of a large one a sample that is the same each time, and where the rest lies."""
    whole = len(rows) <= ALL_OF
    chosen = range(len(rows)) if whole else sorted(random.Random(f"{seed}").sample(range(len(rows)), SAMPLE))  # noqa: S311 - no secret
    table = rows.iloc[list(chosen)][_COLUMNS]
    values = zip(*(table[name].tolist() for name in _COLUMNS), strict=True)
    return {
        "total": len(rows),
        "sample": not whole,
        "where": "requests/",
        "columns": _COLUMNS,
        "rows": [list(row) for row in values],
    }


def _finite(value: Any) -> Any:
    """JSON has no NaN: it becomes null."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _finite(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(each) for each in value]
    return value
