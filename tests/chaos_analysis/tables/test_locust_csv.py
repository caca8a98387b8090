"""Locust's CSVs: numbers where there are numbers, one sentence where the file is no such CSV."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from chaos_analysis.errors import CsvError
from chaos_analysis.tables import locust_csv

if TYPE_CHECKING:
    from pathlib import Path


def test_history_has_the_aggregated_rows_in_order(tmp_path: Path) -> None:
    """Rows of single endpoints (full history) are left out, and N/A is no number."""
    file = tmp_path / "x_stats_history.csv"
    file.write_text(
        "Timestamp,User Count,Type,Name,50%,Total Request Count,Total Failure Count\n"
        "2,1,,Aggregated,7,20,1\n1,1,GET,/x,5,10,0\n1,1,,Aggregated,N/A,10,0\n"
    )
    table = locust_csv.history(file)
    assert table["Total Request Count"].tolist() == [10, 20]
    assert table["50%"].isna().tolist() == [True, False]


def test_a_row_cut_short_is_dropped(tmp_path: Path) -> None:
    """A row without its counts says nothing."""
    file = tmp_path / "x_stats.csv"
    file.write_text("Type,Name,Request Count,Failure Count\nGET,/a,10,1\nGET,/b,1")
    assert locust_csv.totals(file)["endpoint"].tolist() == ["GET /a"]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "no such file"),
        (b"", "empty"),
        (b"Type,Name\nGET,/x\n", "lacks the column 'Request Count'"),
        (b"\xff\xfe\x00\x01", "lacks the column 'Type'"),
    ],
    ids=["missing", "empty", "columns", "binary"],
)
def test_an_unusable_file_is_refused_in_one_sentence(tmp_path: Path, content: bytes | None, said: str) -> None:
    """The sentence names the file, what is wrong and what was expected."""
    file = tmp_path / "x_stats.csv"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(CsvError, match=rf"x_stats\.csv: {said}"):
        locust_csv.read(file, locust_csv.STATS)


def test_names_that_are_not_utf_8_are_kept_as_far_as_they_can_be(tmp_path: Path) -> None:
    """A bad byte in a name costs that byte, not the row."""
    file = tmp_path / "x_stats.csv"
    file.write_bytes(b"Type,Name,Request Count,Failure Count\nGET,/caf\xe9,10,1\n")
    assert locust_csv.totals(file)["endpoint"].tolist() == ["GET /caf\N{REPLACEMENT CHARACTER}"]
