"""A fault at an outbound call behind an answer that looks fine and lacks its content: an error that was swallowed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chaos_analysis import wording
from chaos_analysis.model import Pattern
from chaos_analysis.patterns import _lacks, _sites, _words
from chaos_analysis.stats import proportion

if TYPE_CHECKING:
    from collections.abc import Iterator

    from chaos_analysis.evidence import Evidence
    from chaos_analysis.model import Site

_BAD_ANSWERS = ("garbage_body", "http_error", "truncated_body")  # the call went well, and what it brought is no good


def find(evidence: Evidence) -> Iterator[Pattern]:
    """One pattern a call site: where the client's check noticed, and where it has none that did."""
    noticed = list(_sites.groups(evidence, "content"))
    for group in noticed:
        yield _pattern(group, evidence)
    yield from _unnoticed(evidence, [group.site for group in noticed])


def _unnoticed(evidence: Evidence, known: list[Site | None]) -> Iterator[Pattern]:
    """Answers that the client took for right, beside the fault-free ones: see `outcomes.content`."""
    table = evidence.outcomes
    failed = table["call_error"].notna() | table["fault"].isin(_BAD_ANSWERS)
    for events in _lacks.by_site(evidence, failed & (table["seam"] != "wsgi")):
        hits = events.rows[(events.rows["outcome"] == "wrong") & events.rows["ok"].astype(bool)]
        rate = _lacks.share(hits, events)
        if rate is None or events.site in known:
            continue
        of = f"{wording.count(len(hits))} of {wording.count(len(events.rows))}"
        names = hits["endpoint"].value_counts().index
        answer = "answers" if len(names) == 1 else "answer"
        yield _lacks.pattern(
            "wrong_content",
            events,
            hits,
            proportion(0, len(events.rows)),
            title=f"{_words.listed(names)} {answer} with made-up content when {events.service} has trouble, and no"
            f" check notices ({of})",
            summary=(
                f"When {events.target} fails at {events.site}, the answer says that it is well, does not mark itself, "
                f"and holds what no fault-free answer does: {_words.listed(hits['why'].value_counts().index)}."
            ),
            severity="high",
            tier="causal",
            facts=(("held against fault-free answers by", _words.listed(hits["judged"].value_counts().index)),),
        )


def _pattern(group: _sites.Group, evidence: Evidence) -> Pattern:
    failed = group.failed
    by_endpoint = failed["endpoint"].value_counts()
    status = _words.listed(str(status) for status in failed["status"].value_counts().index)
    hits = f"{wording.count(len(failed))} of {wording.count(group.events['key'].nunique())}"
    messages = evidence.met(failed["key"])["error"].dropna()
    service = _words.other_side(group.target, str(failed["seam"].iloc[0]))
    names, answer = _words.listed(by_endpoint.index), "answers" if len(by_endpoint) == 1 else "answer"
    return Pattern(
        id=f"wrong_content:{group.name}",
        finder="wrong_content",
        title=f"{names} {answer} {status} without its content when {service} has trouble ({hits})",
        summary=(
            f"When {group.target} has trouble, the answer says {status} but its content fails the check: "
            f"{wording.estimate(group.alone)} of the requests that met this fault alone, "
            f"{wording.estimate(group.control)} without a fault."
        ),
        evidence=_sites.tier(failed),
        severity="high",
        endpoint=str(by_endpoint.index[0]) if len(by_endpoint) == 1 else None,
        failures=len(failed),
        rate=group.alone,
        baseline=group.control,
        p_value=group.q,
        rules=tuple(sorted(failed["rule"].unique())),
        faults=tuple(sorted(failed["fault"].unique())),
        seam=str(failed["seam"].iloc[0]),
        target=group.target,
        site=group.site,
        facts=(
            *_sites.outcomes(group, evidence),
            ("endpoints", _words.endpoints(by_endpoint)),
            ("what the check said", _words.listed(messages.value_counts().index)),
        ),
        keys=_words.keys(failed["key"]),
    )
