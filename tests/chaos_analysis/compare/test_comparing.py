"""Two recorded sides: what they differ in, what is noise, and what may not be compared."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest

import chaos_analysis
from chaos_analysis.compare import Comparison, Group, compare, compare_arms, words, write
from chaos_analysis.errors import RunFolderError
from chaos_analysis.model import Estimate

if TYPE_CHECKING:
    from collections.abc import Callable

    Recorded = Callable[..., Path]

BUGGY = "GET /api/bookings"  # where World.own_bug strikes
SCHEMA = json.loads((Path(chaos_analysis.__file__).parent / "schemas" / "comparison.schema.json").read_text())


def group(found: Comparison, name: str) -> Group:
    """The group of this name."""
    (chosen,) = (each for each in found.groups if each.name == name)
    return chosen


def test_runs_of_one_seed_are_paired_and_a_mended_endpoint_is_named(recorded: Recorded) -> None:
    """Every request has its partner; the bug that is gone is rescued there, and nothing else differs."""
    found = compare([recorded("a", own_bug=0.3)], [recorded("b")])
    assert (found.method, found.verdict, found.interleaved) == ("paired", "improved", False)
    whole, mended = group(found, "all requests"), group(found, BUGGY)
    assert whole.requests == (1200, 1200)
    assert mended.verdict == "improved"
    assert (whole.rescued, whole.broken) == (mended.rescued, 0)
    assert mended.difference.high is not None
    assert mended.difference.high < 0
    others = [each for each in found.groups if each.kind == "endpoint" and each is not mended]
    assert len(others) == 3
    assert {each.verdict for each in others} <= {"no difference", "inconclusive"}


def test_what_got_worse_is_worse(recorded: Recorded) -> None:
    """The other way round."""
    found = compare([recorded("a")], [recorded("b", own_bug=0.3)])
    assert found.verdict == "worse"
    assert "newly broken" in found.reason


def test_the_same_code_twice_is_no_difference(recorded: Recorded) -> None:
    """Nothing is rescued, nothing broken; rules that few requests met need more of them, and say how many."""
    found = compare([recorded("a")], [recorded("b")])
    assert found.verdict == "no difference"
    assert {(each.rescued, each.broken) for each in found.groups} == {(0, 0)}
    few = [each for each in found.groups if each.verdict == "inconclusive"]
    assert all(each.need and each.need > each.requests[0] for each in few)


def test_a_rules_group_has_the_requests_that_met_it_alone(recorded: Recorded) -> None:
    """Each rule is a group; what met several rules is in none of them."""
    found = compare([recorded("a")], [recorded("b")])
    rules = {each.name: each for each in found.groups if each.kind == "rule"}
    assert set(rules) == {"edge-latency", "edge-exception", "fares-slow", "fares-down", "payments-503"}
    assert rules["edge-exception"].before.value == 1.0
    assert rules["edge-latency"].before.value == 0.0


def test_times_of_runs_that_did_not_take_turns_are_not_judged(recorded: Recorded) -> None:
    """However they differ: what the machine did in between would be taken for it."""
    found = compare([recorded("a")], [recorded("b")])
    assert (found.groups[0].useful.value, found.groups[0].useful.need) == (None, 6)
    assert any("need 6 interleaved runs a side" in note for note in found.notes)


def _turns(recorded: Recorded, *, mixed: bool) -> tuple[list[Path], list[Path]]:
    """Six runs a side of six seeds, in turn or one side after the other."""
    sides: tuple[list[Path], list[Path]] = ([], [])
    for at in range(12):
        side, seed = (at % 2, at // 2) if mixed else (at // 6, at % 6)
        sides[side].append(recorded(f"run{at}", seed=seed, requests=200, run={"created": 1000.0 + at}))
    return sides


def test_six_runs_a_side_in_turn_have_their_times_judged(recorded: Recorded) -> None:
    """A value a pair of runs; the same six, one side after the other, have none."""
    found = compare(*_turns(recorded, mixed=True))
    assert found.interleaved
    assert found.groups[0].useful.n == 6
    assert found.groups[0].useful.value == pytest.approx(1.0)
    assert found.base.seeds == tuple(range(6))


def test_one_side_after_the_other_is_not_in_turn(recorded: Recorded) -> None:
    """Twelve runs do not help where all of the one came first."""
    found = compare(*_turns(recorded, mixed=False))
    assert not found.interleaved
    assert found.groups[0].useful.value is None


def test_other_seeds_are_not_paired_and_said_to_be_so(recorded: Recorded) -> None:
    """Rates and a score interval, no discordant pairs; a large difference still shows."""
    found = compare([recorded("a", seed=1, own_bug=0.5)], [recorded("b", seed=2)])
    assert (found.method, found.verdict) == ("unpaired", "improved")
    assert group(found, BUGGY).verdict == "improved"
    assert all(each.rescued is None for each in found.groups)
    assert found.notes[0].startswith("Unpaired")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"users": 7}, "users: "),
        ({"load": {"deadline": 3.0}}, "deadline: none in a, 3.0 in b"),
        ({"load": {"stop_timeout": 5}}, "stop timeout: 15 in a, 5 in b"),
        ({"app": {"workers": 9}}, "app workers: "),
        ({"app": {"server": "waitress"}}, "server: gunicorn/gevent in a, waitress in b"),
        ({"requests": 1100}, "requests: 1200 in a, 1100 in b"),
        ({"slos": ("error_rate<2%",)}, "the experiments of a and b differ in steady_state"),
        ({"rules": ()}, "the experiments of a and b differ in rules"),
        ({"run": {"ended_by": "interrupted"}}, "b was interrupted, so it is not whole"),
    ],
)
def test_what_was_not_run_alike_is_not_comparable(recorded: Recorded, change: dict[str, Any], said: str) -> None:
    """One sentence names what differs, with both values."""
    found = compare([recorded("a")], [recorded("b", **change)])
    assert (found.verdict, found.groups) == ("not comparable", ())
    assert found.reason.startswith(said)


def test_all_that_differs_is_named(recorded: Recorded) -> None:
    """Of each setting whose value it is in which runs; seeds, which alone would be no reason, beside the others."""
    changed = {"seed": 9, "users": 7, "slos": ("error_rate<2%",), "run": {"ended_by": "interrupted"}}
    found = compare([recorded("a", seed=8)], [recorded("b", **changed)])
    assert found.reason == (
        "b was interrupted, so it is not whole; users: 8 in a, 7 in b; "
        "the experiments of a and b differ in steady_state; seeds: 8 before, 9 after"
    )
    sides = [recorded("c", seed=1, requests=200), recorded("d", seed=2, users=7, requests=200)]
    more = [recorded("e", seed=1, users=7, requests=200), recorded("f", seed=2, requests=200)]
    assert compare(sides, more).reason == "users: 8 in c and f, 7 in d and e"


def _edited(run: Path, edit: Callable[[dict[str, Any]], None]) -> Path:
    file = run / "chaos-config.json"
    experiment = json.loads(file.read_text())
    edit(experiment)
    file.write_text(json.dumps(experiment))
    return run


def test_an_experiment_of_another_name_is_the_same(recorded: Recorded) -> None:
    """Its name draws nothing; rates, faults and stages do, and each is named where it stands."""
    base = recorded("a")
    assert compare([base], [_edited(recorded("b"), lambda it: it.update(name="renamed"))]).verdict == "no difference"

    def change(experiment: dict[str, Any]) -> None:
        experiment["rules"][0]["rate"] = 0.5
        experiment["rules"][1] |= {"name": "another", "rate": 0.6}
        experiment["stages"][2]["share"] = 0.9

    found = compare([base], [_edited(recorded("c"), change)])
    assert found.reason == "the experiments of a and c differ in stages[2].share, rules[0].rate and rules[1]"


def test_injection_points_that_were_reached_are_not_part_of_the_experiment(recorded: Recorded) -> None:
    """The run itself adds them to its copy, and a change of the code may well change them."""
    base, other = recorded("a"), recorded("b")
    file = other / "chaos-config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"reached": [{"seam": "http_client"}]}))
    assert compare([base], [other]).verdict == "no difference"


def test_seeds_that_overlap_in_part_are_refused(recorded: Recorded) -> None:
    """Neither all pairs nor none."""
    sides = [[recorded(f"{side}{seed}", seed=seed, requests=200) for seed in seeds] for side, seeds in
             (("a", (1, 2)), ("b", (1, 3)))]  # fmt: skip
    found = compare(*sides)
    assert (found.verdict, "seeds overlap in part (1, 2 and 1, 3)" in found.reason) == ("not comparable", True)


def test_a_run_is_not_compared_with_itself(recorded: Recorded) -> None:
    """It would show no difference whatever it is."""
    folder = recorded("a", requests=200)
    assert "cannot be compared with itself" in compare([folder], [folder]).reason


def test_requests_of_another_stage_are_no_partners(recorded: Recorded) -> None:
    """Rates are per stage: the same key in another stage need not have met the same faults."""
    base, other = recorded("a"), recorded("b")
    file = other / "requests" / "0.jsonl"
    lines = file.read_text().replace('"baseline"', '"chaos"')
    file.write_text(lines)
    found = compare([base], [other])
    assert found.groups[0].requests[0] < 1200
    assert any(note.startswith("Without a partner") for note in found.notes)


def test_patterns_come_and_go(recorded: Recorded) -> None:
    """By their ids, with the failures of each side; without the file it is said."""
    base, other = recorded("a"), recorded("b")
    assert any("no failure-patterns.json" in note for note in compare([base], [other]).notes)
    one, two, three = ({"id": n, "title": n, "severity": "high", "failures": 5} for n in ("one", "two", "three"))
    (base / "failure-patterns.json").write_text(json.dumps({"patterns": [one, two]}))
    (other / "failure-patterns.json").write_text(json.dumps({"patterns": [two | {"failures": 3}, three]}))
    found = {each.id: (each.state, each.failures) for each in compare([base], [other]).patterns}
    assert found == {"three": ("appeared", (0, 5)), "one": ("disappeared", (5, 0)), "two": ("stayed", (5, 3))}


def test_that_a_pattern_is_gone_is_not_told_as_fewer_failures(recorded: Recorded, tmp_path: Path) -> None:
    """Where as many requests fail, terminal and page say so; where fewer do, there is nothing to add."""
    base, other = recorded("a"), recorded("b")
    (base / "failure-patterns.json").write_text(
        json.dumps({"patterns": [{"id": "one", "title": "one", "severity": "high", "failures": 5}]})
    )
    (other / "failure-patterns.json").write_text(json.dumps({"patterns": []}))
    found = compare([base], [other])
    assert words.unlike(found).startswith("What disappeared may fail in another way now")
    assert words.unlike(found) in write(found, tmp_path / "out")[0].read_text()
    assert words.unlike(replace(found, verdict="improved")) == ""
    assert words.unlike(replace(found, patterns=())) == ""


@pytest.mark.parametrize("seed", [7, 8], ids=["paired", "unpaired"])
def test_what_is_written_is_whole(recorded: Recorded, tmp_path: Path, seed: int) -> None:
    """The JSON keeps its schema, the page has verdict and pictures, and a picture's title is its finding."""
    found = compare([recorded("a", own_bug=0.4, seed=7)], [recorded("b", seed=seed)])
    page, machine, differences, latencies = write(found, tmp_path / "out")
    jsonschema.validate(json.loads(machine.read_text()), SCHEMA)
    text = page.read_text()
    assert "Chaos comparison: improved" in text
    assert "](differences.png)" in text
    assert "](latencies.png)" in text
    assert b"1 endpoint improved" in differences.read_bytes()
    assert b"not judged" in latencies.read_bytes()


