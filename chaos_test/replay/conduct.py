"""Plays the blocks of a script to all arms in turn, so that what drifts on the machine befalls all of them alike."""

from __future__ import annotations

import os
import random
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING

from chaos_test.errors import ChaosTestError
from chaos_test.rundir import Lease

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from chaos_test.interrupt import Interrupt
    from chaos_test.replay.arm import Arm

BLOCK_SECONDS = 90.0
_LOOK_SECONDS = 0.03


def conduct(
    arms: Sequence[Arm],
    *,
    blocks: int,
    seed: int,
    interrupt: Interrupt,
    said: Callable[[str], None],
    abreast: int | None = None,
    after: Callable[[int], None] | None = None,
) -> dict[str, ChaosTestError]:
    """Run all arms through all blocks; returns, by name, why an arm could not be played to its end: an `AppError`
    where its app is to blame.

    `abreast` arms play at once (two a core unless said otherwise: users wait more than they work), in another order in
    each block. The others are compared with the first arm: where that cannot be played `ChaosTestError` is raised.
    `after` is called with each block that has been played, and ends all by raising.
    """
    width = abreast or 2 * min(os.cpu_count() or 1, 4)
    lost: dict[str, ChaosTestError] = {}
    with ExitStack() as stack, ExitStack() as leases:
        living = [arm for arm in arms if _try(arm, stack.enter_context, lost)]
        leases.enter_context(Lease(*(arm.run_dir for arm in living)))
        living = [arm for arm in living if _try(arm, lambda each: _wait(each, interrupt), lost)]
        _must_have(arms[0], lost)
        for block in range(blocks):
            said(f"block {block + 1} of {blocks}, {len(living)} arms")
            order = living.copy()
            random.Random(f"{seed}:{block}").shuffle(order)  # noqa: S311 - no secret
            for at in range(0, len(order), width):
                _play(order[at : at + width], block, interrupt, lost)
            living = [arm for arm in living if arm.name not in lost]
            _must_have(arms[0], lost)
            if after:
                after(block)
        said("checking what must be true after the load")
    return lost


def _must_have(arm: Arm, lost: dict[str, ChaosTestError]) -> None:
    if arm.name in lost:
        raise lost[arm.name]


def _wait(arm: Arm, interrupt: Interrupt) -> None:
    arm.wait_until_ready(lambda: interrupt.asked)
    if interrupt.asked:
        raise KeyboardInterrupt


def _play(abreast: Sequence[Arm], block: int, interrupt: Interrupt, lost: dict[str, ChaosTestError]) -> None:
    for arm in abreast:
        arm.play(block)
    until = time.monotonic() + BLOCK_SECONDS
    waiting = list(abreast)
    while waiting:
        if interrupt.asked:
            raise KeyboardInterrupt
        time.sleep(_LOOK_SECONDS)
        over = {arm.name for arm in waiting if not _try(arm, lambda each: _look(each, block, until), lost)}
        over |= {arm.name for arm in waiting if arm.name not in over and arm.has_ended(block)}
        waiting = [arm for arm in waiting if arm.name not in over]


def _look(arm: Arm, block: int, until: float) -> None:
    """Raise where the block will never end. With the last one Locust ends, too, and may do so between two looks."""
    try:
        arm.must_live()
    except ChaosTestError:
        if not arm.has_ended(block):
            raise
    if time.monotonic() > until and not arm.has_ended(block):
        raise arm.late(block, BLOCK_SECONDS)


def _try(arm: Arm, act: Callable[[Arm], object], lost: dict[str, ChaosTestError]) -> bool:
    """Whether it worked; if not, the arm is lost and the others go on."""
    try:
        act(arm)
    except ChaosTestError as error:
        arm.lost = True
        lost[arm.name] = error
        return False
    return True
