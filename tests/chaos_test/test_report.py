"""`chaos-test report` on what people have: whole folders, broken ones, and plain Locust CSVs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from chaos_test.__main__ import main

if TYPE_CHECKING:
    from pathlib import Path

HEADER = (
    "Type,Name,Request Count,Failure Count,Median Response Time,Average Response Time,Min Response Time,"
    "Max Response Time,Average Content Size,Requests/s,Failures/s,50%,66%,75%,80%,90%,95%,98%,99%,99.9%,99.99%,100%\n"
)
ROW = "GET,/items,200,20,10,12.5,1.0,90.0,100.0,20.0,2.0,10,12,14,16,30,50,70,80,90,90,90\n"
TOTAL = ROW.replace("GET,/items", ",Aggregated")


@pytest.fixture
def prefix(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Statistics as `locust --csv load` wrote them, in the current folder."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "load_stats.csv").write_text(HEADER + ROW + TOTAL)
    return "load"


def test_plain_locust_statistics_are_explained(prefix: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Patterns in words, what cannot be known, and a report in PREFIX-report."""
    assert main(["report", "--locust-csv", prefix]) == 0
    said = capsys.readouterr().out
    assert "GET /items fails 10 % of its requests (20 of 200)" in said
    assert "? not in these files: intervals of the latencies" in said
    assert said.splitlines()[-1] == "Report: load-report/chaos-test-report.html"
    assert (tmp_path / "load-report" / "failure-patterns.json").is_file()


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "load_stats.csv: empty"),
        (b"Type,Name\nGET,\xff\xfe\n", "load_stats.csv: lacks the column"),
    ],
    ids=["empty", "not UTF-8"],
)
def test_statistics_that_cannot_be_read_are_one_sentence(
    prefix: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], content: bytes, why: str
) -> None:
    """The file is named; exit code 2."""
    (tmp_path / "load_stats.csv").write_bytes(content)
    assert main(["report", "--locust-csv", prefix]) == 2
    said = capsys.readouterr()
    assert said.err.startswith(f"chaos-test: {why}")
    assert (said.err.count("\n"), said.out) == (1, "")


def test_statistics_without_a_row_are_no_data(prefix: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A header alone is a run that recorded nothing: exit code 3."""
    (tmp_path / "load_stats.csv").write_text(HEADER)
    assert main(["report", "--locust-csv", prefix]) == 3
    assert "invalid: These statistics hold no request." in capsys.readouterr().out


def test_missing_statistics_are_one_sentence(prefix: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A prefix of nothing names the file that was looked for."""
    assert main(["report", "--locust-csv", "nothing"]) == 2
    assert capsys.readouterr().err.startswith("chaos-test: nothing_stats.csv: no such file")


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("somewhere", "--locust-csv", "load"), "give a run folder or --locust-csv PREFIX, not both"),
        (("--out", "x"), "--out goes with --locust-csv"),
        ((), "reports: there is no run folder yet"),
    ],
)
def test_words_that_do_not_go_together(
    prefix: str, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], why: str
) -> None:
    """One sentence each."""
    assert main(["report", *words]) == 2
    assert capsys.readouterr().err.startswith(f"chaos-test: {why}")


def test_a_run_that_was_killed_before_anything_happened_is_reported(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """No rows, no ledger, half a run.json: exit code 3, and the report says that there is nothing to judge."""
    run_dir = tmp_path / "20260101T000000Z-aaaa"
    (run_dir / "requests").mkdir(parents=True)
    (run_dir / "run.json").write_text('{"version": 1, "id": "2026')
    assert main(["report", str(run_dir)]) == 3
    assert capsys.readouterr().out.strip().startswith("invalid: ")
    assert (run_dir / "chaos-test-report.md").is_file()


def test_an_unfinished_run_json_without_an_app_is_left_to_the_analysis(tmp_path: Path) -> None:
    """Somebody's own run.json is not completed, and not a crash."""
    run_dir = tmp_path / "run"
    run_dir.mkdir()
    (run_dir / "run.json").write_text(json.dumps({"version": 1, "finished": None}))
    assert main(["report", str(run_dir)]) == 3
