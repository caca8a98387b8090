"""From files to files: a run folder, or somebody's plain Locust CSVs, to an `Analysis` and what is written from it."""

from __future__ import annotations

import gc
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from chaos_analysis import artefacts, fixes, patterns, ranking, report, tables, verdict
from chaos_analysis.beside import beside
from chaos_analysis.checks import check_all
from chaos_analysis.effect import stored
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

    from chaos_analysis.model import Pattern
    from chaos_analysis.rundir import RunDir

_LARGE = 100_000  # requests from which a second core is worth its while


def from_run_folder(run_dir: Path, *, write: bool) -> Analysis:
    """See `chaos_analysis.analyse`."""
    run = open_run(run_dir)
    with _collector_paused():
        analysis, pictures = _analyse(run, run.path if write else None)
        if write:
            artefacts.write(analysis, run.path)
            report.write(analysis, pictures, run.path)
    return analysis


def from_locust_csv(prefix: str, out: Path) -> Analysis:
    """See `chaos_analysis.analyse_locust_csv`."""
    analysis = read_plain(prefix)
    artefacts.write(analysis, out)
    report.write(analysis, _drawn(analysis, out), out)
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


def _analyse(run: RunDir, out: Path | None) -> tuple[Analysis, tuple[Path, ...]]:
    """The analysis, and the pictures that were drawn into `out`."""
    read = tables.build(run)
    experiment, _ = read_experiment(run.experiment)
    evidence = Evidence(read, experiment, run.run)
    large = len(read.requests) >= _LARGE
    with beside(lambda: check_all(evidence), worthwhile=large) as checking:
        known = _known(evidence, run)
        with beside(lambda: _half(evidence, known, out), worthwhile=large) as halving:
            wholes = patterns.find_wholes(evidence)
            lacks, pictures = halving()
        found = patterns.arranged(wholes, lacks)
        rules = experiment.rules if experiment else ()
        lasting = [rule.name for rule in rules if rule.persistence == "request"]
        proposals = fixes.propose(found, read, Sources.of_run(run.path / "sources", run.run), run.run, lasting)
        checks = checking()
    outcome = verdict.verdict(checks, known.slos)
    measured = stored.read(run.path)
    proposals = stored.attached(artefacts.with_patches(proposals), measured)
    found = ranking.by_savings(found, proposals)
    analysis = replace(
        known,
        patterns=found,
        proposals=proposals,
        checks=checks,
        verdict=outcome,
        headline=verdict.headline(outcome, checks, known.slos, found, evidence),
        exit_code=verdict.EXIT_CODES[outcome],
        advice=verdict.advice(evidence, known.slos),
        measured=measured if measured != stored.Stored({}) else None,
    )
    return analysis, (*pictures, *_of_effects(analysis, out))


def _half(evidence: Evidence, known: Analysis, out: Path | None) -> tuple[tuple[Pattern, ...], tuple[Path, ...]]:
    """What is lacking, and the pictures drawn into `out`: about as long as the other half of the findings takes."""
    return patterns.find_lacks(evidence), _drawn(known, out) if out else ()


def _of_effects(analysis: Analysis, out: Path | None) -> tuple[Path, ...]:
    """The picture of what was measured, which is known last."""
    if out is None or analysis.measured is None:
        return ()
    from chaos_analysis import plots  # noqa: PLC0415 - as below

    return plots.draw_all(analysis, out, (plots.effects,))


def _drawn(analysis: Analysis, out: Path) -> tuple[Path, ...]:
    from chaos_analysis import plots  # noqa: PLC0415 - of a large run, only the other process needs matplotlib

    return plots.draw_all(analysis, out)


def _known(evidence: Evidence, run: RunDir) -> Analysis:
    """The analysis before checks and finders, of which pictures show nothing: what follows from those is empty."""
    return Analysis(
        source="run",
        run=run.run,
        experiment=run.experiment,
        tables=evidence.tables,
        endpoints=endpoint_stats(evidence.tables),
        patterns=(),
        proposals=(),
        checks=(),
        slos=evidence.judged,
        verdict="invalid",
        headline="",
        exit_code=verdict.EXIT_CODES["invalid"],
        causes=evidence.causes,
        outcomes=Outcomes(evidence.outcomes, evidence.sites, evidence.later, evidence.modelled),
    )
