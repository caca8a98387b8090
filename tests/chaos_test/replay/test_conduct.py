"""Blocks are played to all arms in turn, and an arm that is lost does not take the others with it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import pytest

from chaos_test.errors import ChaosTestError
from chaos_test.interrupt import Interrupt
from chaos_test.replay import conduct as conducting
from chaos_test.replay.arm import AppError
from chaos_test.replay.conduct import conduct

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass
class Fake:
    """An arm without processes. `fails` is where it dies: "enter", "ready", or a block that it never ends."""

    name: str
    run_dir: Path
    log: list[tuple[str, int]]
    fails: Any = None
    dies: bool = True
    lost: bool = False
    played: list[int] = field(default_factory=list)
    left: bool = False

    def __enter__(self) -> Self:
        self._die("enter")
        self.run_dir.mkdir()
        return self

    def __exit__(self, *_: object) -> None:
        self.left = True

    def wait_until_ready(self, stopped: Callable[[], bool]) -> None:
        if not stopped():
            self._die("ready")

    def play(self, block: int) -> None:
        self.played.append(block)
        self.log.append((self.name, block))

    def has_ended(self, block: int) -> bool:
        return block in self.played and block != self.fails

    def must_live(self) -> None:
        if self.dies:
            self._die(self.played[-1])

    def late(self, block: int, seconds: float) -> ChaosTestError:
        return AppError(f"{self.name}: block {block} took more than {seconds:g} s")

    def _die(self, where: object) -> None:
        if self.fails == where:
            raise ChaosTestError(f"{self.name} died")


@dataclass
class Stage:
    """Makes arms and conducts them."""

    folder: Path
    log: list[tuple[str, int]] = field(default_factory=list)
    interrupt: Interrupt = field(default_factory=Interrupt)
    said: Callable[[str], None] = lambda text: None

    def arm(self, name: str, fails: Any = None, *, dies: bool = True) -> Fake:
        """One of them."""
        return Fake(name, self.folder / name, self.log, fails, dies)

    def conduct(
        self, *arms: Fake, abreast: int = 2, blocks: int = 4, after: Callable[[int], None] | None = None
    ) -> dict[str, ChaosTestError]:
        """Why arms were lost, by name."""
        settings: dict[str, Any] = {"seed": 1, "interrupt": self.interrupt, "said": self.said, "abreast": abreast}
        settings["after"] = after
        return conduct(arms, blocks=blocks, **settings)  # type: ignore[arg-type]


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    """In a folder of its own."""
    return Stage(tmp_path)


def test_every_arm_plays_every_block_before_any_plays_the_next(stage: Stage) -> None:
    """And in another order each time, so that no arm is always the first on a cold machine."""
    arms = [stage.arm(name) for name in ("base", "placebo", "a", "b", "c")]
    assert stage.conduct(*arms, blocks=6) == {}
    rounds = [stage.log[at : at + 5] for at in range(0, 30, 5)]
    assert [{block for _, block in each} for each in rounds] == [{n} for n in range(6)]
    assert all(len({name for name, _ in each}) == 5 for each in rounds)
    assert len({tuple(name for name, _ in each) for each in rounds}) > 1
    assert all(arm.left for arm in arms)


@pytest.mark.parametrize("fails", ["enter", "ready", 2])
def test_an_arm_that_is_lost_leaves_the_others(stage: Stage, fails: Any) -> None:
    """It is told why, plays no further block, and the others play on to the end."""
    base, lost, other = stage.arm("base"), stage.arm("lost", fails), stage.arm("other")
    assert {name: str(why) for name, why in stage.conduct(base, lost, other).items()} == {"lost": "lost died"}
    assert lost.lost
    assert lost.played == ([0, 1, 2] if fails == 2 else [])
    assert base.played == other.played == [0, 1, 2, 3]


@pytest.mark.parametrize("fails", ["enter", "ready", 1])
def test_without_the_first_arm_there_is_nothing_to_compare_with(stage: Stage, fails: Any) -> None:
    """It is said at once, and whatever runs is ended."""
    base, other = stage.arm("base", fails), stage.arm("other")
    with pytest.raises(ChaosTestError, match="base died"):
        stage.conduct(base, other)
    assert other.left
    assert other.played == ([0, 1] if fails == 1 else [])


def test_what_is_seen_after_a_block_may_end_it_all(stage: Stage) -> None:
    """No further block is played, and whatever runs is ended."""

    def after(block: int) -> None:
        if block == 1:
            raise ChaosTestError("not alike")

    arms = stage.arm("base"), stage.arm("other")
    with pytest.raises(ChaosTestError, match="not alike"):
        stage.conduct(*arms, after=after)
    assert [(arm.played, arm.left) for arm in arms] == [([0, 1], True)] * 2


class Quick(Fake):
    """Ends with its last block, between two looks at it."""

    gone = False

    def has_ended(self, block: int) -> bool:
        return block < 3 or self.gone

    def must_live(self) -> None:
        if self.played[-1] == 3:
            self.gone = True
            raise ChaosTestError(f"{self.name}: Locust ended with code 0")


def test_an_arm_that_ends_with_its_last_block_is_not_lost(stage: Stage) -> None:
    """Locust has nothing left to do, and may be faster than who looks at it."""
    assert stage.conduct(Quick("base", stage.folder / "base", stage.log)) == {}


def test_a_block_that_never_ends_loses_its_arm(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """Though it lives: a user of it hangs. The arm knows who is to blame for that."""
    monkeypatch.setattr(conducting, "BLOCK_SECONDS", 0.1)
    (why,) = stage.conduct(stage.arm("base"), stage.arm("hung", 1, dies=False)).values()
    assert str(why) == "hung: block 1 took more than 0.1 s"
    assert isinstance(why, AppError)


def test_ctrl_c_ends_it_between_two_looks(stage: Stage) -> None:
    """Every arm is left."""
    arms = [stage.arm("base"), stage.arm("slow", 0, dies=False)]
    stage.said = lambda _: setattr(stage.interrupt, "asked", True)
    with pytest.raises(KeyboardInterrupt):
        stage.conduct(*arms)
    assert [arm.played for arm in arms] == [[0], [0]]
    assert all(arm.left for arm in arms)


def test_ctrl_c_ends_it_while_it_waits_for_the_apps(stage: Stage) -> None:
    """Nothing is played any more."""
    arms = [stage.arm("base"), stage.arm("other")]
    stage.interrupt.asked = True
    with pytest.raises(KeyboardInterrupt):
        stage.conduct(*arms)
    assert [arm.played for arm in arms] == [[], []]
    assert all(arm.left for arm in arms)
