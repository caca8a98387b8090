"""Which arms a measurement has, and what becomes of those that are not played to the end. Nothing is started here."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from chaos_test.errors import ChaosTestError
from chaos_test.interrupt import Interrupt
from chaos_test.replay import measure, recall
from chaos_test.replay.arm import AppError
from chaos_test.replay.measure import Change, Result, measured
from chaos_test.replay.script import Script
from tests.chaos_analysis.report import sample

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from pathlib import Path

    from chaos_analysis.effect import Measured
    from chaos_test.replay.arm import Arm

DIFF = "--- a/shop.py\n+++ b/shop.py\n@@ -1 +1,2 @@\n def app(environ, start_response): ...\n+x = 1\n"
SCRIPT = Script({"0": ((0, "chaos", 0), (1, "chaos", 1))}, 1, 2)
EXPERIMENT = {
    "version": 1,
    "seed": 7,
    "rules": [{"name": "down", "seam": "http_client", "rate": 0.1, "fault": {"type": "connection_reset"}}],
}


@dataclass
class Bench:
    """Measures changes with arms that are not played: those of `lost` are lost, the others rescue what fails.

    The placebo breaks requests on the endpoint `shaky`, and `elsewhere`; `shaky` is what arms tell to be `apart`.
    """

    run_dir: Path
    lost: dict[str, ChaosTestError] = field(default_factory=dict)
    shaky: str = ""
    elsewhere: bool = False
    rescued: int = 81
    arms: list[str] = field(default_factory=list)

    def conduct(self, arms: Sequence[Arm], **_: object) -> dict[str, ChaosTestError]:
        """In the place of the real one."""
        self.arms = [arm.name for arm in arms]
        for arm in arms:
            arm.run_dir.mkdir()
        return self.lost

    def figures(self, base: Path, other: Path, blocks: object, *, condition: str, without: Collection[str]) -> Measured:
        """In the place of the real ones."""
        assert (base.name, blocks) == ("base" if condition == "as declared" else "outage-base", {"0.0": 0, "0.1": 1})
        if other.name != "placebo":
            return sample.measured(self.rescued, 0, condition=condition)
        return sample.measured(0, 30 if self.elsewhere or (self.shaky and self.shaky not in without) else 0)

    @property
    def apart(self) -> dict[str, str]:
        """In the place of what the arms would tell."""
        return {self.shaky: "0 rescued, 30 newly broken"} if self.shaky else {}

    def measure(self, *changes: Change, base: str = "") -> Result:
        """What came of them."""
        plan, outage = recall.plan_of(self.run_dir), measure.outage_of(self.run_dir)
        settings: dict[str, Any] = {"interrupt": Interrupt(), "said": lambda _: None, "outage": outage, "base": base}
        return measured(plan, changes, SCRIPT, self.run_dir / "arms", **settings)


@pytest.fixture
def bench(tmp_path: Path, app_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    """With the run of a shop."""
    made = Bench(tmp_path / "run")
    made.run_dir.mkdir()
    app = {"target": "shop:app", "dir": str(app_dir), "python": sys.executable}
    load = {"users": 1, "deadline": 4.0, "folder": str(app_dir), "locustfiles": ["buyers.py"]}
    (made.run_dir / "run.json").write_text(json.dumps({"app": app, "load": load}))
    (made.run_dir / "chaos-config.json").write_text(json.dumps(EXPERIMENT))
    monkeypatch.setattr(measure, "conduct", made.conduct)
    monkeypatch.setattr(measure, "measure", made.figures)
    monkeypatch.setattr(measure, "rest", lambda *_: made.apart)
    monkeypatch.setattr(measure, "apart", lambda *_: made.apart)
    return made


def test_only_what_may_repeat_calls_is_measured_in_an_outage(bench: Bench) -> None:
    """Beside the base; no name of a change can be that of another's arm in an outage."""
    told = bench.measure(Change("own-x", DIFF, repeats=True), Change("own-x-outage", DIFF)).effects
    assert bench.arms == ["base", "placebo", "own-x", "own-x-outage", "outage-base", "outage-own-x"]
    assert [each.condition for each in told["own-x"].measured] == ["as declared", "outage"]
    assert [each.condition for each in told["own-x-outage"].measured] == ["as declared"]


