"""The report's part on what the app did with each fault."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chaos_analysis import wording
from chaos_analysis.evidence import BETWEEN_STAGES
from chaos_analysis.outcomes.words import OUTCOMES
from chaos_analysis.report.markdown import Markdown, code, table, text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from chaos_analysis.model import Estimate
    from chaos_analysis.outcomes.results import Outcomes
    from chaos_analysis.outcomes.sites import Share, SiteOutcomes

MOST = 30
_HARM = ("wrong", "propagated", "hung", "lost", "crashed")
_MEANS = {
    "handled": "the client got a right answer",
    "retried": "the call was made again, went well, and the client got a right answer",
    "degraded": "a right answer, marked or reduced",
    "wrong": "an answer that says it is well and is not",
    "propagated": "an error that fault-free answers are not",
    "hung": "the client gave up waiting",
    "lost": "no answer, or not a whole one",
    "crashed": "no answer, and the app's process did not live to end the request",
    "unknown": "it cannot be told",
}


def sites(outcomes: Outcomes) -> Markdown:
    """Every fault at every call site: first where it did most harm, last what was injected at the edge."""
    shown = _ranked(outcomes)[:MOST]
    amplified = any(site.amplification for site in shown)
    timed = any(site.injected or site.added for site in shown)
    headings = ["Call", "Fault", "Events", "What came of them"]
    headings += ["Calls made"] * amplified + ["Injected", "Added"] * timed
    made = [
        [_where(site), code(site.fault), wording.count(site.events), _came(site)]
        + [_times(site.amplification)] * amplified
        + ([_seconds(site.injected), _added(site.added)] if timed else [])
        for site in shown
    ]
    return table(headings, made, "llrl" + "r" * (len(headings) - 4))


def legend(outcomes: Outcomes) -> Markdown:
    """What the words in the table mean."""
    met = {share.outcome for site in outcomes.sites for share in site.outcomes}
    return Markdown("; ".join(f"*{word}*: {text(_MEANS[word])}" for word in OUTCOMES if word in met))


def more(outcomes: Outcomes) -> int:
    """How many rows the table leaves out."""
    return max(len(outcomes.sites) - MOST, 0)


def remarks(outcomes: Outcomes) -> Iterator[str]:
    """What later requests suffered, and what only the model shows."""
    for one in outcomes.later:
        if one.q is not None and one.q < BETWEEN_STAGES:
            yield (
                f"Requests without a fault failed at `{one.dependency}` after faults there: "
                f"{wording.estimate(one.rate)} of {wording.count(one.rate.n)} that were noted, "
                f"{wording.estimate(one.baseline)} of {wording.count(one.baseline.n)} before any fault"
                f"{_codes(': ', one.errors)}.{_codes(' For example ', one.keys)}."
            )
    for claim in outcomes.modelled:
        if claim.claimed:
            yield (
                f"Where requests met several faults at once, a model ties failures of `{claim.endpoint}` to "
                f"`{claim.rule}`: {wording.estimate(claim.rate)} with it alone, {wording.percent(claim.baseline)} "
                f"without any (from {wording.plural(claim.together, 'request')} that met it with others)."
            )


def _codes(before: str, names: Sequence[str]) -> str:
    return before + ", ".join(f"`{name}`" for name in names) if names else ""


def _ranked(outcomes: Outcomes) -> list[SiteOutcomes]:
    return sorted(outcomes.sites, key=lambda site: (site.seam == "wsgi", -sum(_count(site, word) for word in _HARM)))


def _where(site: SiteOutcomes) -> Markdown:
    if not site.call:
        return Markdown("at the edge")
    place = f" at {code(site.site)} in {code(site.site.function)}" if site.site else ""
    return Markdown(f"{code(site.dependency)}{place}")


def _count(site: SiteOutcomes, word: str) -> int:
    return next((share.events for share in site.outcomes if share.outcome == word), 0)


def _came(site: SiteOutcomes) -> Markdown:
    """The outcomes, most frequent first, what is not known last."""
    order = sorted(site.outcomes, key=lambda share: (share.outcome == "unknown", -share.events))
    return Markdown(", ".join(f"**{share.outcome}** {text(_share(share))}" for share in order))


def _share(share: Share) -> str:
    between = "" if share.outcome == "unknown" else f" ({wording.bounds(share.share)} %)"
    return wording.count(share.events) + between


def _times(measured: Estimate | None) -> str:
    """An interval is left out where there is none to speak of: all requests made as many calls."""
    if measured is None:
        return wording.ABSENT
    return wording.estimate(measured, interval=measured.low != measured.high)


def _seconds(measured: Estimate | None) -> str:
    return wording.ABSENT if measured is None or measured.value is None else wording.seconds(measured.value)


def _added(measured: Estimate | None) -> str:
    """None that could be told from nothing is `~`."""
    if measured is None or measured.value is None:
        return wording.ABSENT
    if measured.low is None or measured.high is None or measured.low <= 0 <= measured.high:
        return "~"
    return ("" if measured.value > 0 else "-") + wording.seconds(abs(measured.value))
