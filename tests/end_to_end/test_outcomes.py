"""What the app did with each fault: a route for each outcome, served by three gevent workers and by eight threads."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from chaos_test.plan import free_port

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Command

COPING = Path(__file__).parent / "coping"
WORDS = ("--app-dir", str(COPING), "--requests", "2100", "--users", "8", "--deadline", "1.5s")
OUTCOMES = {
    "handled": "handled",
    **dict.fromkeys(("degraded", "reduced"), "degraded"),
    **dict.fromkeys(("wrong", "swallowed"), "wrong"),
    **dict.fromkeys(("propagated", "mapped", "redirected", "poisoned", "stormy"), "propagated"),
    **{word: word for word in ("hung", "lost", "crashed")},
}


def by_three_workers(command: Command) -> None:
    """The command's own server: gunicorn with gevent."""
    done = command.run("run", *WORDS, "--workers", "3")
    assert done.returncode == 0, done.stdout + done.stderr


def by_eight_threads(command: Command) -> None:
    """A server that somebody else has started, with the middleware in the app."""
    ports = [free_port(None, "port") for _ in range(2)]
    own = command.cwd / "own"
    config = str(COPING / "chaos-config.json")
    chaos = {"CHAOS_ENABLED": "1", "CHAOS_CONFIG": config, "CHAOS_RUN_DIR": str(own), "CHAOS_APP_DIR": str(COPING)}
    env = os.environ | chaos | {"PRICES_URL": f"http://127.0.0.1:{ports[0]}"}
    server = (sys.executable, "-m", "gunicorn", "-k", "gthread", "--threads", "8", "--log-level", "error")
    with ExitStack() as started:
        for app, port in zip(("prices:app", "coping:create_wrapped()"), ports, strict=True):
            process = started.enter_context(
                subprocess.Popen([*server, "--bind", f"127.0.0.1:{port}", app], cwd=COPING, env=env)
            )
            started.callback(process.terminate)
            _wait_for(f"http://127.0.0.1:{port}/welcome")
        url = f"http://127.0.0.1:{ports[1]}"
        words = ("--config", config, "--ledger", str(own), "--locustfile", str(COPING / "visitors.py"))
        done = command.run("run", "--url", url, *WORDS, *words)
    assert done.returncode == 0, done.stdout + done.stderr


def _wait_for(url: str) -> None:
    until = time.monotonic() + 30
    while True:
        try:
            with urllib.request.urlopen(url):
                return
        except urllib.error.URLError:
            assert time.monotonic() < until, f"{url} never came"
            time.sleep(0.1)


@pytest.fixture(scope="module", params=[by_three_workers, by_eight_threads])
def told(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, command_in: Callable[[Path], Command]
) -> dict[str, Any]:
    """The outcomes.json of a run."""
    command = command_in(tmp_path_factory.mktemp("coping"))
    request.param(command)
    found: dict[str, Any] = command.json("outcomes.json")
    return found


def _events(told: dict[str, Any], rule: str) -> list[dict[str, Any]]:
    rows = (dict(zip(told["events"]["columns"], row, strict=True)) for row in told["events"]["rows"])
    return [row for row in rows if row["rule"] == rule]


@pytest.mark.parametrize(("rule", "outcome"), OUTCOMES.items())
def test_each_outcome_is_recognised(told: dict[str, Any], rule: str, outcome: str) -> None:
    """Every event of the route's rule has the outcome that the route was made for."""
    events = _events(told, rule)
    assert len(events) >= 2
    assert {event["outcome"] for event in events} == {outcome}


def test_a_retry_is_recognised_with_its_waits(told: dict[str, Any]) -> None:
    """Up to four more attempts, 20 ms apart; the few requests that meet the fault five times are propagated."""
    events = _events(told, "retried")
    counts = Counter(event["outcome"] for event in events)
    assert set(counts) <= {"retried", "propagated"}
    assert counts["retried"] >= 0.8 * len(events)
    assert all(wait >= 0.02 for event in events for wait in event["waits"])
    assert all(1 <= event["attempts"] <= 4 for event in events if event["outcome"] == "retried")


def test_what_left_the_app_is_named(told: dict[str, Any]) -> None:
    """The exception's class and the line of the call, from this very source."""
    lines = (COPING / "coping.py").read_text().splitlines()
    line = next(number for number, text in enumerate(lines, 1) if "/propagated" in text and "requests.get" in text)
    told_of = {(event["error"], event["frame"], event["tier"]) for event in _events(told, "propagated")}
    assert told_of == {("ConnectionError", f"coping.py:{line} propagated", "direct")}


def test_a_storm_of_repetitions_shows_as_calls_made(told: dict[str, Any]) -> None:
    """Five calls where others make one."""
    stormy = [site for site in told["sites"] if "stormy" in site["call"]]
    assert {site["amplification"]["value"] for site in stormy} == {5.0}


def test_failures_of_later_requests_are_tied_to_the_dependency(told: dict[str, Any]) -> None:
    """A session that an error left unusable fails the next request, which met no fault."""
    (later,) = told["later"]
    assert later["q"] < 0.05
    assert later["failures"] >= 5
    assert "RuntimeError" in later["errors"]


def test_time_added_is_not_more_than_the_client_waits(told: dict[str, Any]) -> None:
    """Three seconds were injected, and the client gave up after one and a half."""
    (hung,) = [site for site in told["sites"] if site["fault"] == "latency"]
    assert hung["injected"]["value"] == pytest.approx(3.0, abs=0.3)
    assert hung["added"]["value"] == pytest.approx(1.5, abs=0.3)
