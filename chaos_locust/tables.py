"""Locust's own CSV files, complete: written by Locust's own code, and once more when the test has stopped.

Locust's `--csv` loses the last seconds of a run: nothing writes them at the end (7 to 9 % of the
requests of ten-second runs).
"""

from __future__ import annotations

import csv
import io
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from locust.stats import PERCENTILES_TO_REPORT, StatsCSVFileWriter

if TYPE_CHECKING:
    from collections.abc import Callable

    from locust.env import Environment
    from locust.stats import CSVWriter

_EVERY = 5.0


class Tables:
    """Writes `locust_stats.csv`, `locust_stats_history.csv`, `locust_failures.csv`, `locust_exceptions.csv` to a
    folder.
    """

    def __init__(self, environment: Environment, folder: Path) -> None:
        with tempfile.TemporaryDirectory() as scratch:  # the class opens its files when it is made; ours are others
            self._locust = StatsCSVFileWriter(environment, PERCENTILES_TO_REPORT, f"{scratch}/locust")
            self._locust.close_files()
        self._folder = folder
        self._history = io.StringIO()
        self._writer: CSVWriter = csv.writer(self._history)
        self._writer.writerow(self._locust.stats_history_csv_columns)
        self._written = 0.0

    def sample(self) -> None:
        """Add a row to the history; every few seconds, write the files."""
        now = time.time()
        self._locust._stats_history_data_rows(self._writer, now)  # no public name writes one row
        if now - self._written > _EVERY:
            self._written = now
            self.write()

    def write(self) -> None:
        """Write all four files as of now."""
        self._replace("stats_history", self._history.getvalue())
        for name, rows in (
            ("stats", self._locust.requests_csv),
            ("failures", self._locust.failures_csv),
            ("exceptions", self._locust.exceptions_csv),
        ):
            self._replace(name, _text(rows))

    def _replace(self, name: str, text: str) -> None:
        file = self._folder / f"locust_{name}.csv"
        scratch = file.with_suffix(".csv.tmp")
        scratch.write_text(text, encoding="utf-8", newline="")
        scratch.replace(file)


def _text(rows: Callable[[CSVWriter], None]) -> str:
    buffer = io.StringIO()
    rows(csv.writer(buffer))
    return buffer.getvalue()
