"""When a run is over, and why."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from chaos_test import ending, plan
from chaos_test.errors import ChaosTestError
from chaos_test.processes import Child

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    from chaos_test.plan import Plan

    Parse = Callable[..., argparse.Namespace]


@pytest.fixture
def planned(parse: Parse, app_dir: Path) -> Plan:
    """A run of 500 requests with the usual limits."""
    words = ("shop:app", "--app-dir", str(app_dir), "--locustfile", str(app_dir / "buyers.py"), "--requests", "500")
    return plan.make(parse(*words))


def ended(code: str) -> Child:
    """A child that has ended as this Python text made it."""
    process = subprocess.Popen([sys.executable, "-S", "-c", code])
    process.wait()
    return Child("Locust", process, Path("locust.log"), 1.0)


def test_a_run_goes_on_until_something_ends_it(planned: Plan) -> None:
    """Neither few requests after a minute nor many in its first seconds are an end."""
    assert ending.of_time(planned, 59.9, 499) is None
    assert ending.of_time(planned, 119.0, 99) is None


def test_enough_after_a_minute(planned: Plan) -> None:
    """With at least 100 requests a run by requests ends after 60 s, and says how far it came."""
    over = ending.of_time(planned, 60.0, 100)
    assert over is not None
    assert (over.ended_by, over.reason) == ("enough", "60 s have passed and 100 of 500 planned requests are in.")


def test_a_run_by_time_is_not_cut_short(planned: Plan) -> None:
    """Who asks for five minutes gets five minutes."""
    assert ending.of_time(replace(planned, requests=None, run_time=300, time_limit=330), 200, 10_000) is None


def test_the_time_limit_ends_any_run(planned: Plan) -> None:
    """With whatever there is."""
    over = ending.of_time(planned, 120.0, 3)
    assert over is not None
    assert (over.ended_by, over.reason) == ("time-limit", "The time limit of 120 s is over; 3 requests are in.")


@pytest.mark.parametrize(
    ("code", "requests", "expected", "reason"),
    [
        ("", 500, "requests", "The planned requests are in: 500."),
        (
            "raise SystemExit(2)",
            500,
            "requests",
            "The planned requests are in: 500. Locust ended with code 2: see locust.log.",
        ),
        (
            "import os, signal; os.kill(os.getpid(), signal.SIGKILL)",
            70,
            "crashed",
            "Locust was killed by SIGKILL after 70 requests (see locust.log).",
        ),
    ],
)
def test_the_end_of_locust(planned: Plan, code: str, requests: int, expected: str, reason: str) -> None:
    """A normal end is the plan's, a signal is a crash."""
    locust = ended(code)
    over = ending.of_locust(planned, locust, locust.returncode, requests)
    assert over is not None
    assert (over.ended_by, over.reason) == (expected, reason)


def test_locust_that_never_began_is_an_error(planned: Plan, tmp_path: Path) -> None:
    """A locustfile that cannot be used is no run; the sentence has what Locust said."""
    locust = ended("raise SystemExit(1)")
    locust.log = tmp_path / "locust.log"
    locust.log.write_text("No User class found!\n")
    with pytest.raises(ChaosTestError, match=r"Locust ended with code 1 at the start; .*:\n  No User class found!"):
        ending.of_locust(planned, locust, locust.returncode, 0)


def test_the_end_of_the_app_is_a_crash(planned: Plan) -> None:
    """Which process, how, and where to look."""
    app = ended("raise SystemExit(3)")
    app.name = "the app"
    over = ending.of_servers([app], 12)
    assert over is not None
    assert over.reason == "The app ended with code 3 after 12 requests (see locust.log)."
