"""Keys, stages and due times of one user."""

from __future__ import annotations

import pytest


@pytest.fixture
def journey(pure):
    """User 3 of 4, of whom each has 10 requests."""
    plan = pure.plan.make_plan("baseline=20%,chaos=80%", requests=40, run_time=0, users=4)
    return pure.journey.Journey("3", 3, plan, seed=42, stage="baseline", kind="Buyer", deadline=10)


def key(journey):
    """The next request's key."""
    return journey.next()[0]


def test_keys_count_users_iterations_and_steps(journey):
    """Before the first iteration the keys say `start`."""
    keys = [key(journey)]
    for _ in range(2):
        journey.begin(0)
        keys += [key(journey), key(journey)]
        journey.finish()
    assert keys == ["3.start.1", "3.0.1", "3.0.2", "3.1.1", "3.1.2"]


def test_labels_name_steps_and_do_not_count(journey):
    """A step that only one branch has does not shift the numbers of the others; a repeated label is told apart."""
    journey.begin(0)
    keys = [key(journey)]
    for label in ("book", "book"):
        journey.label(label)
        keys.append(key(journey))
    assert [*keys, key(journey)] == ["3.0.1", "3.0.book", "3.0.book-2", "3.0.2"]


def test_labels_start_anew_with_the_iteration(journey):
    """A label that was not used is forgotten, one that was is new again."""
    journey.begin(0)
    journey.label("book")
    key(journey)
    journey.label("never-sent")
    journey.finish()
    journey.begin(0)
    first = key(journey)
    journey.label("book")
    assert [first, key(journey)] == ["3.1.1", "3.1.book"]


def test_a_note_goes_with_the_latest_request_of_its_iteration_or_the_first(pure):
    """What is noted before a request, so that nothing is lost, is never put to one of the iteration before."""
    kept = []
    plan = pure.plan.make_plan("baseline=20%,chaos=80%", requests=40, run_time=0, users=4)
    journey = pure.journey.Journey(
        "3", 3, plan, seed=42, stage="baseline", kind="Buyer", deadline=10, keep=lambda fact: kept.append(fact.key)
    )
    journey.begin(0)
    journey.note("wants", {})
    sent = [key(journey)]
    journey.note("has", {})
    sent.append(key(journey))
    journey.note("has", {})
    journey.finish()
    journey.begin(0)
    journey.label("book")
    journey.note("wants", {})
    sent.append(key(journey))
    assert kept == [sent[0], *sent] == ["3.0.1", "3.0.1", "3.0.2", "3.1.book"]


@pytest.mark.parametrize("declared", [0, 5])
def test_the_quota_is_used_by_declared_steps_or_by_what_was_sent(journey, declared):
    """With five steps declared, two iterations use ten requests whatever they sent; else what they sent counts."""
    iterations = 0
    while not journey.done:
        journey.begin(declared)
        for _ in range(2):
            key(journey)
        journey.finish()
        iterations += 1
    assert iterations == (2 if declared else 5)


def test_randomness_restarts_with_each_iteration(journey):
    """What one iteration draws does not shift the next one, and what `on_start` draws does not shift the first."""
    journey.ready()
    first = journey.draws.random()
    journey.begin(0)
    journey.finish()
    second = journey.draws.random()
    journey.draws.random()
    journey.ready()
    assert (journey.draws.random(), first != second) == (first, True)


def test_a_task_set_in_a_task_set_has_iterations_of_its_own(journey):
    """The outer execution ends when an inner one begins, and counts what it sent itself."""
    journey.begin(0)
    keys = [key(journey)]
    for _ in range(2):
        journey.begin(0)
        keys.append(key(journey))
        journey.finish()
    journey.finish()
    journey.begin(0)
    assert [*keys, key(journey)] == ["3.0.1", "3.1.1", "3.2.1", "3.3.1"]


def test_a_paced_iteration_was_due_in_its_slot(journey):
    """One that comes late tells when it was due; the schedule begins anew with it, as Locust's does."""
    due = []
    for now in (100.0, 100.5, 103.0, 103.5):
        journey.begin(0)
        journey.pace(0.5, now)
        due.append(journey.next()[3])
        journey.finish()
    assert due == [100.0, 100.5, 101.0, 103.5]


def test_only_the_first_request_of_an_iteration_waited_for_a_slot(journey):
    """The others are due when they are sent."""
    journey.begin(0)
    journey.pace(0.5, 7.0)
    assert [journey.next()[3], journey.next()[3]] == [7.0, None]


def test_a_request_carries_its_stage_and_its_users_class(journey):
    """The stage is that of the share of the quota that is used when the iteration begins."""
    seen = []
    while not journey.done:
        journey.begin(1)
        seen.append(journey.next()[1:3])
        journey.finish()
    assert seen == [("baseline", "Buyer")] * 2 + [("chaos", "Buyer")] * 8


@pytest.mark.parametrize("users", [1, 3, 7])
@pytest.mark.parametrize("costs", [[1], [0], [5], [1, 7, 0, 2]])
def test_every_iteration_is_in_the_stage_of_its_share(pure, users, costs):
    """Also where the stage is not worked out anew each time: far from a stage's end, and as costs change."""
    plan = pure.plan.make_plan(
        "baseline=20%,chaos=33.3%,lull=0.1%,recovery=46.6%", requests=997, run_time=0, users=users
    )
    for number in range(users):
        journey = pure.journey.Journey("0", number, plan, seed=42, stage="baseline", kind="Buyer", deadline=10)
        consumed = iteration = 0
        while not journey.done:
            cost = costs[iteration % len(costs)]
            journey.begin(cost)
            assert journey.next()[1] == plan.stage(plan.share(number, consumed, cost or 1))
            journey.finish()
            consumed += cost or 1
            iteration += 1


def test_a_user_beyond_the_planned_ones_does_nothing(pure):
    """It has used its quota of nothing."""
    plan = pure.plan.make_plan("", requests=40, run_time=0, users=4)
    assert pure.journey.Journey("4", 4, plan, seed=42, stage="chaos", kind="Buyer", deadline=10).done


def test_dealt_stages_come_in_turn(pure):
    """Each iteration of each user has the next one, whatever it costs; nobody waits for anybody."""
    plan = pure.plan.make_plan("a=50%,b=25%,c=25%", requests=40, run_time=0, users=2, deal=True)
    dealt = []
    for number in range(2):
        journey = pure.journey.Journey(str(number), number, plan, seed=1, stage="a", kind="Buyer", deadline=10)
        for _ in range(3):
            journey.begin(0)
            dealt.append((number, journey.next()[1]))
            journey.finish()
    assert dealt == [(0, "a"), (0, "c"), (0, "b"), (1, "b"), (1, "a"), (1, "c")]


def test_stages_are_dealt_by_requests_only(pure):
    """By time, a stage of slow answers would get more of it."""
    with pytest.raises(pure.plan.PlanError, match="--chaos-deal goes with --chaos-requests"):
        pure.plan.make_plan("a=50%,b=50%", requests=0, run_time=10, users=2, deal=True)
