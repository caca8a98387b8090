"""The checks other than the dose, and that every file among them is one."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from chaos_analysis import analyse, checks
from chaos_analysis.checks import baseline, control, data, events, load_generator, objectives, records
from tests.chaos_analysis.conftest import read_evidence
from tests.chaos_analysis.world import EDGE_EXCEPTION

if TYPE_CHECKING:
    from collections.abc import Callable

    from chaos_analysis.evidence import Evidence
    from tests.chaos_analysis.world import Truth

    MakeRun = Callable[..., tuple[Path, Truth]]
    MakeEvidence = Callable[..., Evidence]


def test_every_file_is_a_check() -> None:
    """A file that is not in the tuple would never be asked."""
    assert checks.__file__
    files = {path.stem for path in Path(checks.__file__).parent.glob("[!_]*.py")}
    assert {module.__name__.rpartition(".")[2] for module in checks.CHECKS} == files


def test_a_sound_run_passes_every_check(make_evidence: MakeEvidence) -> None:
    """Nothing lost, nothing unknown, enough of everything."""
    found = checks.check_all(make_evidence(requests=2000))
    uncounted = {"resources": None, "neighbours": None}  # nobody counted in a made-up run
    assert {check.name: check.ok for check in found} == dict.fromkeys([check.name for check in found], True) | uncounted


def test_a_run_that_crashed_is_invalid_and_says_so_first(make_run: MakeRun) -> None:
    """What the command wrote down as the reason stands before everything else."""
    folder, _ = make_run(requests=200)
    run = json.loads((folder / "run.json").read_text())
    run |= {"ended_by": "crashed", "reason": "The app ended with code 2 after 499 requests (see app.log)."}
    (folder / "run.json").write_text(json.dumps(run))
    analysis = analyse(folder, write=False)
    assert analysis.exit_code == 3
    assert analysis.headline.startswith("This run is invalid: The app ended with code 2 after 499 requests")


def test_without_requests_nothing_else_is_complained_about(make_run: MakeRun) -> None:
    """That nothing was injected goes without saying."""
    folder, _ = make_run(requests=200)
    for file in [*folder.glob("requests/*"), *folder.glob("faults/*")]:
        file.unlink()
    failed = [check.name for check in checks.check_all(read_evidence(folder)) if check.ok is False and check.fatal]
    assert failed == ["data"]


def test_a_run_without_requests_is_invalid(tmp_path: Path) -> None:
    """No data is fatal."""
    (tmp_path / "requests").mkdir()
    check = data.check(read_evidence(tmp_path))
    assert (check.ok, check.fatal) == (False, True)


def test_few_requests_are_told_and_not_fatal(make_evidence: MakeEvidence) -> None:
    """Ninety requests can be reported, with a warning."""
    check = data.check(make_evidence(requests=90))
    assert (check.ok, check.fatal) == (False, False)


def _drop_rows(folder: Path, count: int) -> None:
    part = folder / "requests/0.jsonl"
    lines = part.read_text().splitlines(keepends=True)
    part.write_text("".join(lines[:-1][:-count] + lines[-1:]))


def test_requests_that_the_client_lost_make_the_run_invalid(make_run: MakeRun) -> None:
    """The app counted more than were recorded: the first sentence says how many."""
    folder, _ = make_run(requests=300)
    _drop_rows(folder, 3)
    check = records.check(read_evidence(folder))
    assert (check.ok, check.fatal) == (False, True)
    assert check.summary.startswith("3 requests that the app counted were not recorded by the client")
    assert any("locust_stats.csv has" in detail for detail in check.details)


def test_requests_without_a_key_are_not_the_clients_to_record(make_run: MakeRun) -> None:
    """Where the experiment is for all traffic, the app counts those of anybody: the command's own, the invariants'."""
    folder, _ = make_run(requests=300)
    config = json.loads((folder / "chaos-config.json").read_text())
    (folder / "chaos-config.json").write_text(json.dumps({**config, "scope": "all"}))
    with next((folder / "faults").glob("*.reached")).open("a") as part:
        part.write("anon.100.0\tbaseline\t0\n")
    assert records.check(read_evidence(folder)).ok
    _drop_rows(folder, 3)
    assert records.check(read_evidence(folder)).summary.startswith("3 requests that the app counted were not recorded")


def test_a_locust_csv_that_lags_behind_is_told_and_not_fatal(make_run: MakeRun) -> None:
    """Locust was killed before its last write: its CSV misses requests, the run does not."""
    folder, _ = make_run(requests=300)
    stats = folder / "locust_stats.csv"
    stats.write_text(stats.read_text().replace("GET,/api/bookings,", "GET,/api/bookings,1", 1))
    check = records.check(read_evidence(folder))
    assert (check.ok, check.fatal) == (False, False)
    assert check.summary.startswith("GET /api/bookings: ")
    assert "300 requests that the app counted" in check.details


def test_answers_that_the_app_never_counted_make_the_run_invalid(make_run: MakeRun) -> None:
    """Then something answered in the app's place, or the ledger is not whole."""
    folder, _ = make_run(requests=300, app_parts=1)
    part = next((folder / "faults").glob("*.reached"))
    lines = part.read_text().splitlines(keepends=True)
    key = lines[-1].partition("\t")[0]
    part.write_text("".join(line for line in lines if not line.startswith(f"{key}\t")))
    check = records.check(read_evidence(folder))
    assert check.ok is False
    assert check.summary == f"1 request that the client has an answer to were not counted by the app (such as {key})"


