"""What an error says in one line."""

from __future__ import annotations

import pytest

from chaos_test.errors import ChaosTestError


@pytest.mark.parametrize(
    ("text", "brief"),
    [
        ("no app is named; give one", "no app is named; give one"),
        ("the app ended at the start; app.log ends:\n  a\n  error: no x", "the app ended at the start: error: no x"),
    ],
)
def test_a_quoted_log_is_cut_to_its_last_line(text: str, brief: str) -> None:
    """What run.json keeps as the reason must not end where the quotation begins."""
    assert ChaosTestError(text).brief == brief
