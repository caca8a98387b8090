"""Patches that do harm, each in its own way, are called worse; one that helps improves, the placebo does nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from benchmarks import harmful

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.timeout(600)  # 70 s of processor time, on a machine that others use, too
def test_harm_is_recognised(tmp_path: Path) -> None:
    """With one seed; `make bench` does it with three. All arms are replayed beside each other."""
    told = harmful.verdicts(tmp_path, seed=1, requests=600, each=240)
    said = (tmp_path / "verify.txt").read_text()
    assert told.pop(harmful.PLACEBO) in {"no difference", "inconclusive"}, said
    assert told == {harmful.GOOD: "improved"} | dict.fromkeys(harmful.HARMFUL, "worse"), said