def test_repeated_arrivals_are_counted_apart(make_run: MakeRun) -> None:
    """A redirect is one row and two arrivals of one key: nothing is lost."""
    folder, _ = make_run(requests=300)
    part = next((folder / "faults").glob("*.reached"))
    first = part.read_text().splitlines()[0]
    with part.open("a") as file:
        file.write(first + "\n")
    check = records.check(read_evidence(folder))
    assert check.ok is True
    assert "and 1 repeated (redirects, re-sends)" in check.summary


def test_a_request_that_never_reached_the_app_is_not_lost(make_run: MakeRun) -> None:
    """Without an answer the client need not be in the app's count."""
    folder, _ = make_run(requests=300, app_parts=1, rules=())
    part = folder / "requests/0.jsonl"
    lines = part.read_text().splitlines(keepends=True)
    key = lines[1].split('"')[1]
    part.write_text(
        "".join(
            line.replace(',200,512,null,null,""', ',0,0,"X","refused",""') if key in line else line for line in lines
        )
    )
    reached = next((folder / "faults").glob("*.reached"))
    reached.write_text(
        "".join(line for line in reached.read_text().splitlines(keepends=True) if not line.startswith(f"{key}\t"))
    )
    rows = read_evidence(folder)
    assert int((rows.rows["status"] == 0).sum()) == 1
    check = records.check(rows)
    assert not any("counted" in text for text in (check.summary, *check.details) if "were not" in text)


def test_what_fails_in_the_baseline_is_the_apps_own(make_evidence: MakeEvidence) -> None:
    """It is told, and does not make the run invalid."""
    check = baseline.check(make_evidence(requests=600, own_bug=0.5))
    assert (check.ok, check.fatal) == (False, False)
    assert check.details[0].startswith("GET /api/bookings: ")


def test_a_run_without_baseline_says_so(make_evidence: MakeEvidence) -> None:
    """The question could not be asked."""
    assert baseline.check(make_evidence(requests=200, stages=(("chaos", 1.0),))).ok is None


def test_rules_met_too_rarely_are_named(make_evidence: MakeEvidence) -> None:
    """Causes cannot be told apart where hardly a request met only that fault."""
    check = control.check(make_evidence(requests=60))
    assert (check.ok, check.fatal) == (False, False)
    assert "too few to see what these do: " in check.summary


def test_rules_that_matched_nothing_are_no_lack_of_requests(make_run: MakeRun) -> None:
    """More requests would not help a rule for calls that the app never makes: that is said instead."""
    outbound = {"seam": "http_client", "rate": 0.1, "match": {"path": ["/nowhere"]}, "fault": {"type": "noop"}}
    folder, _ = make_run(requests=2000, rules=(EDGE_EXCEPTION, {"name": "idle", **outbound}))
    analysis = analyse(folder, write=False)
    assert next(check for check in analysis.checks if check.name == "control").ok is True
    assert [text for text in analysis.advice if "idle" in text] == [
        "Nothing that the app did matched idle: see their seam and match, if that is a surprise."
    ]


@pytest.mark.parametrize(
    ("slo", "ok"),
    [
        ("p95<5s of GET /api/bookings", True),
        ("error_rate<1% of GET /api/booking", False),
        ("p95<5s in ramp", False),
    ],
)
def test_an_objective_without_requests_makes_the_run_invalid(make_evidence: MakeEvidence, slo: str, ok: bool) -> None:
    """A gate in CI on a misspelt path must not pass."""
    check = objectives.check(make_evidence(requests=200, slos=(slo,)))
    assert (check.ok, check.fatal) == (ok, True)
    assert ok or f"{slo} is not judged: no " in check.summary


def test_the_experiments_objectives_are_no_obstacle_to_a_run_of_chaos_alone(make_evidence: MakeEvidence) -> None:
    """They are of the fault-free stages, which it has not."""
    assert objectives.check(make_evidence(requests=200, stages=(("chaos", 1.0),))).ok is None


def test_events_without_an_end_are_counted(make_evidence: MakeEvidence) -> None:
    """Unknown is said, and not fatal."""
    evidence = make_evidence(requests=300)
    faults = evidence.tables.faults.assign(unknown=True)
    check = events.check(replace(evidence, tables=replace(evidence.tables, faults=faults)))
    assert (check.ok, check.fatal) == (False, False)
    assert check.summary.startswith(f"{len(faults)} of {len(faults)} fault events have no recorded end")


@pytest.mark.parametrize(("busy", "ok"), [(0, True), (1, False)])
def test_a_load_generator_without_spare_time_is_told(make_evidence: MakeEvidence, busy: int, ok: bool) -> None:
    """Above 90 % of a core it measures its own queue."""
    evidence = make_evidence(requests=600)
    load = evidence.tables.load.assign(cpu_percent=35.0 + 60.0 * busy)
    check = load_generator.check(replace(evidence, tables=replace(evidence.tables, load=load)))
    assert (check.ok, check.fatal) == (ok, False)
