"""Every benchmark, one after the other, and one table: `python -m benchmarks [NAME ...]`. Minutes, and not a test.

A benchmark is a module with `run()`, which returns rows: `name`, `value`, `unit`, where there are any the bounds `low`
and `high` of the value's 95 % interval, and `target`. A target is met when the upper bound is not above it.
"""

from __future__ import annotations

import importlib
import sys
from typing import Any

BENCHMARKS = ("middleware", "http_client", "recorder", "report_million")


def main(names: list[str]) -> int:
    """Run them and print; 1 where a target was missed."""
    unknown = set(names) - set(BENCHMARKS)
    if unknown:
        print(f"no benchmark {', '.join(sorted(unknown))}; there are {', '.join(BENCHMARKS)}", file=sys.stderr)
        return 2
    print(f"{'':44}{'value':>12}  {'95 % interval':<20}{'target':>12}  ok", flush=True)
    met = [_met(row) for name in names or BENCHMARKS for row in _rows(name)]
    return 1 if False in met else 0


def _rows(name: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = importlib.import_module(f"benchmarks.{name}").run()
    for row in rows:
        unit = row.get("unit", "µs")
        low, high, target = row.get("low"), row.get("high"), row.get("target")
        interval = "" if low is None or high is None else f"{low:.2f} to {high:.2f}"
        wanted = "" if target is None else f"{target:g} {unit}"
        ok = {True: "yes", False: "NO", None: ""}[_met(row)]
        print(f"{row['name']:44}{_value(row):>9.2f} {unit:<3} {interval:<20}{wanted:>12}  {ok}", flush=True)
    return rows


def _value(row: dict[str, Any]) -> float:
    return float(row["value"] if "value" in row else row["microseconds"])


def _met(row: dict[str, Any]) -> bool | None:
    """None where there is no target."""
    if row.get("target") is None:
        return None
    high = row.get("high")
    return bool((_value(row) if high is None else high) <= row["target"])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
