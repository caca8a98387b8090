"""A run folder's files as tables: `build(run_dir)`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pandas as pd

from chaos_analysis.beside import beside
from chaos_analysis.errors import CsvError
from chaos_analysis.model import Tables
from chaos_analysis.rundir import RunDir
from chaos_analysis.tables import aftermath, invariants, join, ledger, locust_csv, requests
from chaos_analysis.tables._frames import Columns
from chaos_analysis.tables.reached import Part, resolve, scan

_SHAPES = {"status": "int", "shape": "object", "paths": "object"}
_RAISED = {"line": "int", "at": "float"}
_EXCEPTIONS = ("iteration", "stage", "class", "text", "file")
_LARGE = 1 << 24  # bytes of requests from which a second core is worth its while


def build(run: RunDir) -> Tables:
    """Read everything that is there; what is not, or not whole, is an empty table and a gap."""
    large = sum(part.stat().st_size for part in run.client_parts) >= _LARGE
    with beside(lambda: _but_the_ledger(run), worthwhile=large) as reading:
        book = ledger.read(run.ledger_parts, run.app_dir)
        client, scanned = reading()
    points = resolve(scanned, book.plans)
    gaps = [*run.gaps, *client.gaps, *book.gaps, *points.gaps]
    if not run.client_parts:
        gaps.append("requests/ has no part: the load generator recorded nothing")
    if not run.ledger_parts:
        gaps.append("faults/ has no part: no process of the app wrote a ledger")
    load, _ = requests.read_objects(
        run.path / "requests/load.jsonl",
        dict.fromkeys(("t", "users", "cpu_percent", "requests", "failures"), "float"),
        ("part", "stage"),
    )
    resources, _ = requests.read_objects(
        run.path / "resources.jsonl",
        {**dict.fromkeys(("t", "pid", "rss", "descriptors", "threads"), "float"), "connections": "object"},
        ("when",),
    )
    neighbours, _ = requests.read_objects(
        run.path / "neighbours.jsonl",
        dict.fromkeys(("t", "seconds", "cores", "run", "others", "late"), "float"),
        (),
    )
    history, totals = _locust(run, gaps)
    stated, unread = invariants.read(run.path / "invariants.jsonl")
    gaps += unread
    shapes = [requests.read_objects(path, _SHAPES, ("method", "name"))[0] for path in run.shape_parts]
    raised = [requests.read_objects(path, _RAISED, _EXCEPTIONS)[0] for path in run.exception_parts]
    rows = join.rows_with_faults(client.rows, book.faults)
    return Tables(
        requests=aftermath.told(rows, book.faults, book.calls, book.answers),
        faults=book.faults,
        calls=book.calls,
        answers=book.answers,
        reached=points.table,
        suppressed=book.suppressed,
        history=history,
        load=load,
        stages=_stages(run, client.rows),
        gaps=tuple(gaps),
        totals=pd.concat([client.totals, totals], ignore_index=True),
        parts=pd.concat([client.parts, book.parts, points.parts], ignore_index=True),
        notes=book.notes,
        invariants=stated,
        resources=resources,
        neighbours=neighbours,
        shapes=pd.concat(shapes, ignore_index=True)
        if shapes
        else Columns(("method", "name", *_SHAPES), _SHAPES).frame(),
        exceptions=pd.concat(raised).sort_values("at", ignore_index=True)
        if raised
        else Columns((*_EXCEPTIONS, *_RAISED), _RAISED).frame(),
    )


def _but_the_ledger(run: RunDir) -> tuple[requests.ClientParts, tuple[Part, ...]]:
    return requests.read(run.client_parts), scan(run.reached_parts)


def empty() -> Tables:
    """Tables without a row, for an analysis that has no run folder."""
    return replace(build(RunDir(Path("/nonexistent"), {}, {})), gaps=())


def _locust(run: RunDir, gaps: list[str]) -> tuple[pd.DataFrame, pd.DataFrame]:
    history = locust_csv.without_rows(locust_csv.HISTORY)
    totals = pd.DataFrame({name: pd.Series(dtype=object) for name in ("source", "endpoint", "requests", "failures")})
    try:
        history = locust_csv.history(run.path / "locust_stats_history.csv")
    except CsvError as error:
        gaps.append(str(error))
    try:
        totals = locust_csv.totals(run.path / "locust_stats.csv")
    except CsvError as error:
        gaps.append(str(error))
    return history, totals


def _stages(run: RunDir, rows: pd.DataFrame) -> pd.DataFrame:
    """The stages with their times: as the run says, else as the recorder noted them, else as the requests have them."""
    names = ["name", "started", "ended"]
    told = run.run.get("stages")
    if isinstance(told, list) and told and all(isinstance(stage, dict) for stage in told):
        table = pd.DataFrame([[stage.get(name) for name in names] for stage in told], columns=names)
    else:
        noted, _ = requests.read_objects(
            run.path / "requests/stages.jsonl", {"started": "float", "ended": "float"}, ("stage",)
        )
        if noted.empty:
            noted = rows[["stage", "started"]].assign(ended=rows["started"] + rows["response_ms"] / 1000)
        grouped = noted.groupby("stage", sort=False).agg(started=("started", "min"), ended=("ended", "max"))
        table = grouped.reset_index().rename(columns={"stage": "name"}).sort_values("started", ignore_index=True)
    table[["started", "ended"]] = table[["started", "ended"]].astype("float64")
    return table
