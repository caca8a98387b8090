"""A run folder in, an analysis and its artefacts out; folders that are not whole included."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import Draft202012Validator

import chaos_analysis
from chaos_analysis import analyse, pipeline, tables
from chaos_analysis.effect import judge, stored
from chaos_analysis.effect.stored import Step, Stored
from tests.chaos_analysis.report import sample

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.chaos_analysis.world import Truth

    MakeRun = Callable[..., tuple[Path, Truth]]

assert chaos_analysis.__file__
SCHEMAS = Path(chaos_analysis.__file__).parent / "schemas"
RESULTS = ("load-results", "failure-patterns", "fix-proposals", "outcomes")


def _errors(schema: str, value: Any) -> list[str]:
    validator = Draft202012Validator(json.loads((SCHEMAS / f"{schema}.schema.json").read_text()))
    return [f"{list(error.absolute_path)}: {error.message}" for error in validator.iter_errors(value)]


def test_public_names_are_few_and_there() -> None:
    """What is promised exists, and is at most twelve names."""
    assert len(chaos_analysis.__all__) <= 12
    assert all(hasattr(chaos_analysis, name) for name in chaos_analysis.__all__)


def test_reading_an_objective_does_not_import_pandas() -> None:
    """The command checks objectives before it starts anything: that must not take seconds."""
    code = "import sys, chaos_analysis.slo; sys.exit('pandas' in sys.modules or 'scipy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_artefacts_follow_their_schemas(make_run: MakeRun) -> None:
    """Every file for machines, of a run with all kinds of trouble."""
    folder, _ = make_run(requests=1500, own_bug=0.1, collateral=0.1, slow_recovery=1.0)
    analyse(folder)
    for name in RESULTS:
        assert _errors(name, json.loads((folder / f"{name}.json").read_text())) == []


def test_the_run_folder_itself_follows_the_schemas(make_run: MakeRun) -> None:
    """So what the tests make up is what the contract says."""
    folder, _ = make_run(requests=300)
    assert _errors("run", json.loads((folder / "run.json").read_text())) == []
    parts = (("ledger", "faults/*.jsonl"), ("requests", "requests/[0-9].jsonl"), ("invariants", "invariants.jsonl"))
    for schema, pattern in parts:
        for part in folder.glob(pattern):
            assert [e for line in part.read_text().splitlines() for e in _errors(schema, json.loads(line))] == []


@pytest.mark.parametrize("schema", sorted(path.name.removesuffix(".schema.json") for path in SCHEMAS.glob("*.json")))
def test_schemas_are_sound_and_refuse_what_is_not_theirs(schema: str) -> None:
    """Each is a valid JSON Schema, and not one that takes anything."""
    Draft202012Validator.check_schema(json.loads((SCHEMAS / f"{schema}.schema.json").read_text()))
    assert _errors(schema, {"version": 2})


def test_two_cores_find_what_one_does(make_run: MakeRun, monkeypatch: pytest.MonkeyPatch) -> None:
    """A large run is read and looked at by two processes at once: every file is the same, byte for byte."""
    folder, _ = make_run(requests=1500, own_bug=0.1, collateral=0.1, slow_recovery=1.0)
    analyse(folder)
    made = {path: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    assert {path.suffix for path in made} >= {".png", ".json", ".html"}
    for path in folder.glob("*.png"):
        path.unlink()
    monkeypatch.setattr(tables, "_LARGE", 0)
    monkeypatch.setattr(pipeline, "_LARGE", 0)
    analyse(folder)
    assert {path: path.read_bytes() for path in folder.iterdir() if path.is_file()} == made


def test_everything_promised_is_written(make_run: MakeRun) -> None:
    """Results, patches that proposals name, pictures, report; and no half-written file."""
    folder, _ = make_run(requests=1500, sampled=1.0)
    analysis = analyse(folder)
    patches = [one.patch for one in analysis.proposals if one.diff]
    assert patches
    assert all(patch and (folder / patch).read_text() for patch in patches)
    written = {path.name for path in folder.iterdir()}
    assert {*(f"{name}.json" for name in RESULTS), "chaos-test-report.md", "chaos-test-report.html"} <= written
    assert list(folder.rglob("*.part")) == []


def _measured(folder: Path) -> tuple[Stored, str]:
    """Write the effect of the folder's last patch into it, and of all at once; returns it and the patch's name."""
    analyse(folder)
    listed = json.loads((folder / "fix-proposals.json").read_text())["proposals"]
    last = [one for one in listed if one["diff"]][-1]
    effect = judge([sample.measured(90, 1), sample.measured(0, 3, condition="outage")], sample.GATES)
    known = Stored(
        {stored.digest(last["diff"]): effect},
        together=effect,
        placebo=judge([sample.measured(1, 1)]),
        numbers=(last["number"],),
        left_out=("9: it no longer applies",),
        seconds=61.5,
        steps=(Step(last["number"], last["title"], effect),),
        ended="no patch is left",
        own={"mine": effect},
    )
    stored.write(known, folder)
    return known, last["patch"]


def test_a_measured_effect_reaches_every_file(make_run: MakeRun) -> None:
    """It is attached to its proposal, which comes first; JSON, picture and page have it."""
    folder, _ = make_run(requests=1500, sampled=1.0)
    known, patch = _measured(folder)
    analysis = analyse(folder)
    first = analysis.proposals[0]
    assert (first.patch, first.effect, analysis.measured) == (patch, known.together, known)
    told = json.loads((folder / "fix-proposals.json").read_text())
    assert told["proposals"][0]["effect"]["measured"][0]["rescued"] == 90
    assert _errors("fix-proposals", told) == []
    assert _errors("effects", json.loads((folder / "verify/effects.json").read_text())) == []
    assert (folder / "effects.png").stat().st_size > 0
    assert "](effects.png)" in (folder / "chaos-test-report.md").read_text()


def test_nothing_measured_nothing_shown(make_run: MakeRun) -> None:
    """Neither a picture nor a value; the report says how to measure."""
    folder, _ = make_run(requests=800)
    analysis = analyse(folder)
    assert analysis.measured is None
    assert not (folder / "effects.png").exists()
    assert {one["effect"] for one in json.loads((folder / "fix-proposals.json").read_text())["proposals"]} == {None}


def test_both_schemas_mean_the_same_by_an_effect() -> None:
    """Each file can be validated by its schema alone, so both have the definitions, and alike."""
    first, second = (
        json.loads((SCHEMAS / f"{name}.schema.json").read_text())["$defs"] for name in ("effects", "fix-proposals")
    )
    assert first == second


def test_an_analysis_can_be_made_again(make_run: MakeRun) -> None:
    """From the same folder the same results; patches of an older analysis that nothing names go."""
    folder, _ = make_run(requests=800)
    analyse(folder)
    first = {name: (folder / f"{name}.json").read_text() for name in RESULTS}
    (folder / "fixes").mkdir(exist_ok=True)
    (folder / "fixes/77-old.patch").write_text("old")
    analyse(folder)
    assert first == {name: (folder / f"{name}.json").read_text() for name in RESULTS}
    assert not (folder / "fixes/77-old.patch").exists()


def test_without_writing_the_folder_stays_as_it_was(make_run: MakeRun) -> None:
    """Asked not to write, the analysis only reads."""
    folder, _ = make_run(requests=300)
    before = sorted(folder.rglob("*"))
    analyse(folder, write=False)
    assert sorted(folder.rglob("*")) == before


def test_a_large_run_is_sampled_and_the_same_sample_each_time(make_run: MakeRun) -> None:
    """Above 5,000 requests 1,000 are given, with the place of the others."""
    folder, _ = make_run(requests=5001, rules=())
    analyse(folder)
    requests = json.loads((folder / "load-results.json").read_text())["requests"]
    assert (requests["total"], requests["sample"], len(requests["rows"])) == (5001, True, 1000)
    analyse(folder)
    assert json.loads((folder / "load-results.json").read_text())["requests"] == requests


@pytest.mark.parametrize(
    ("settings", "verdict", "exit_code"),
    [
        ({"requests": 800}, "held", 0),
        ({"requests": 800, "slos": ()}, "no SLO", 0),
        ({"requests": 60, "slos": ("p95<500ms",)}, "undecided", 0),
        ({"requests": 800, "own_bug": 0.5}, "broken", 1),
        ({"requests": 800, "slos": ("error_rate<1% in chaos",)}, "broken", 1),
        ({"requests": 800, "wrapped": False}, "invalid", 3),
    ],
)
def test_verdict_and_exit_code(make_run: MakeRun, settings: dict[str, Any], verdict: str, exit_code: int) -> None:
    """Held, not set, undecided: 0. Broken: 1. Invalid before all else: 3."""
    analysis = analyse(make_run(**settings)[0], write=False)
    assert (analysis.verdict, analysis.exit_code) == (verdict, exit_code)


def test_the_headline_says_what_came_of_it_and_where_to_look(make_run: MakeRun) -> None:
    """One sentence for someone who reads nothing else."""
    analysis = analyse(make_run(requests=1500)[0], write=False)
    assert analysis.headline.startswith("Objectives held; ")
    first = analysis.patterns[0]
    assert analysis.headline.endswith(f"first: {first.title}, at {first.site}.")


def test_the_headline_claims_no_more_than_was_judged(make_run: MakeRun) -> None:
    """An objective that could not be judged is not held; a run without faults found nothing out."""
    slos = ("error_rate<1% in baseline", "p99<5s in recovery")
    analysis = analyse(make_run(requests=800, slos=slos)[0], write=False)
    assert analysis.headline.startswith("Objectives held where they could be judged; ")
    quiet = analyse(make_run(requests=300, slos=(), stages=(("baseline", 1.0),))[0], write=False)
    assert quiet.headline == "No request was sent while faults were on."


def test_an_invalid_run_says_why_first(make_run: MakeRun) -> None:
    """Nothing is concluded from it in the headline."""
    analysis = analyse(make_run(requests=300, wrapped=False)[0], write=False)
    assert analysis.headline.startswith("This run is invalid: nothing was injected")


def test_too_little_data_is_answered_with_what_to_change(make_run: MakeRun) -> None:
    """How many requests it takes, by objective and by rule."""
    advice = " ".join(analyse(make_run(requests=60)[0], write=False).advice)
    assert "Only 60 requests: run at least 100" in advice
    assert "p95<500ms needs 72 successful requests in baseline, there were 12: run about 400 requests." in advice
    assert re.search(r"payments-503 was met alone by \d+ requests?, beside \d+ without a fault: too few", advice)


def test_a_rule_whose_requests_fail_anyway_is_no_matter_of_more_requests(make_run: MakeRun) -> None:
    """No run is large enough to see a rise above all."""
    folder, _ = make_run(requests=600)
    for part in (folder / "requests").glob("[0-9].jsonl"):
        rows = [json.loads(line) for line in part.read_text().splitlines()]
        for row in rows:
            if isinstance(row, list) and row[6:8] == ["POST", "/api/bookings"]:
                row[8], row[10], row[11] = 500, "HTTPError", "500"
        part.write_text("".join(json.dumps(row) + "\n" for row in rows))
    advice = " ".join(analyse(folder, write=False).advice)
    assert "payments-503 has nothing to show: 100 % of the" in advice
    assert "payments-503 was met alone" not in advice


@pytest.mark.parametrize(("endpoint", "hinted"), [("POST /api/bookings", True), ('POST /api/bookings {"n": 1}', False)])
def test_an_endpoint_that_is_sent_no_body_and_refuses_it_is_told_how(
    make_run: MakeRun, endpoint: str, hinted: bool
) -> None:
    """A 415 to everything is a mistake in the command line before it is a bug of the app's."""
    folder, _ = make_run(requests=1000)
    for part in (folder / "requests").glob("[0-9].jsonl"):
        rows = [json.loads(line) for line in part.read_text().splitlines()]
        for row in rows:
            if isinstance(row, list) and row[6:9] == ["POST", "/api/bookings", 200]:
                row[8] = 415
        part.write_text("".join(json.dumps(row) + "\n" for row in rows))
    run = json.loads((folder / "run.json").read_text())
    run["load"] |= {"endpoints": [endpoint]}
    (folder / "run.json").write_text(json.dumps(run))
    hint = (
        """POST /api/bookings answers 415, and was sent no body: --endpoint 'POST /api/bookings {"name": "value"}' """
    )
    assert any(line.startswith(hint) for line in analyse(folder, write=False).advice) == hinted


