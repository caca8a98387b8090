"""A fault at an outbound call behind an answer that looks fine and lacks its content."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chaos_analysis import wording
from chaos_analysis.model import Pattern
from chaos_analysis.patterns import _sites, _words

if TYPE_CHECKING:
    from collections.abc import Iterator

    from chaos_analysis.evidence import Evidence


def find(evidence: Evidence) -> Iterator[Pattern]:
    """One pattern a call site."""
    for group in _sites.groups(evidence, "content"):
        yield _pattern(group, evidence)


def _pattern(group: _sites.Group, evidence: Evidence) -> Pattern:
    failed = group.failed
    by_endpoint = failed["endpoint"].value_counts()
    status = _words.listed(str(status) for status in failed["status"].value_counts().index)
    hits = f"{wording.count(len(failed))} of {wording.count(group.events['key'].nunique())}"
    messages = evidence.met(failed["key"])["error"].dropna()
    service = _words.service(group.target)
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