def test_who_is_to_blame_for_a_lost_arm(bench: Bench) -> None:
    """The change, where it was the app with it; where it was anything else it is not comparable, and why."""
    bench.lost = {"a": AppError("a: the app ended; app.log ends:\n  boom"), "b": ChaosTestError("b: Locust ended")}
    told = bench.measure(Change("a", DIFF, repeats=True), Change("b", DIFF)).effects
    assert (told["a"].verdict, told["a"].reason) == ("worse", "runs: a: the app ended; app.log ends: boom")
    assert (told["b"].verdict, told["b"].reason) == ("not comparable", "b: Locust ended")
    assert [(gate.name, gate.ok) for gate in told["b"].gates][-1] == ("runs", None)


def test_without_the_placebo_nothing_is_to_be_believed(bench: Bench) -> None:
    """Whoever is to blame for that."""
    bench.lost = {"placebo": ChaosTestError("placebo: Locust ended")}
    result = bench.measure(Change("a", DIFF))
    assert (result.effects["a"].verdict, result.placebo.verdict) == ("improved", "not comparable")
    assert result.void.endswith("not played to its end, so noise cannot be told: placebo: Locust ended")


def test_an_endpoint_on_which_the_placebo_differs_is_left_out_and_named(bench: Bench) -> None:
    """The rest can be judged."""
    bench.shaky = "GET /reports"
    result = bench.measure(Change("a", DIFF))
    assert (result.void, result.placebo.verdict, result.effects["a"].verdict) == ("", "inconclusive", "improved")
    for effect in (result.placebo, result.effects["a"]):
        assert effect.reason.endswith(
            "left out, as a change that changes nothing differs there: GET /reports (0 rescued, 30 newly broken)"
        )


def test_a_placebo_that_differs_elsewhere_as_well_makes_all_of_it_void(bench: Bench) -> None:
    """And it is said where."""
    bench.shaky, bench.elsewhere = "GET /reports", True
    void = bench.measure(Change("a", DIFF)).void
    assert void == (
        "a change that changes nothing came out as worse (0 rescued, 30 newly broken of 1,000 requests): this is "
        "noise; it differs on GET /reports (0 rescued, 30 newly broken)"
    )


@pytest.mark.parametrize(
    ("lost", "verdict", "ok", "said"),
    [
        ({"outage-a": AppError("the app ended")}, "worse", False, "the app ended"),
        ({"outage-a": ChaosTestError("Locust ended")}, "improved", None, "Locust ended"),
        ({"outage-a": AppError("the app ended"), "outage-base": AppError("it, too")}, "improved", None, "it, too"),
    ],
)
def test_an_arm_that_is_lost_in_an_outage_is_told(
    bench: Bench, lost: dict[str, ChaosTestError], verdict: str, ok: bool | None, said: str
) -> None:
    """It is harm only where the app with the change is lost and the one without it is not."""
    bench.lost = lost
    told = bench.measure(Change("a", DIFF, repeats=True)).effects["a"]
    assert (told.verdict, [each.condition for each in told.measured]) == (verdict, ["as declared"])
    assert (told.gates[-1].name, told.gates[-1].ok, told.gates[-1].summary) == ("runs under outage", ok, said)


def test_tests_that_fail_anyway_say_nothing(bench: Bench, app_dir: Path) -> None:
    """Of the app as it is: all arms are played, and the gate could not be asked."""
    (app_dir / "pyproject.toml").write_text("[tool.chaos-test]\ntests = \"python -c 'raise SystemExit(3)'\"\n")
    told = bench.measure(Change("a", DIFF)).effects["a"]
    assert bench.arms == ["base", "placebo", "a"]
    (gate,) = (gate for gate in told.gates if gate.name == "the app's tests")
    assert (gate.ok, gate.summary) == (None, "they fail without the change, too: exit code 3")


def test_tests_that_only_fail_with_the_change_end_it(bench: Bench, app_dir: Path) -> None:
    """It is not played."""
    words = "python -c 'import shop; raise SystemExit(hasattr(shop, \"x\"))'".replace('"', '\\"')
    (app_dir / "pyproject.toml").write_text(f'[tool.chaos-test]\ntests = "{words}"\n')
    told = bench.measure(Change("a", DIFF)).effects["a"]
    assert bench.arms == ["base", "placebo"]
    assert (told.verdict, told.reason) == ("worse", "the app's tests: exit code 1")


def test_a_base_that_does_not_apply_any_more_is_refused(bench: Bench) -> None:
    """Nothing can be measured against it."""
    with pytest.raises(ChaosTestError, match="measured against cannot be played: applies: shop"):
        bench.measure(Change("a", DIFF), base=DIFF.replace("def app", "def other"))