def test_enough_data_needs_no_advice(make_run: MakeRun) -> None:
    """No nagging."""
    assert analyse(make_run(requests=2000)[0], write=False).advice == ()


@pytest.mark.parametrize(
    "missing",
    ["run.json", "chaos-config.json", "requests", "faults", "sources", "locust_stats.csv", "locust_stats_history.csv"],
)
def test_any_part_may_be_missing(make_run: MakeRun, missing: str) -> None:
    """The analysis ends with a report of what is there."""
    folder, _ = make_run(requests=300)
    path = folder / missing
    for each in sorted(path.rglob("*"), reverse=True):
        each.rmdir() if each.is_dir() else each.unlink()
    path.rmdir() if path.is_dir() else path.unlink()
    analysis = analyse(folder)
    assert (folder / "chaos-test-report.md").stat().st_size > 0
    for name in RESULTS:
        assert _errors(name, json.loads((folder / f"{name}.json").read_text())) == []
    assert analysis.tables.gaps or missing == "sources"


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9])
def test_every_file_may_be_cut_short(make_run: MakeRun, share: float) -> None:
    """A kill at any moment leaves half files: they are reported, never raised."""
    folder, _ = make_run(requests=300)
    for path in folder.rglob("*"):
        if path.is_file() and "sources" not in path.parts:
            data = path.read_bytes()
            path.write_bytes(data[: int(len(data) * share)])
    analysis = analyse(folder)
    assert analysis.tables.gaps
    assert analysis.exit_code == 3
    assert (folder / "chaos-test-report.html").stat().st_size > 0


def test_a_folder_that_is_none_is_one_sentence(tmp_path: Path) -> None:
    """No traceback for a mistyped path."""
    with pytest.raises(chaos_analysis.AnalysisError, match="no such folder"):
        analyse(tmp_path / "nowhere")
