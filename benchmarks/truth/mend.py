"""Closes the loop: the patches that a defect's run proposes, each applied to a copy, measured, and looked at again.

These are the ones that need nobody, and those that the case says must mend it, of which some leave people to decide.

A patch mends where the case's finder finds nothing any more in the service with it, as it finds nothing in the twin; or
where it improves the service and takes away four failures in five, as a retry does that meets the fault again now and
then; or where it improves it so far that no more requests fail than in the twin, which is sent the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

import chaos_analysis
from benchmarks.truth.collect import CASES
from chaos_analysis.fixes._diff import unified
from chaos_analysis.model import Estimate
from chaos_analysis.rundir import open_run
from chaos_test.fix import verification
from chaos_test.interrupt import Interrupt
from chaos_test.plan import Plan
from chaos_test.replay.measure import Change, measured
from chaos_test.replay.recall import experiment_of

if TYPE_CHECKING:
    from benchmarks.truth.collect import Service
    from chaos_analysis.effect import Effect
    from chaos_analysis.model import Analysis, Proposal

MOST = 3  # patches a service
_TWIN = "twin"
_LEFT = 0.2  # of the failures


@dataclass(frozen=True)
class Mended:
    """What came of one patch: `gone` where the finder is silent now, `left` the share of failures that remain, `like`
    where these are no more than the twin has; `verdict` is what was measured of failures.
    """

    fix: str
    gone: bool
    left: float
    like: bool
    verdict: str
    reason: str

    @property
    def good(self) -> bool:
        """Whether the service does what its twin does."""
        return self.gone or (self.verdict == "improved" and (self.like or self.left <= _LEFT))


@dataclass(frozen=True)
class Mending:
    """What the patches did, and what people are told to decide for the rest; `wanted` are the fixes that must mend."""

    mended: tuple[Mended, ...] = ()
    decide: tuple[str, ...] = ()
    wanted: tuple[str, ...] = ()

    @property
    def missing(self) -> tuple[str, ...]:
        """The fixes that should have mended it and did not, or were not proposed."""
        return tuple(name for name in self.wanted if not any(each.good for each in self.mended if each.fix == name))

    @property
    def good(self) -> bool:
        """All that must mend do, and one at least; or, where no patch is to be had, people are told what to decide."""
        if self.mended:
            return not self.missing and any(each.good for each in self.mended)
        return not self.wanted and bool(self.decide)


def mend(
    service: Service, plan: Plan, run_dir: Path, analysis: Analysis, env: Callable[[int], Mapping[str, str]]
) -> Mending:
    """Apply and measure what the run proposes for the case's finder; `env` is the environment of the n-th arm."""
    out, finder, wanted = run_dir.parent / "arms", service.about.finder, service.mended_by
    ids = {pattern.id for pattern in analysis.patterns if pattern.finder == finder}
    ids |= {pattern.id for pattern in analysis.patterns if pattern.part_of in ids}
    fitting = [one for one in analysis.proposals if ids.intersection(one.patterns)]
    patches = [one for one in fitting if one.diff and (one.automatic or one.fix in wanted)]
    patches = sorted(patches, key=lambda one: one.fix not in wanted)[:MOST]
    decide = tuple(f"{one.fix}: {one.why_no_diff or one.caution}" for one in fitting if one not in patches)
    if not patches:
        return Mending(decide=decide, wanted=wanted)
    names = {f"fix-{one.number:02d}": one for one in patches}
    places: dict[str, int] = {}
    again = replace(plan, experiment=experiment_of(run_dir), requests=None)
    with Interrupt() as interrupt:
        result = measured(
            again,
            [*(Change(name, one.diff) for name, one in names.items()), *_twin(service, open_run(run_dir).run)],
            verification.script_of(run_dir, whole=True),
            out,
            interrupt=interrupt,
            said=lambda _: None,
            env=lambda arm: env(places.setdefault(arm, len(places) + 1)),
            abreast=4,  # these services wait more than they work
        )
    twin = result.effects.get(_TWIN)
    found = [_mended(finder, one, result.effects[name], twin, out / name) for name, one in names.items()]
    return Mending(tuple(found), decide, wanted)


def _twin(service: Service, run: Mapping[str, Any]) -> Iterator[Change]:
    """The twin in the place of the service, as one more change; none where it has another name."""
    text = (CASES / f"{service.case}.py").read_text()
    if f"\ndef {_TWIN}(" in text:
        swapped = text.replace(f"\ndef {service.name}(", "\ndef was(").replace(
            f"\ndef {_TWIN}(", f"\ndef {service.name}("
        )
        yield Change(
            _TWIN, unified((PurePosixPath(run["app"]["git_prefix"]) / f"{service.case}.py").as_posix(), text, swapped)
        )


def _mended(finder: str, one: Proposal, effect: Effect, twin: Effect | None, arm: Path) -> Mended:
    before, after = (_rate(effect, side) for side in ("before", "after"))
    most = _rate(twin, "after").high if twin is not None else None
    return Mended(
        one.fix,
        gone=not _claims(finder, arm),
        left=(after.value or 0.0) / before.value if before.value else 1.0,
        like=None not in (most, after.value) and (after.value or 0.0) <= (most or 0.0),
        verdict=effect.verdict,
        reason=effect.reason,
    )


def _rate(effect: Effect, side: str) -> Estimate:
    """The share of requests that fail; nothing where it was not measured."""
    rates: list[Estimate] = [getattr(first, side) for first in effect.measured[:1]]
    return rates[0] if rates else Estimate(None, None, None, 0, "probability")


def _claims(finder: str, arm: Path) -> Sequence[Any]:
    """What the finder says of an arm; an arm that could not be played proves nothing, so it is not silent."""
    if not (arm / "locust_stats.csv").exists():
        return ("not played",)
    analysis = chaos_analysis.analyse(arm, write=False)
    return [each for each in analysis.patterns if each.finder == finder and each.severity != "low"]
