"""Patterns and tables of a run that never was, at outbound HTTP calls, for tests of what is proposed for them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import pandas as pd

from chaos_analysis.fixes import propose
from chaos_analysis.model import Estimate, Pattern, Proposal, Site, Tables
from chaos_analysis.sources import Sources

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

NAMES = ("file", "line", "function", "key", "seam", "target", "faults", "error", "seconds", "timeout", "started")

SHOP = """\
import requests

http = requests.Session()


def stock(url):
    return http.get(url)


def price(url):
    return http.get(url)
"""
STOCK, PRICE = Site("shop.py", 7, "stock"), Site("shop.py", 11, "price")


def pattern(finder: str, site: Site | None, *, failures: int = 10, **more: Any) -> Pattern:
    """A finding at an HTTP call: by default of GETs that met the rule `down` with a reset."""
    told = {"seam": "http_client", "target": "GET 127.0.0.1/stock", "rules": ("down",), "faults": ("connection_reset",)}
    return Pattern(
        id=f"{finder}:{site}",
        finder=finder,
        title=finder,
        summary=f"{failures} requests failed.",
        evidence="direct",
        severity="high",
        endpoint=None,
        failures=failures,
        rate=Estimate(None, None, None, 0, "probability"),
        site=site,
        **{**told, **more},
    )


class Noted(NamedTuple):
    """`n` calls of a site, which met these faults and ended so."""

    site: Site
    n: int = 400
    faults: tuple[str, ...] = ()
    error: str | None = None
    seconds: float = 0.02
    timeout: tuple[float, float] | None = None
    target: str = "GET 127.0.0.1/stock"
    more: Mapping[str, Any] = {}


def proposals(
    folder: Path,
    patterns: Sequence[Pattern],
    *,
    noted: Sequence[Noted] = (),
    asked: Sequence[Mapping[str, Any]] = ({"type": "connection_reset"},),
    deadline: float | None = None,
    lasting: Sequence[str] = (),
    failed: Mapping[tuple[str, Site], int] | None = None,
) -> dict[str, list[Proposal]]:
    """What is proposed, by the name of the fix; `asked` are the faults of the rule `down`, and `failed` says how many
    requests failed by a fault at a site, of a rule that has the fault's name.
    """
    nothing = pd.DataFrame()
    table = pd.DataFrame(list(_rows(noted)), columns=[*NAMES, "sampled", "idempotency_key"])
    faults = pd.DataFrame([{"rule": "down", "fault": one["type"], "asked": one} for one in asked])
    faults = faults.assign(key="9.9.9", file=None, line=float("nan"), id="9.9.9:down")
    events, requests = _failed(failed or {})
    faults = pd.concat([faults, events], ignore_index=True)
    answers = pd.DataFrame(columns=["key", "error", "status", "route", "method"])
    tables = Tables(requests, faults, table, answers, nothing, nothing, nothing, nothing, nothing)
    run = {"app": {"git_prefix": ""}, "load": {"deadline": deadline}}
    found: dict[str, list[Proposal]] = {}
    for each in propose(patterns, tables, Sources(folder), run, lasting):
        found.setdefault(each.fix, []).append(each)
    return found


def _failed(failed: Mapping[tuple[str, Site], int]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The faults' events, and the requests."""
    events = [
        {"rule": fault, "fault": fault, "asked": {"status": 503}, "key": f"{fault}.{site.line}.{n}", **site.__dict__}
        for (fault, site), many in failed.items()
        for n in range(many)
    ]
    requests = [{"key": event["key"], "rule": event["rule"], "ok": False} for event in events]
    return pd.DataFrame(events), pd.DataFrame(requests, columns=["key", "rule", "ok"])


def _rows(noted: Sequence[Noted]) -> Any:
    for each in noted:
        limits = list(each.timeout) if each.timeout else None
        for n in range(each.n):
            call = {
                **each.site.__dict__,
                "key": f"1.{n}.1",
                "seam": "http_client",
                "target": each.target,
                "faults": each.faults,
                "error": each.error,
                "seconds": each.seconds,
                "timeout": limits,
                "started": float(n),
            }
            yield {**call, "sampled": True, "idempotency_key": None, **each.more}
