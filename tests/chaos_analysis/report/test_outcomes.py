"""The report's table of what the app did with each fault."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from chaos_analysis import analyse
from chaos_analysis.outcomes.results import Outcomes
from chaos_analysis.outcomes.sites import Share, SiteOutcomes
from chaos_analysis.report import outcomes
from chaos_analysis.stats import proportion
from tests.chaos_analysis.outcomes.folder import FARES, Folder
from tests.chaos_analysis.report import sample

if TYPE_CHECKING:
    from pathlib import Path

SECTION = "\n## What the App Did with Each Fault\n"
PAY = {"site": ("pay.py", 5, "pay"), "target": "POST pay/payments?card=1"}


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    """Fares that are retried, delayed or fatal, payments that are survived, an exception at the edge."""
    made = Folder(tmp_path)
    made.quiet(40)
    for _ in range(8):
        made.request().met("down").end(500, left="ConnectionError", frame=FARES)
        made.request().met("slow", "latency", error=None, seconds=2.0).end(ms=2020.0)
        made.request().met("pay", **PAY).call(target=PAY["target"], site=PAY["site"]).end()
    story = made.request()
    story.fault("edge", "exception", seam="wsgi")
    story.end(500)
    return made


def _section(folder: Folder) -> list[str]:
    folder.evidence()
    analyse(folder.path)
    text = (folder.path / "chaos-test-report.md").read_text()
    return text.partition(SECTION)[2].partition("\n## ")[0].splitlines()


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_each_fault_at_each_call_site_is_a_row_worst_first_edge_last(folder: Folder) -> None:
    """With what came of its events, counts and intervals."""
    lines = _section(folder)
    table = [_cells(line) for line in lines if line.startswith("| ")]
    assert table[0] == ["Call", "Fault", "Events", "What came of them", "Calls made", "Injected", "Added"]
    assert table[2] == [
        *("`GET api/fares` at `fares.py:10` in `quote`", "`connection_reset`", "8", "**propagated** 8 (63.1-100 %)"),
        *("1", "\\-", "\\~"),
    ]
    where = {(row[0].partition(" at ")[0], row[1]): row for row in table[2:]}
    assert where["`GET api/fares`", "`latency`"][3:] == ["**handled** 8 (63.1-100 %)", "1", "2 s", "2 s"]
    assert where["`POST pay/payments`", "`connection_reset`"][3] == "**retried** 8 (63.1-100 %)"
    assert table[-1][:3] == ["at the edge", "`exception`", "1"]


def test_the_words_are_explained_where_they_occur(folder: Folder) -> None:
    """Those and no others."""
    legend = next(line for line in _section(folder) if line.startswith("*handled*"))
    assert "*retried*: the call was made again" in legend
    assert "*hung*" not in legend


def test_what_later_requests_suffer_is_told_below(folder: Folder) -> None:
    """With both rates and an example."""
    folder.quiet(20, stage="chaos", status=500, left="PendingRollbackError", frame=FARES)
    (remark,) = [line for line in _section(folder) if line.startswith("- ")]
    assert "Requests without a fault failed at `http_client api` after faults there: 100 %" in remark
    assert "of 40 before any fault: `PendingRollbackError`" in remark


def test_what_only_the_model_shows_is_told_below(folder: Folder) -> None:
    """A fault that never came alone."""
    folder.quiet(40, stage="chaos")
    for rule in ("slow", "pay"):
        for _ in range(20):
            story = folder.request("chaos").met("hidden", site=("x.py", 1, "x"), target="GET x/y")
            story.met(rule, **(PAY if rule == "pay" else {"error": None, "fault": "latency"})).end(503)
    remarks = [line for line in _section(folder) if line.startswith("- Where requests met several")]
    assert len(remarks) == 1
    assert "failures of `GET /trip` to `hidden`" in remarks[0]


def test_a_run_without_faults_says_so(tmp_path: Path) -> None:
    """The section stays, for those who look for it."""
    made = Folder(tmp_path)
    made.quiet()
    assert "No fault was met." in _section(made)


def test_of_very_many_rows_the_worst_are_shown() -> None:
    """The rest is counted."""
    half = proportion(1, 2)
    one = SiteOutcomes(
        *("f.py:f http_client GET x", "http_client", "GET x", None, "latency", ("slow",), ("GET /",), 2, 2),
        *((Share("hung", 1, half), Share("handled", 1, half)), None, None, None),
    )
    many = Outcomes(sites=(one,) * (outcomes.MOST + 5))
    assert str(outcomes.sites(many)).count("\n") == outcomes.MOST + 1
    assert outcomes.more(many) == 5


def test_events_stand_in_the_artefact(folder: Folder) -> None:
    """One row an event, so that every count can be traced."""
    _section(folder)
    told = json.loads((folder.path / "outcomes.json").read_text())
    assert told["events"]["total"] == len(told["events"]["rows"]) == 25
    row = dict(zip(told["events"]["columns"], told["events"]["rows"][0], strict=True))
    assert (row["outcome"], row["tier"], row["frame"]) == ("propagated", "direct", "fares.py:10 quote")


def test_plain_locust_statistics_have_no_outcomes() -> None:
    """Whether there were faults is not in such files."""
    assert sample.csv_analysis().outcomes is None
