"""What the fixes may know: the patterns, the noted calls, the sources; and how a proposal is put together from them."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import compress
from typing import TYPE_CHECKING, Any

from chaos_analysis.fixes._changes import changes
from chaos_analysis.fixes._diff import unified
from chaos_analysis.fixes._fix import AlreadyThere, Declined, Fix, Spot
from chaos_analysis.model import Pattern, Proposal, Site
from chaos_analysis.patterns import LACKS
from chaos_analysis.tables.keys import among
from chaos_analysis.wording import plural

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    import pandas as pd

    from chaos_analysis.fixes._changes import Changes
    from chaos_analysis.model import Tables
    from chaos_analysis.sources import Sources

_LACKS = frozenset(finder.__name__.rpartition(".")[2] for finder in LACKS)


@dataclass(frozen=True)
class Evidence:
    """One run, as far as fixes look at it."""

    patterns: Sequence[Pattern]
    tables: Tables
    sources: Sources
    run: Mapping[str, Any]
    lasting: frozenset[str] = frozenset()  # rules whose fault a repetition meets again

    def http(self, *finders: str) -> list[Pattern]:
        """The patterns of these finders that are about outbound HTTP calls."""
        return [each for each in self.patterns if each.finder in finders and each.seam in (None, "http_client")]

    def http_sites(self, *finders: str) -> list[tuple[Site, tuple[Pattern, ...]]]:
        """Those that name a call site, one entry a line."""
        groups: dict[tuple[str, int], list[Pattern]] = {}
        for pattern in self.http(*finders):
            if pattern.site is not None:
                groups.setdefault((pattern.site.file, pattern.site.line), []).append(pattern)
        return [(found[0].site, tuple(found)) for found in groups.values() if found[0].site is not None]

    def calls_at(self, site: Site) -> pd.DataFrame:
        """The noted calls of one site."""
        calls = self.tables.calls
        return calls[(calls["file"] == site.file) & (calls["line"] == site.line)]

    def errors_of(self, pattern: Pattern, *faults: str) -> tuple[str, ...]:
        """Classes of the exceptions that left the app in answers that met the pattern's faults at its call site.

        `faults` narrows them to faults of these types.
        """
        answers, events = self.tables.answers, self.tables.faults
        events = events[events["rule"].isin(pattern.rules)]
        if pattern.site is not None:
            events = events[(events["file"] == pattern.site.file) & (events["line"] == pattern.site.line)]
        if faults:
            events = events[events["fault"].isin(faults)]
        failed = answers[answers["error"].notna() & among(answers["key"], set(events["key"]))]
        found = {str(error).rpartition(".")[2] for error in failed["error"].unique()}
        return tuple(sorted(found))

    def due(self, pattern: Pattern, mended: Callable[[str, str, Mapping[str, Any]], bool]) -> int:
        """The pattern's failures without those of requests that met a fault at its call site which is not mended.

        `mended` is asked for a fault's rule, its type and its settings.
        """
        events, requests, site = self.tables.faults, self.tables.requests, pattern.site
        if site is not None:
            events = events[(events["file"] == site.file) & (events["line"] == site.line)]
        events = events[events["rule"].isin(pattern.rules)]
        kinds = zip(events["rule"], events["fault"], events["asked"], strict=True)
        left = compress(events["key"], [not mended(*kind) for kind in kinds])
        failed = requests.loc[~requests["ok"].astype(bool), "key"]
        return max(0, pattern.failures - len(set(left) & set(failed)))

    @property
    def deadline(self) -> float | None:
        """Seconds that the client waited at most, where the run says so."""
        seconds = (self.run.get("load") or {}).get("deadline")
        return float(seconds) if seconds else None

    def proposal(
        self,
        fix: Fix,
        patterns: Sequence[Pattern],
        site: Site | None,
        spot: Spot | str,
        *,
        what: str,
        why: str,
        caution: str,
        automatic: bool = True,
        failures: int | None = None,
    ) -> Iterator[Proposal]:
        """The proposal with its diff at `site`, none where the change is there already; a text `spot` says why.

        `automatic` is False where the diff marks a place for people to decide; `failures` is how many the change is
        for, where it is not for all of the patterns'.
        """
        diff, needs, reason = "", "", spot if isinstance(spot, str) else None
        if site is not None and isinstance(spot, Spot):
            try:
                made = changes(fix, self.sources, site.file, spot)
                diff, needs = self._diff(made), made.told
            except AlreadyThere:
                return
            except Declined as declined:
                reason = str(declined)
        yield Proposal(
            number=0,
            fix=fix.name,
            title=f"{fix.title}: {site}" if site else fix.title,
            patterns=tuple(pattern.id for pattern in patterns),
            file=site.file if site else None,
            line=site.line if site else None,
            function=site.function if site else None,
            what=what + needs,
            why=why,
            reference=fix.reference,
            caution=caution,
            diff=diff,
            automatic=automatic and bool(diff),
            failures=sum(pattern.failures for pattern in wholes(patterns)) if failures is None else failures,
            why_no_diff=reason,
            spot=spot if diff and isinstance(spot, Spot) else None,
        )

    def _diff(self, made: Changes) -> str:
        prefix = ((self.run.get("app") or {}).get("git_prefix") or "").strip("/")
        return "".join(
            unified(f"{prefix}/{name}" if prefix else name, self.sources.text(name) or "", after)
            for name, after in made.texts.items()
        )


def wholes(patterns: Sequence[Pattern]) -> list[Pattern]:
    """The patterns without what is lacking at the site of another one of them, for it explains the same failures."""
    sites = {pattern.site for pattern in patterns if pattern.site and pattern.finder not in _LACKS}
    return [pattern for pattern in patterns if not (pattern.finder in _LACKS and pattern.site in sites)]


def summaries(patterns: Sequence[Pattern]) -> str:
    """What the patterns say, the three that explain most failures in full; parts are left to their wholes."""
    ranked = sorted(wholes(patterns), key=lambda pattern: -pattern.failures)
    more = f" And {plural(len(ranked) - 3, 'more such pattern')}." if len(ranked) > 3 else ""
    return " ".join(pattern.summary for pattern in ranked[:3]) + more


def method(pattern: Pattern) -> str:
    """The HTTP method of the pattern's calls, "" where it is not one."""
    return (pattern.target or "").partition(" ")[0].replace("*", "")
