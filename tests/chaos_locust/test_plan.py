"""Plans: stages and quotas."""

from __future__ import annotations

import pytest

DEFAULT = "baseline=20%,chaos=70%,recovery=10%"


def make(pure, stages="", *, requests=0, run_time=0, users=1):
    """A plan."""
    return pure.plan.make_plan(stages, requests=requests, run_time=run_time, users=users)


def test_stages_by_time_follow_each_other_and_the_last_has_no_end(pure):
    """Seconds add up to the ends of the stages; minutes are taken too."""
    plan = make(pure, "baseline=5s,10%=0.5m,recovery=5s")
    assert [plan.stage(at) for at in (0, 4.9, 5, 34.9, 35, 1000)] == [
        *("baseline", "baseline", "10%", "10%", "recovery", "recovery"),
    ]


def test_stages_in_percent_share_the_run_time(pure):
    """Without a number of requests, shares are of the run time; without any stages, the default ones are."""
    assert make(pure, DEFAULT, run_time=50).ends == make(pure, run_time=50).ends == (10, 45, 50)


def test_a_test_without_any_limit_is_all_chaos(pure):
    """There is nothing to share."""
    assert make(pure).stage(1e9) == "chaos"


@pytest.mark.parametrize(("requests", "users"), [(600, 7), (3, 5), (100, 100), (41, 3)])
def test_quotas_sum_to_the_requests(pure, requests, users):
    """The remainder is shared out; users beyond the planned ones get nothing."""
    plan = make(pure, requests=requests, users=users)
    assert sum(plan.quota(number) for number in range(users + 10)) == requests


@pytest.mark.parametrize("cost", [1, 2, 5])
@pytest.mark.parametrize("users", [1, 4, 10])
def test_the_stages_get_their_shares_of_the_requests(pure, cost, users):
    """Long iterations shift no share by more than one iteration, since users change stage at different times."""
    plan, sent = make(pure, DEFAULT, requests=1000, users=users), dict.fromkeys(("baseline", "chaos", "recovery"), 0)
    for number in range(users):
        for consumed in range(0, plan.quota(number), cost):
            sent[plan.stage(plan.share(number, consumed, cost))] += cost
    wrong = {name: sent[name] - 1000 * share for name, share in zip(sent, (0.2, 0.7, 0.1), strict=True)}
    assert all(abs(difference) <= cost for difference in wrong.values()), wrong


@pytest.mark.parametrize(
    ("stages", "limits", "said"),
    [
        ("baseline", {}, "write name=5s"),
        ("a b=5s", {}, "write name=5s"),
        ("a=5s,a=5s", {}, "each name"),
        ("a=5s,b=50%", {}, "all of them in percent or none"),
        ("a=50%,b=49%", {"run_time": 9}, "sum to 100%"),
        ("a=50%,b=50%", {}, "--run-time"),
        ("a=5s", {"requests": 9}, "stages in seconds"),
        ("", {"requests": -1}, "-1"),
    ],
)
def test_what_cannot_be_planned_is_refused_in_words(pure, stages, limits, said):
    """Nothing is guessed: the message says what is allowed."""
    with pytest.raises(pure.plan.PlanError, match=said):
        make(pure, stages, **limits)
