"""Two rates that have nothing to do with one another, held against scipy."""

from __future__ import annotations

import pytest
from scipy import stats

from chaos_analysis.compare.unpaired import Counts, difference, fisher_two_sided, judge, needed


@pytest.mark.parametrize(
    "counts", [(12, 200, 30, 210), (0, 50, 5, 40), (7, 9, 1, 30), (3, 3, 0, 4), (40, 900, 40, 900)]
)
def test_fishers_test_is_scipys(counts: tuple[int, int, int, int]) -> None:
    """Two-sided, exact."""
    bad, n, then, n_then = counts
    expected = stats.fisher_exact([[bad, n - bad], [then, n_then - then]]).pvalue
    assert fisher_two_sided(Counts(*counts)) == pytest.approx(expected, rel=1e-6)


def test_newcombes_interval_is_the_published_one() -> None:
    """The example 56/70 against 48/80 of the paper (Newcombe 1998, table II): 0.2 with 0.0524 to 0.3339."""
    found = difference(Counts(48, 80, 56, 70))
    assert (found.value, found.low, found.high) == pytest.approx((0.2, 0.0524, 0.3339), abs=5e-5)


def test_no_request_on_a_side_is_no_difference_at_all() -> None:
    """There is nothing to tell."""
    found = judge({"x": Counts(1, 40, 0, 0)})["x"]
    assert (found.verdict, found.difference.value, found.p_value) == ("inconclusive", None, 1.0)


def test_p_values_are_adjusted_over_all_groups() -> None:
    """A difference that is certain alone is not among forty groups in which nothing happened."""
    counts, calm = Counts(20, 200, 7, 200), Counts(10, 200, 10, 200)
    assert judge({"x": counts})["x"].verdict == "improved"
    many = judge({"x": counts, **{f"calm{n}": calm for n in range(40)}})
    assert many["x"].verdict == "inconclusive"
    assert many["x"].reason.endswith(" after adjusting for 41 comparisons, above 0.02")


def test_what_it_takes_to_be_certain_among_many_is_told() -> None:
    """The same rates of so many requests a side are; those of a fifth less are not."""
    calm = {f"calm{n}": Counts(10, 200, 10, 200) for n in range(40)}
    need = judge({"x": Counts(20, 200, 7, 200), **calm})["x"].need
    assert need is not None

    def grown(n: int) -> Counts:
        return Counts(round(n / 10), n, round(n * 0.035), n)

    assert judge({"x": grown(need), **calm})["x"].verdict == "improved"
    assert judge({"x": grown(need - need // 5), **calm})["x"].verdict == "inconclusive"


def test_what_it_takes_agrees_with_the_literature() -> None:
    """10 % against 5 %: some 424 requests a side."""
    assert needed(0.10, 0.05) == pytest.approx(424, abs=15)
    assert needed(0.1, 0.1) is None
