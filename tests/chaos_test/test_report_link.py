"""What the web UI's link to the report shows."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from chaos_test.report_link import page

if TYPE_CHECKING:
    from pathlib import Path


def test_it_waits_for_the_report_of_the_test_stopped_last(tmp_path: Path) -> None:
    """Before a test, while its report is written, then the report; an older test's report is not taken for it."""
    assert "There will be a report" in page(tmp_path)
    for number in (1, 2):
        folder = tmp_path / f"test-{number}"
        folder.mkdir()
        (folder / "test-finished.json").touch()
        os.utime(folder / "test-finished.json", (number, number))
        assert f"The report of test-{number} is being written" in page(tmp_path)
        (folder / "chaos-test-report.html").write_text(f"report {number}")
        assert page(tmp_path) == f"report {number}"
