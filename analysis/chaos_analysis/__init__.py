"""Reads what a run left, says what failed and why, and what to change: files in, files out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chaos_analysis.errors import AnalysisError
from chaos_analysis.model import Analysis, Check, EndpointStats, Estimate, Pattern, Proposal, Site, SloResult, Tables

if TYPE_CHECKING:
    from pathlib import Path

__all__ = [
    "Analysis",
    "AnalysisError",
    "Check",
    "EndpointStats",
    "Estimate",
    "Pattern",
    "Proposal",
    "Site",
    "SloResult",
    "Tables",
    "analyse",
    "analyse_locust_csv",
]


def analyse(run_dir: Path, *, write: bool = True) -> Analysis:
    """What a run folder tells; with `write`, its artefacts, pictures and report are put into the folder.

    Whatever is missing or cut short there is worked around and said. Raises `AnalysisError` where it is no such folder.
    """
    from chaos_analysis import pipeline  # noqa: PLC0415 - pandas, scipy and matplotlib take seconds to import

    return pipeline.from_run_folder(run_dir, write=write)


def analyse_locust_csv(prefix: str, out: Path) -> Analysis:
    """What the files of `locust --csv PREFIX` tell, written to `out`; raises `AnalysisError`."""
    from chaos_analysis import pipeline  # noqa: PLC0415 - as above

    return pipeline.from_locust_csv(prefix, out)
