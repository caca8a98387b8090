"""The one place where the command calls the analysis, imported only when needed: pandas alone takes half a second."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chaos_test.errors import ChaosTestError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from chaos_analysis.matrix import Matrix, Planned, Point
    from chaos_analysis.model import Analysis


def stage_of_slo(expression: str) -> str | None:
    """The stage that an objective names; raises `ChaosTestError` for one that the analysis could not read."""
    from chaos_analysis import slo  # noqa: PLC0415 - see above
    from chaos_analysis.errors import AnalysisError  # noqa: PLC0415 - see above

    try:
        return slo.parse(expression).stage
    except AnalysisError as error:
        raise ChaosTestError(str(error)) from None


def analyse(run_dir: Path) -> Analysis:
    """Everything that a run folder tells, its artefacts written into it; raises `ChaosTestError`."""
    import chaos_analysis  # noqa: PLC0415 - see above

    try:
        return chaos_analysis.analyse(run_dir)
    except chaos_analysis.AnalysisError as error:
        raise ChaosTestError(str(error)) from None


def analyse_locust_csv(prefix: str, out: Path) -> Analysis:
    """What plain Locust CSVs tell; raises `ChaosTestError`."""
    import chaos_analysis  # noqa: PLC0415 - see above

    try:
        return chaos_analysis.analyse_locust_csv(prefix, out)
    except chaos_analysis.AnalysisError as error:
        raise ChaosTestError(str(error)) from None


def points_of(run_dir: Path) -> tuple[Point, ...]:
    """The injection points that a run came to; raises `ChaosTestError`."""
    from chaos_analysis import AnalysisError, matrix  # noqa: PLC0415 - see above

    try:
        return matrix.points(run_dir)
    except AnalysisError as error:
        raise ChaosTestError(str(error)) from None


def seen_of(
    folder: Path, batches: Sequence[str], planned: Sequence[Planned], points: Sequence[Point]
) -> Mapping[str, Mapping[str, int]]:
    """The outcomes of each planned cell so far; raises `ChaosTestError`."""
    from chaos_analysis import AnalysisError, matrix  # noqa: PLC0415 - see above

    try:
        return matrix.seen(folder, batches, planned, points)
    except AnalysisError as error:
        raise ChaosTestError(str(error)) from None


def chart(folder: Path) -> Matrix:
    """The map that a map folder gives, written into it; raises `ChaosTestError`."""
    from chaos_analysis import AnalysisError, matrix  # noqa: PLC0415 - see above

    try:
        return matrix.chart(folder)
    except AnalysisError as error:
        raise ChaosTestError(str(error)) from None
