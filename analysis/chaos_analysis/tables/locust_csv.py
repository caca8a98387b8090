"""Locust's statistics, ours or anybody's: `PREFIX_stats.csv`, `_stats_history.csv`, `_failures.csv`, `_exceptions.csv`.

Percentiles in them are buckets of about two significant digits and mix failures with successes; the history counts up
and says `N/A` before there is data.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pandas as pd

from chaos_analysis.errors import CsvError

if TYPE_CHECKING:
    from pathlib import Path

_TEXTS = ("Type", "Name", "Method", "Error", "Message", "Traceback", "Nodes", "First Seen", "Last Seen")
STATS = ("Type", "Name", "Request Count", "Failure Count")
HISTORY = ("Timestamp", "User Count", "Name", "Total Request Count", "Total Failure Count")
FAILURES = ("Method", "Name", "Error", "Occurrences")
EXCEPTIONS = ("Count", "Message")
_PERCENTILE = re.compile(r"(\d+(?:\.\d+)?)%\Z")


def read(path: Path, columns: tuple[str, ...]) -> pd.DataFrame:
    """One CSV, its numbers as floats (NaN for `N/A`); rows cut short are dropped. Raises `CsvError`."""
    try:
        table = pd.read_csv(
            path, dtype=str, keep_default_na=False, encoding="utf-8", encoding_errors="replace", on_bad_lines="skip"
        )
    except FileNotFoundError:
        raise CsvError(f"{path}: no such file; expected what `locust --csv PREFIX` writes") from None
    except OSError as error:
        raise CsvError(f"{path}: cannot be read: {error.strerror}") from None
    except pd.errors.EmptyDataError:
        raise CsvError(f"{path}: empty; expected Locust's header line and rows") from None
    except (pd.errors.ParserError, ValueError):
        raise CsvError(f"{path}: not a CSV that Locust wrote") from None
    missing = [name for name in columns if name not in table.columns]
    if missing:
        raise CsvError(f"{path}: lacks the column {missing[0]!r}; expected a CSV that Locust 2 wrote")
    for name in table.columns.difference(list(_TEXTS)):
        table[name] = pd.to_numeric(table[name], errors="coerce")
    table[[name for name in _TEXTS if name in table]] = table[[name for name in _TEXTS if name in table]].fillna("")
    counts = [name for name in columns if name not in _TEXTS and name != "User Count"]
    return table.dropna(subset=counts, how="any").reset_index(drop=True)


def without_rows(columns: tuple[str, ...]) -> pd.DataFrame:
    """What `read` gives for a file that has a header only."""
    return pd.DataFrame({name: pd.Series(dtype=object if name in _TEXTS else "float64") for name in columns})


def percentiles(table: pd.DataFrame) -> dict[float, str]:
    """The percentile columns: probability to column name."""
    found = ((_PERCENTILE.match(str(name)), str(name)) for name in table.columns)
    return {float(match[1]) / 100: name for match, name in found if match}


def endpoint(kind: str, name: str) -> str:
    """`GET /path` from Locust's type and name."""
    return f"{kind} {name}".strip()


def history(path: Path) -> pd.DataFrame:
    """The Aggregated rows of `_stats_history.csv` in order of time; p50 and p95 are NaN where Locust left them out."""
    table = read(path, HISTORY)
    table = table[table["Name"] == "Aggregated"].sort_values("Timestamp").reset_index(drop=True)
    return table.assign(**{name: float("nan") for name in ("50%", "95%") if name not in table})


def totals(path: Path) -> pd.DataFrame:
    """Requests and failures by endpoint from `_stats.csv`."""
    table = read(path, STATS)
    table = table[table["Name"] != "Aggregated"]
    names = [endpoint(kind, name) for kind, name in zip(table["Type"], table["Name"], strict=True)]
    return pd.DataFrame(
        {
            "source": pd.Series(["locust"] * len(names), dtype=object),
            "endpoint": pd.Series(names, dtype=object),
            "requests": table["Request Count"].astype("int64").to_numpy(),
            "failures": table["Failure Count"].astype("int64").to_numpy(),
        }
    )
