"""Two prefixes of plain Locust CSVs: their totals are rates that can be judged, their percentiles can only be shown."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from chaos_analysis.compare import words
from chaos_analysis.compare.apart import group, named
from chaos_analysis.compare.comparing import verdict
from chaos_analysis.compare.model import Comparison, Latency, Side
from chaos_analysis.compare.paired import ALL
from chaos_analysis.compare.unpaired import Counts
from chaos_analysis.plain_csv import read_plain

if TYPE_CHECKING:
    from collections.abc import Mapping

    from chaos_analysis.compare.model import Group
    from chaos_analysis.compare.paired import Name
    from chaos_analysis.compare.unpaired import Judged
    from chaos_analysis.model import EndpointStats

_NOTES = (
    "Unpaired: these statistics have no requests, only how many there were, and do not show whether both ran alike.",
    "Percentiles are Locust's buckets of all requests, failures among them; they have no interval and are not judged.",
)


def compare_csv(base: str, other: str) -> Comparison:
    """Compare what two runs of `locust --csv PREFIX` wrote, all requests by the endpoints that both have.

    Raises `CsvError`.
    """
    before, after = ({row.endpoint: row for row in read_plain(prefix).endpoints} for prefix in (base, other))
    names = sorted({*before, *after})
    shared = [name for name in names if name in before and name in after]
    counts: dict[Name, Counts] = {ALL: _counts(before, after, shared or names)}
    counts |= {("endpoint", name): _counts(before, after, [name]) for name in names}
    groups = tuple(_group(name, counts[name], judged, before, after) for name, judged in named(counts).items())
    sides = [
        Side((prefix,), (), (), sum(row.requests for row in rows.values()))
        for prefix, rows in ((base, before), (other, after))
    ]
    word, reason = verdict(groups)
    notes = (*_NOTES, *filter(None, [words.unsettled(groups)]))
    return Comparison(sides[0], sides[1], "locust-csv", word, reason, groups=groups, notes=notes)


def _counts(before: Mapping[str, EndpointStats], after: Mapping[str, EndpointStats], names: list[str]) -> Counts:
    told = [
        (
            sum(rows[name].failures for name in names if name in rows),
            sum(rows[name].requests for name in names if name in rows),
        )
        for rows in (before, after)
    ]
    return Counts(*told[0], *told[1])


def _group(
    name: Name,
    counts: Counts,
    judged: Judged,
    before: Mapping[str, EndpointStats],
    after: Mapping[str, EndpointStats],
) -> Group:
    made = group(name, counts, judged)
    if name[1] not in before or name[1] not in after:
        return made
    one, two = before[name[1]], after[name[1]]
    pairs = (("p50", one.p50, two.p50), ("p95", one.p95, two.p95), ("p99", one.p99, two.p99))
    return replace(made, latencies=tuple(Latency(*pair) for pair in pairs))