def test_a_refusal_is_written_too(recorded: Recorded, tmp_path: Path) -> None:
    """Without figures and without pictures."""
    files = write(compare([recorded("a")], [recorded("b", users=7)]), tmp_path / "out")
    assert [file.name for file in files] == ["comparison.md", "comparison.json"]
    jsonschema.validate(json.loads(files[1].read_text()), SCHEMA)


def test_a_folder_that_is_no_run_is_an_error(recorded: Recorded, tmp_path: Path) -> None:
    """Not a verdict."""
    (tmp_path / "empty").mkdir()
    with pytest.raises(RunFolderError, match="not a run folder"):
        compare([recorded("a", requests=200)], [tmp_path / "empty"])


def test_arms_of_a_replay_have_their_blocks_and_no_warm_up(recorded: Recorded) -> None:
    """A time a block; what is in no block is neither judged nor among the latencies."""
    base, other = recorded("a", own_bug=0.3), recorded("b")
    blocks = {f"{user}.{turn}": turn % 7 for user in range(100) for turn in range(100)}
    found = compare_arms(base, other, blocks)
    assert (found.interleaved, found.verdict) == (True, "improved")
    whole = found.groups[0]
    assert whole.useful.n == 6
    assert 0 < whole.requests[0] < 1200
    assert whole.latencies[0].before.n < whole.requests[0]
    assert found.base.seeds == found.other.seeds


def test_a_clear_interval_that_is_inconclusive_is_noted_with_its_reason(recorded: Recorded) -> None:
    """Those that are settled, and those of too few requests, are not."""
    found = compare([recorded("a")], [recorded("b")])
    whole = replace(found.groups[0], name="all", verdict="inconclusive", reason="p = 0.03, above 0.02")
    clear = replace(whole, difference=Estimate(0.02, 0.005, 0.035, 1200, "probability"))
    others = [replace(clear, name="few", requests=(12, 12)), replace(clear, name="settled", verdict="worse"), whole]
    assert words.unsettled([clear, *others]) == (
        "Inconclusive, though the interval is clear of 0: all (p = 0.03, above 0.02)."
    )
    assert words.unsettled(others) == ""
