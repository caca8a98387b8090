"""What the fixes may know of a run that never was: which endpoints called from where, and what was found there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from chaos_analysis.fixes._evidence import Evidence
from chaos_analysis.model import Estimate, Pattern, Site, Tables
from chaos_analysis.sources import Sources

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

CALLS = ["key", "file", "line", "function", "seam", "target", "faults", "error", "seconds", "timeout", "started"]


def pattern(finder: str, site: Site | None, **more: Any) -> Pattern:
    """A finding at a site: by default that ten requests failed by GETs which met the rule `down` with a reset."""
    told = {"seam": "http_client", "target": "GET 127.0.0.1/stock", "rules": ("down",), "faults": ("connection_reset",)}
    return Pattern(
        **{
            "id": f"{finder}:{site}",
            "finder": finder,
            "title": finder,
            "summary": "10 requests failed.",
            "evidence": "direct",
            "severity": "high",
            "endpoint": None,
            "failures": 10,
            "site": site,
            "rate": Estimate(None, None, None, 0, "probability"),
            **told,
            **more,
        }
    )


def evidence(
    folder: Path,
    patterns: Sequence[Pattern],
    *,
    made: Mapping[str, Sequence[Site]] = {},
    n: int = 10,
    run: Mapping[str, Any] = {},
    errors: Sequence[str] = (),
    bodies: Sequence[int] = (),
) -> Evidence:
    """A run with the sources in `folder`; `made` has the sites that each endpoint called in `n` requests with no fault.

    There is a request every 0.1 s, and each takes 50 ms, its calls 20 ms each.
    `errors` are the exceptions that left the app in requests that met the rule `down` at the first pattern's site,
    `bodies` the lengths of bodies in requests that met nothing.
    """
    requests, calls, answers, faults = [], [], [], []
    for number, (endpoint, sites) in enumerate(made.items()):
        for at in range(n):
            key = f"{number}.{at}.1"
            requests.append((key, endpoint, "baseline", at / 10, 50.0, True, True))
            calls += [
                (key, s.file, s.line, s.function, "http_client", "GET x/y", (), None, 0.02, None, 1.0) for s in sites
            ]
    for number, error in enumerate(errors):
        site = patterns[0].site
        assert site is not None
        answers.append((f"9.{number}.1", error, ("down",), 500, None))
        faults.append((f"9.{number}.1", "down", patterns[0].faults[0], site.file, site.line, {}))
    answers += [(f"8.{number}.1", None, (), 200, length) for number, length in enumerate(bodies)]
    nothing = pd.DataFrame()
    tables = Tables(
        pd.DataFrame(requests, columns=["key", "endpoint", "stage", "started", "response_ms", "control", "ok"]),
        pd.DataFrame(faults, columns=["key", "rule", "fault", "file", "line", "asked"]),
        pd.DataFrame(calls, columns=CALLS),
        pd.DataFrame(answers, columns=["key", "error", "faults", "status", "body"]),
        *[nothing] * 5,
    )
    about = {"app": {"git_prefix": ""}, "load": {}, **run}
    return Evidence(patterns, tables, Sources.of_run(folder, about), about)
