"""Somebody's plain Locust CSVs; `real_*.csv` were written by Locust 2.47 against a small server."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from chaos_analysis import AnalysisError, analyse_locust_csv
from tests.chaos_analysis.locust_csv_files import write_locust_csv

if TYPE_CHECKING:
    from chaos_analysis import Analysis

REAL = Path(__file__).with_name("real")


def test_real_files_are_read_and_reported(tmp_path: Path) -> None:
    """Failures with their message, the user classes' exceptions with their line, and a report."""
    analysis = analyse_locust_csv(str(REAL), tmp_path)
    found = {one.id: one for one in analysis.patterns}
    assert found["error_rate:GET /bad"].failures == 41
    assert "500 Server Error" in found["error_rate:GET /bad"].facts[0][0]
    (exception,) = (one for one in analysis.patterns if one.finder == "exceptions")
    assert "49 times" in exception.title
    assert exception.facts == (("where", 'File "/home/ada/lf.py", line 9, in c'),)
    assert {one.evidence for one in analysis.patterns} == {"observed"}
    assert (analysis.source, analysis.exit_code) == ("locust-csv", 0)
    assert analysis.unknowable
    assert (tmp_path / "chaos-test-report.md").stat().st_size > 0


def test_percentiles_are_locusts_buckets_without_interval(tmp_path: Path) -> None:
    """No interval is made up for a bucket."""
    (row,) = (one for one in analyse_locust_csv(str(REAL), tmp_path).endpoints if one.endpoint == "GET /slow")
    assert (row.p95.value, row.p95.low, row.p95.high) == (130.0, None, None)
    assert row.success_rate.low is not None


def _made(tmp_path: Path, ok: list[float], bad: list[float]) -> str:
    write_locust_csv(tmp_path / "made", {"GET /x": [ok, bad]}, {("GET", "/x", "boom"): len(bad)} if bad else {}, 5)
    return str(tmp_path / "made")


def _analysis(prefix: str, tmp_path: Path) -> Analysis:
    return analyse_locust_csv(prefix, tmp_path / "out")


def test_a_long_tail_is_found(tmp_path: Path) -> None:
    """p99 far above the median; a short run cannot tell and does not."""
    values = [10.0] * 980 + [900.0] * 20
    (tail,) = _analysis(_made(tmp_path, values, []), tmp_path).patterns
    assert tail.title == "GET /x has a long tail: p99 is 90 times the median"
    assert _analysis(_made(tmp_path, [10.0] * 95 + [900.0] * 5, []), tmp_path).patterns == ()


def test_statistics_without_trouble_have_no_finding(tmp_path: Path) -> None:
    """Nothing is made of nothing."""
    analysis = _analysis(_made(tmp_path, [10.0] * 1000, []), tmp_path)
    assert analysis.patterns == ()
    assert "nothing in them stands out" in analysis.headline


def _with_history(tmp_path: Path, rows: list[tuple[int, int, float]]) -> str:
    """Statistics with a history of (requests, failures, average) at each second."""
    prefix = _made(tmp_path, [10.0] * (rows[-1][0] - rows[-1][1]), [10.0] * rows[-1][1])
    head = "Timestamp,User Count,Type,Name,Total Request Count,Total Failure Count,Total Average Response Time\n"
    lines = (f"{second},5,,Aggregated,{n},{bad},{mean}\n" for second, (n, bad, mean) in enumerate(rows))
    Path(f"{prefix}_stats_history.csv").write_text(head + "".join(lines))
    return prefix


def test_what_gets_worse_with_time_is_found(tmp_path: Path) -> None:
    """From differences of the running totals: failures and averages of the last third against the first."""
    rows = [(100 * s, max(0, 20 * (s - 6)), 10.0 if s < 6 else 10.0 + 15 * (s - 6)) for s in range(13)]
    found = {one.id: one.title for one in _analysis(_with_history(tmp_path, rows), tmp_path).patterns}
    assert found["error_rate:over time"].startswith("Failures rose from 0 % in the first third of the run to 20 %")
    assert found["tail_latency:over time"].startswith("Answers slowed down from 10 ms on average")


def test_a_small_rise_explains_no_more_than_the_rise(tmp_path: Path) -> None:
    """From 20 to 28 %: the failures that were there before are not put down to it, and it is not critical."""
    rows = [(100 * s, 20 * s + 8 * max(0, s - 8), 10.0) for s in range(13)]
    found = {one.id: one for one in _analysis(_with_history(tmp_path, rows), tmp_path).patterns}
    one = found["error_rate:over time"]
    assert (one.severity, one.failures) == ("medium", 32)


def test_a_steady_run_does_not_get_worse(tmp_path: Path) -> None:
    """Five percent from start to end is no trend."""
    rows = [(100 * s, 5 * s, 10.0) for s in range(13)]
    found = {one.id for one in _analysis(_with_history(tmp_path, rows), tmp_path).patterns}
    assert found == {"error_rate:GET /x"}


def test_a_missing_tail_is_told(tmp_path: Path) -> None:
    """Locust's CSVs of a local run lack their last seconds: the share is said where the files disagree."""
    prefix = _with_history(tmp_path, [(100 * s, 0, 10.0) for s in range(11)])
    _made(tmp_path, [10.0] * 930, [])
    shutil.copy(f"{prefix}_stats.csv", tmp_path / "kept")
    _with_history(tmp_path, [(100 * s, 0, 10.0) for s in range(11)])
    shutil.copy(tmp_path / "kept", f"{prefix}_stats.csv")
    (tail,) = (check for check in _analysis(prefix, tmp_path).checks if check.name == "tail")
    assert tail.ok is False
    assert tail.summary == (
        "statistics have 930 requests, the history ends at 1,000: at least 7 % are missing from one of them"
    )


def test_companions_may_be_missing(tmp_path: Path) -> None:
    """The statistics alone are enough; what is not there is a gap."""
    shutil.copy(f"{REAL}_stats.csv", tmp_path / "x_stats.csv")
    analysis = _analysis(str(tmp_path / "x"), tmp_path)
    assert {one.id for one in analysis.patterns} == {"error_rate:GET /bad"}
    assert len(analysis.tables.gaps) == 3


@pytest.mark.parametrize(
    "content", [None, b"", b"\xff\xfe\x00", b"a,b\n1,2\n"], ids=["missing", "empty", "binary", "else"]
)
def test_an_unusable_file_is_one_sentence(tmp_path: Path, content: bytes | None) -> None:
    """It names the file and says what was expected."""
    if content is not None:
        (tmp_path / "x_stats.csv").write_bytes(content)
    with pytest.raises(AnalysisError, match=r"x_stats\.csv: .*; expected"):
        _analysis(str(tmp_path / "x"), tmp_path)


def test_statistics_cut_short_in_their_first_row_hold_nothing(tmp_path: Path) -> None:
    """No request, so an invalid analysis, and no traceback."""
    head = Path(f"{REAL}_stats.csv").read_bytes().splitlines(keepends=True)[0]
    (tmp_path / "x_stats.csv").write_bytes(head + b"GET,/b")
    analysis = _analysis(str(tmp_path / "x"), tmp_path)
    assert (analysis.verdict, analysis.exit_code) == ("invalid", 3)
    assert analysis.headline == "These statistics hold no request."
