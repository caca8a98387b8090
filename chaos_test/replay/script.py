"""Which iterations of a run are sent again: those that met a fault or failed, a share of the others, in blocks.

Draws are known beforehand, so what met no fault will meet none again; only a control share of it is needed. Each
user's first iteration goes before all blocks: it warms the app up and is not judged.
"""

from __future__ import annotations

import json
import random
from collections import Counter
from dataclasses import dataclass
from itertools import zip_longest
from typing import TYPE_CHECKING

from chaos_test.errors import ChaosTestError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

BLOCKS = 6
CONTROL_SHARE = 0.25
MOST_REQUESTS = 1000


@dataclass(frozen=True)
class Script:
    """`users` has each user's iterations as (iteration, stage, block); `requests` is how many the run had in them."""

    users: Mapping[str, tuple[tuple[int, str, int], ...]]
    requests: int
    blocks: int

    def write(self, file: Path) -> Path:
        """Write it as chaos_locust reads it."""
        file.write_text(json.dumps({"version": 1, "users": self.users}), encoding="utf-8")
        return file

    def stages(self) -> tuple[str, ...]:
        """The stage of most of a block's iterations, for each block: what a proxy goes by, which sees no request's."""
        held = [Counter[str]() for _ in range(self.blocks)]
        for turns in self.users.values():
            for _, stage, block in turns:
                held[block][stage] += 1
        return tuple(max(sorted(each), key=each.__getitem__, default="") for each in held)

    def block_of(self) -> dict[str, int]:
        """The block of `<user>.<iteration>`."""
        return {f"{user}.{turn[0]}": turn[2] for user, turns in self.users.items() for turn in turns}


@dataclass(frozen=True)
class Sent:
    """A request of the run: its key and stage, whether it is worth sending again, and the rules whose fault it met."""

    key: str
    stage: str
    wanted: bool
    rules: tuple[str, ...] = ()


def make(
    sent: Iterable[Sent], *, stages: Iterable[str], seed: int, whole: bool = False, most: int = MOST_REQUESTS
) -> Script:
    """The script for what a run sent; `stages` are those with faults, `whole` leaves nothing out.

    Raises `ChaosTestError` where nothing can be sent again.
    """
    iterations: dict[tuple[str, int], list[Sent]] = {}
    for one in sent:
        user, _, rest = one.key.partition(".")
        step = rest.partition(".")[0]
        if step.isdecimal():  # not what a user does before its first iteration: that is done again anyway
            iterations.setdefault((user, int(step)), []).append(one)
    chosen = _chosen(iterations, frozenset(stages), random.Random(f"script:{seed}"), whole=whole, most=most)  # noqa: S311 - no secret
    if not chosen:
        raise ChaosTestError("after its users' first iterations the run met nothing that could be met again: there is "
                             "nothing to measure by")  # fmt: skip
    users: dict[str, list[tuple[int, str]]] = {user: [(0, "")] for user in sorted({user for user, _ in iterations})}
    for place in sorted(chosen):
        user, number = place
        users[user].append((number, iterations[place][0].stage))
    firsts = {user: iterations[user, 0][0].stage for user in users if (user, 0) in iterations}
    turns = {
        user: tuple(_blocks(listed, firsts.get(user, "baseline"), nth % BLOCKS))
        for nth, (user, listed) in enumerate(users.items())
    }
    last = max(block for listed in turns.values() for _, _, block in listed)
    return Script(turns, sum(len(iterations[place]) for place in chosen), last + 1)


def _chosen(
    iterations: Mapping[tuple[str, int], list[Sent]],
    stages: frozenset[str],
    draws: random.Random,
    *,
    whole: bool,
    most: int,
) -> set[tuple[str, int]]:
    """Iterations worth sending, no more than `most` requests of them, of each rule as many as of another."""
    there = sorted(place for place, sent in iterations.items() if place[1] and (whole or sent[0].stage in stages))
    wanted = [place for place in there if whole or any(one.wanted for one in iterations[place])]
    others = sorted(set(there) - set(wanted))
    if not whole:
        draws.shuffle(wanted)
        control = draws.sample(others, round(CONTROL_SHARE * len(others)))
        wanted = list(_in_turn([control, *_by_rarest_rule(iterations, wanted)]))
    chosen: set[tuple[str, int]] = set()
    size = 0
    for place in wanted:
        size += len(iterations[place])
        if size > most and chosen and not whole:
            break
        chosen.add(place)
    return chosen


def _by_rarest_rule(
    iterations: Mapping[tuple[str, int], list[Sent]], places: Iterable[tuple[str, int]]
) -> list[list[tuple[str, int]]]:
    """The iterations, in groups by the rule of theirs that fired least: a fix of what is rare needs them all."""
    met = {place: {rule for one in iterations[place] for rule in one.rules} for place in places}
    often = Counter(rule for rules in met.values() for rule in rules)
    groups: dict[str, list[tuple[str, int]]] = {}
    for place, rules in met.items():
        groups.setdefault(min(rules, key=lambda rule: (often[rule], rule), default=""), []).append(place)
    return [groups[rule] for rule in sorted(groups)]


def _in_turn(groups: Iterable[list[tuple[str, int]]]) -> Iterable[tuple[str, int]]:
    """One of each group, then another of each, until all are through."""
    return (place for places in zip_longest(*groups) for place in places if place is not None)


def _blocks(listed: list[tuple[int, str]], first: str, shift: int) -> Iterable[tuple[int, str, int]]:
    """The first iteration in block 0, the others in blocks of equal size, in order.

    `shift`, below `BLOCKS`, differs between users: else all that have few iterations had them in the same blocks.
    """
    rest = listed[1:]
    yield 0, first, 0
    for at, (number, stage) in enumerate(rest):
        yield number, stage, 1 + (at * BLOCKS + shift) // len(rest)
