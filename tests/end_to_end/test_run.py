"""`chaos-test run` from start to report, on a tiny shop."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import Draft202012Validator

import chaos_analysis
from chaos_analysis.rundir import open_run

if TYPE_CHECKING:
    from subprocess import CompletedProcess

    from conftest import Command

SCHEMAS = Path(chaos_analysis.__file__).parent / "schemas"
LOCUSTFILE = """
from locust import HttpUser, task

class Buyer(HttpUser):
    @task
    def look(self):
        self.client.get("/items")
"""


@pytest.fixture(scope="module")
def finished(shop_run: tuple[Command, CompletedProcess[str]]) -> Command:
    """The shared run's folder."""
    return shop_run[0]


def test_it_ends_well_and_says_where_the_report_is(shop_run: tuple[Command, CompletedProcess[str]]) -> None:
    """Baseline and recovery hold the objective, so the exit code is 0; the last line names the report."""
    command, done = shop_run
    assert done.returncode == 0, done.stdout + done.stderr
    last = done.stdout.splitlines()[-1]
    assert last == f"Report: {command.run_dir.relative_to(command.cwd)}/chaos-test-report.html"
    assert (command.cwd / last.removeprefix("Report: ")).is_file()


def test_progress_is_plain_lines_outside_a_terminal(shop_run: tuple[Command, CompletedProcess[str]]) -> None:
    """Time, stage, requests of how many, rate, failures, faults, users; and no control characters."""
    out = shop_run[1].stdout
    assert re.search(
        r"\d s  chaos: [\d,]+/600 requests, \d+ requests/s, \d+ failures, \d+ faults fired, \d+ users", out
    )
    assert "\x1b" not in out


def test_the_folder_has_every_artefact(finished: Command) -> None:
    """What docs/formats.md promises is there."""
    for name in (
        *("run.json", "chaos-config.json", "load-results.json", "failure-patterns.json", "fix-proposals.json"),
        "outcomes.json",
        *("locust_stats.csv", "locust_stats_history.csv", "locust_failures.csv", "locust_exceptions.csv"),
        *("chaos-test-report.md", "chaos-test-report.html", "app.log", "locust.log", "service-stock.log"),
    ):
        assert (finished.run_dir / name).is_file(), name


def test_what_processes_hand_to_each_other_follows_the_schemas(finished: Command) -> None:
    """Each record of the app and of the load generator, as docs/formats.md promises others."""
    run = open_run(finished.run_dir)
    for name, parts in (("ledger", run.ledger_parts), ("requests", run.client_parts)):
        schema = Draft202012Validator(json.loads((SCHEMAS / f"{name}.schema.json").read_text()))
        records = [json.loads(line) for part in parts for line in part.open()]
        assert records
        assert [(record, error.message) for record in records for error in schema.iter_errors(record)] == []


def test_run_json_says_what_was_run(finished: Command) -> None:
    """Its plan, its end, and the times of its stages."""
    run = finished.json("run.json")
    assert (run["ended_by"], run["seed"], run["load"]["requests"]) == ("requests", 5, 600)
    assert [stage["name"] for stage in run["stages"]] == ["baseline", "chaos", "recovery"]
    assert run["app"]["target"] == "shop:create_app()"
    assert run["app"]["server"]
    assert run["created"] < run["stages"][0]["started"] < run["stages"][-1]["ended"] < run["finished"]


def test_all_planned_requests_were_recorded(finished: Command) -> None:
    """600 were asked for, and there are 600 rows."""
    assert len(finished.rows()) == 600


def test_the_app_and_its_injection_points_are_kept(finished: Command) -> None:
    """The source that a call site names, and the call that was reached, with its line."""
    kept = (finished.run_dir / "sources" / "shop.py").read_text()
    line = next(number for number, text in enumerate(kept.splitlines(), 1) if "urlopen(" in text)
    sites = {point["site"] for point in finished.json("chaos-config.json")["reached"] if point["seam"] == "http_client"}
    assert {site.rpartition("/")[2] for site in sites} == {f"shop.py:{line}"}


def test_the_call_without_a_timeout_is_named_by_its_line(finished: Command) -> None:
    """A pattern has the file and the line of the shop's only outbound call."""
    lines = (finished.run_dir / "sources" / "shop.py").read_text().splitlines()
    sites = [pattern["site"] for pattern in finished.json("failure-patterns.json")["patterns"] if pattern["site"]]
    assert any(site["file"] == "shop.py" and "urlopen(" in lines[site["line"] - 1] for site in sites)


def test_nothing_is_left_running(finished: Command) -> None:
    """App, workers, service, Locust, reaper: all gone."""
    assert finished.left() == []


def test_the_report_can_be_rebuilt(finished: Command) -> None:
    """From the folder alone, with the same figures and the same exit code."""
    before: dict[str, Any] = finished.json("load-results.json")
    (finished.run_dir / "load-results.json").unlink()
    (finished.run_dir / "chaos-test-report.md").unlink()
    assert finished.run("report").returncode == 0
    assert finished.json("load-results.json") == before
    assert (finished.run_dir / "chaos-test-report.md").is_file()


def test_the_same_seed_meets_the_same_faults_with_other_workers(
    finished: Command, command: Command, shop: Path
) -> None:
    """Three workers instead of one, and a locust of two processes does not come into it: the same ids, exactly."""
    assert command.run("run", "--app-dir", str(shop), "--requests", "600", "--workers", "3").returncode == 0
    assert faults(command) == faults(finished)


def test_a_plain_locustfile_and_two_processes(command: Command, shop: Path) -> None:
    """A locustfile that knows nothing of us is stamped and recorded, over several Locust processes too."""
    (command.cwd / "buyers.py").write_text(LOCUSTFILE)
    words = ("--requests", "200", "--users", "4", "--processes", "2", "--locustfile", "buyers.py")
    done = command.run("run", "--app-dir", str(shop), *words)
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(command.rows()) == 200
    assert faults(command)


def faults(command: Command) -> set[str]:
    """The ids of all fault events of a run."""
    records = [json.loads(line) for file in command.run_dir.glob("faults/*.jsonl") for line in file.open()]
    return {record["id"] for record in records if record["kind"] == "fault"}


def test_an_injector_that_loses_faults_makes_the_run_invalid(command: Command, shop: Path) -> None:
    """Delivered must equal declared: exit 3, and the report says what is wrong before anything else."""
    done = command.run("run", "lossy:create_app()", "--app-dir", str(shop), "--requests", "600", "--workers", "1")
    assert done.returncode == 3, done.stdout + done.stderr
    assert "This run is invalid" in done.stdout
    assert "dropped without reason" in done.stdout
