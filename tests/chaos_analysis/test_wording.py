import math

import pytest

from chaos_analysis import wording
from chaos_analysis.model import Estimate


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (0, "0"),
        (1234.5, "1,230"),
        (999.6, "1,000"),
        (0.012391, "0.0124"),
        (12, "12"),
        (2.5, "2.5"),
        (-1234, "-1,230"),
        (100_000_000, "100,000,000"),
        (math.nan, "unbounded"),
        (math.inf, "unbounded"),
    ],
)
def test_numbers_have_three_significant_digits(value: float, said: str) -> None:
    """No digit beyond the third, no zero at the end of a fraction, thousands separated."""
    assert wording.number(value) == said


@pytest.mark.parametrize(
    ("share", "said"),
    [(0, "0 %"), (1, "100 %"), (0.24444, "24.4 %"), (0.002617, "0.26 %"), (0.99999, "> 99.9 %"), (0.99949, "99.9 %")],
)
def test_percentages_do_not_round_to_all(share: float, said: str) -> None:
    """A share that only comes near the whole is not called 100 %."""
    assert wording.percent(share) == said


@pytest.mark.parametrize(
    ("value", "said"),
    [(0.0324, "32.4 ms"), (1, "1 s"), (42.31, "42.3 s"), (125, "2 min 5 s"), (180, "3 min"), (7325, "2 h 2 min")],
)
def test_durations_have_the_unit_that_reads_best(value: float, said: str) -> None:
    """Milliseconds below a second, minutes above two of them, hours above two of them."""
    assert wording.seconds(value) == said


@pytest.mark.parametrize(
    ("measured", "said"),
    [
        (Estimate(412.3, 380.2, 455.1, 400, "ms"), "412 ms (380-455)"),
        (Estimate(0.224, 0.2, 0.2449, 1400, "probability"), "22.4 % (20-24.5)"),
        (Estimate(412.3, None, None, 400, "ms"), "412 ms"),
        (Estimate(412.3, 380.0, None, 80, "ms"), "412 ms (380-unbounded)"),
        (Estimate(None, None, None, 50, "ms", need=3688), "need n = 3,688"),
        (Estimate(None, None, None, 0, "ms"), "-"),
        (Estimate(3, None, None, 3, "count"), "3"),
    ],
)
def test_figures_carry_their_interval_or_what_they_need(measured: Estimate, said: str) -> None:
    """A figure without support is never a number."""
    assert wording.estimate(measured) == said


def test_a_table_leaves_units_to_its_heading() -> None:
    """Unit and interval can be left out."""
    measured = Estimate(412.3, 380.2, 455.1, 400, "ms")
    assert wording.estimate(measured, unit=False) == "412 (380-455)"
    assert wording.estimate(measured, interval=False) == "412 ms"


def test_plurals() -> None:
    """One is singular, everything else is not."""
    assert [wording.plural(n, "request") for n in (0, 1, 2000)] == ["0 requests", "1 request", "2,000 requests"]


@pytest.mark.parametrize(
    ("difference", "said"),
    [
        (Estimate(-0.0607, -0.0738, -0.0474, 1319, "probability"), "-6.1 points (-7.4 to -4.7)"),
        (Estimate(0.0136, 0.007, 0.0202, 1331, "probability"), "+1.4 points (+0.7 to +2)"),
        (Estimate(-0.0008, -0.0033, 0.00001, 1331, "probability"), "-0.08 points (-0.33 to 0)"),
        (Estimate(-0.5, None, None, 10, "probability"), "-50 points"),
        (Estimate(None, None, None, 0, "probability", need=1), "-"),
    ],
)
def test_a_difference_of_shares_has_its_sign(difference: Estimate, said: str) -> None:
    """In points, with the interval; what rounds to nothing has no sign."""
    assert wording.points(difference) == said


@pytest.mark.parametrize(
    ("numbers", "said"),
    [
        ((), "All fixes together"),
        ((3,), "Fix 3 alone"),
        ((1, 2), "Fixes 1 and 2 together"),
        ((1, 2, 5), "Fixes 1, 2 and 5 together"),
    ],
)
def test_several_fixes_are_named_by_their_numbers(numbers: tuple[int, ...], said: str) -> None:
    """As they are said at the head of a sentence."""
    assert wording.together(numbers) == said
