"""Every benchmark, one after the other, and one table: `python -m benchmarks [NAME ...]`. Minutes, and not a test.

A benchmark is a module with `run()`, which returns rows: `name`, `value` and `unit` (or `microseconds`, or `ratio`),
where there are any the bounds `low` and `high` of the 95 % interval, and `target` in the same unit. A target is met
when the upper bound is not above it.
"""

from __future__ import annotations

import importlib
import sys
from typing import Any

BENCHMARKS = (
    "middleware",
    "http_client",
    "database",
    "cache",
    "network",
    "recorder",
    "report_million",
    "fixes",
    "harmful",
    "aa",
)


def main(names: list[str]) -> int:
    """Run them and print; 1 where a target was missed."""
    unknown = set(names) - set(BENCHMARKS)
    if unknown:
        print(f"no benchmark {', '.join(sorted(unknown))}; there are {', '.join(BENCHMARKS)}", file=sys.stderr)
        return 2
    print(f"{'':44}{'value':>12}  {'95 % interval':<20}{'target':>12}  ok", flush=True)
    missed = False
    for name in names or BENCHMARKS:
        rows = importlib.import_module(f"benchmarks.{name}").run()
        _print(rows)
        missed = missed or False in map(_met, rows)
    return int(missed)


def _print(rows: list[dict[str, Any]]) -> None:
    for row in rows:
        value, unit, scale = _measure(row)
        bounds = [row[bound] * scale for bound in ("low", "high") if row.get(bound) is not None]
        interval = " to ".join(f"{bound:.2f}" for bound in bounds)
        target = "" if row.get("target") is None else f"{row['target'] * scale:g} {unit}"
        ok = {True: "yes", False: "NO", None: ""}[_met(row)]
        print(f"{row['name']:44}{value * scale:>9.2f} {unit:<3} {interval:<20}{target:>12}  {ok}", flush=True)


def _measure(row: dict[str, Any]) -> tuple[float, str, int]:
    """A row's value, its unit for people, and what to multiply it by for that."""
    if "ratio" in row:
        return float(row["ratio"]), "%", 100
    if "microseconds" in row:
        return float(row["microseconds"]), "µs", 1
    return float(row["value"]), str(row["unit"]), 1


def _met(row: dict[str, Any]) -> bool | None:
    """None where there is no target."""
    if row.get("target") is None:
        return None
    high = row.get("high")
    return bool((_measure(row)[0] if high is None else high) <= row["target"])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
