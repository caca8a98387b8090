"""Measured effects in a run folder: `verify/effects.json`, by the patch that was measured, so that a report made anew
has them as long as its patches are the same.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

from chaos_analysis.artefacts import write_text
from chaos_analysis.effect.values import Effect, Gate, Measured
from chaos_analysis.model import Estimate, Proposal, to_json

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

VERSION = 1
_FILE = "verify/effects.json"
_ORDER = ("improved", "", "no difference", "inconclusive", "not comparable", "worse")


@dataclass(frozen=True)
class Step:
    """A step of `chaos-test fix loop`: the proposal that was best, on top of those before it."""

    number: int
    title: str
    effect: Effect


@dataclass(frozen=True)
class Stored:
    """`effects` by digest of a diff; `together` is of the patches of `numbers` applied at once, `left_out` says why
    some were not; `placebo` is of a change that changes nothing; `void` says why nothing is to be believed. `steps`
    are those of a loop, which `ended` for that reason. `own` are patches of somebody's own, by their names.
    """

    effects: Mapping[str, Effect]
    together: Effect | None = None
    placebo: Effect | None = None
    numbers: tuple[int, ...] = ()
    left_out: tuple[str, ...] = ()
    void: str = ""
    seconds: float = 0.0
    steps: tuple[Step, ...] = ()
    ended: str = ""
    own: Mapping[str, Effect] = field(default_factory=dict)


def digest(diff: str) -> str:
    """What a patch is known by."""
    return blake2b(diff.encode(), digest_size=8).hexdigest()


def write(stored: Stored, run_dir: Path) -> Path:
    """Write them, with those of other patches that are there already; a void measurement replaces nothing."""
    known = read(run_dir)
    added = Stored({}) if stored.void else stored
    loop = stored if stored.ended else known
    value = {
        "version": VERSION,
        "effects": {key: to_json(effect) for key, effect in {**known.effects, **added.effects}.items()},
        "own": {name: to_json(effect) for name, effect in {**known.own, **added.own}.items()},
        "together": to_json(stored.together) if stored.together else None,
        "placebo": to_json(stored.placebo) if stored.placebo else None,
        "numbers": list(stored.numbers),
        "left_out": list(stored.left_out),
        "void": stored.void,
        "seconds": stored.seconds,
        "steps": [to_json(step) for step in loop.steps],
        "ended": loop.ended,
    }
    return write_text(run_dir / _FILE, json.dumps(value, indent=1, allow_nan=False) + "\n")


def read(run_dir: Path) -> Stored:
    """What was measured; nothing where nothing was, or where it cannot be read."""
    try:
        value = json.loads((run_dir / _FILE).read_bytes())
        return Stored(
            effects={str(key): _effect(each) for key, each in value["effects"].items()},
            together=_effect(value["together"]) if value.get("together") else None,
            placebo=_effect(value["placebo"]) if value.get("placebo") else None,
            numbers=tuple(value.get("numbers") or ()),
            left_out=tuple(value.get("left_out") or ()),
            void=str(value.get("void") or ""),
            seconds=float(value.get("seconds") or 0.0),
            steps=tuple(_step(each) for each in value.get("steps") or ()),
            ended=str(value.get("ended") or ""),
            own={str(name): _effect(each) for name, each in (value.get("own") or {}).items()},
        )
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return Stored({})


def attached(proposals: Iterable[Proposal], stored: Stored) -> tuple[Proposal, ...]:
    """The proposals with their measured effects, the best first; what was not measured stays in its order."""
    told = [replace(each, effect=stored.effects.get(digest(each.diff)) if each.diff else None) for each in proposals]
    return tuple(sorted(told, key=_rank))


def _rank(proposal: Proposal) -> tuple[int, float]:
    effect = proposal.effect
    if effect is None:
        return _ORDER.index(""), 0.0
    return _ORDER.index(effect.verdict), -(effect.saved or 0.0)


def _effect(value: Mapping[str, Any]) -> Effect:
    measured = tuple(map(_measured, value["measured"]))
    return Effect(**{**value, "gates": _gates(value["gates"]), "measured": measured})


def _step(value: Mapping[str, Any]) -> Step:
    return Step(int(value["number"]), str(value["title"]), _effect(value["effect"]))


def _measured(value: Mapping[str, Any]) -> Measured:
    estimates = {
        name: Estimate(**value[name]) for name in ("before", "after", "difference", "useful", "latency", "calls")
    }
    pairs = {name: tuple(value[name]) for name in ("iterations", "repeats", "alone", "violated") if name in value}
    return Measured(**{**value, **estimates, **pairs, "gates": _gates(value["gates"])})


def _gates(value: Iterable[Mapping[str, Any]]) -> tuple[Gate, ...]:
    return tuple(Gate(**each) for each in value)
