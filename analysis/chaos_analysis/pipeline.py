"""From files to files: a run folder, or somebody's plain Locust CSVs, to an `Analysis` and what is written from it."""

from __future__ import annotations

import gc
from contextlib import contextmanager
from typing import TYPE_CHECKING

from chaos_analysis import artefacts, fixes, patterns, plots, report, tables, verdict
from chaos_analysis.checks import check_all
from chaos_analysis.evidence import Evidence, read_experiment
from chaos_analysis.model import Analysis
from chaos_analysis.outcomes.results import Outcomes
from chaos_analysis.plain_csv import read_plain
from chaos_analysis.rundir import open_run
from chaos_analysis.sources import Sources
from chaos_analysis.stats.endpoints import endpoint_stats

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from chaos_analysis.rundir import RunDir


def from_run_folder(run_dir: Path, *, write: bool) -> Analysis:
    """See `chaos_analysis.analyse`."""
    run = open_run(run_dir)
    with _collector_paused():
        analysis = _analyse(run)
        if write:
            _write(analysis, run.path)
    return analysis


def from_locust_csv(prefix: str, out: Path) -> Analysis:
    """See `chaos_analysis.analyse_locust_csv`."""
    analysis = read_plain(prefix)
    _write(analysis, out)
    return analysis


@contextmanager
def _collector_paused() -> Iterator[None]:
    """A large run is millions of small objects and no cycles: the collector's passes over them find nothing.

    What is still alive at the end is exempted from later passes too, the one at exit among them.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if enabled:
            gc.enable()


def _analyse(run: RunDir) -> Analysis:
    read = tables.build(run)
    experiment, _ = read_experiment(run.experiment)
    evidence = Evidence(read, experiment, run.run)
    checks = check_all(evidence)
    found = patterns.find_all(evidence)
    rules = experiment.rules if experiment else ()
    lasting = [rule.name for rule in rules if rule.persistence == "request"]
    proposals = fixes.propose(found, read, Sources(run.path / "sources"), run.run, lasting)
    outcome = verdict.verdict(checks, evidence.judged)
    return Analysis(
        source="run",
        run=run.run,
        experiment=run.experiment,
        tables=read,
        endpoints=endpoint_stats(read),
        patterns=found,
        proposals=artefacts.with_patches(proposals),
        checks=checks,
        slos=evidence.judged,
        verdict=outcome,
        headline=verdict.headline(outcome, checks, evidence.judged, found, evidence),
        exit_code=verdict.EXIT_CODES[outcome],
        advice=verdict.advice(evidence, evidence.judged),
        causes=evidence.causes,
        outcomes=Outcomes(evidence.outcomes, evidence.sites, evidence.later, evidence.modelled),
    )


def _write(analysis: Analysis, out: Path) -> None:
    artefacts.write(analysis, out)
    report.write(analysis, plots.draw_all(analysis, out), out)
