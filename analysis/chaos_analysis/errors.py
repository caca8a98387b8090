"""What the analysis raises, each a whole sentence for people.

AnalysisError
├── RunFolderError    the folder is none that a run left
├── CsvError          a Locust CSV cannot be used
└── SloError          an objective that cannot be understood
"""

from __future__ import annotations


class AnalysisError(Exception):
    """Base of everything that the analysis raises on purpose."""


class RunFolderError(AnalysisError):
    """The folder is missing or is not a run folder."""


class CsvError(AnalysisError):
    """A Locust CSV is missing, empty, or lacks columns."""


class SloError(AnalysisError):
    """An objective is not written as it must be."""
