"""A run is checked before anything starts."""

from __future__ import annotations

import json
import socket
from typing import TYPE_CHECKING

import pytest

from chaos_test import plan
from chaos_test.errors import ChaosTestError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable
    from pathlib import Path

    from chaos_test.plan import Plan

    Parse = Callable[..., argparse.Namespace]


@pytest.fixture
def make(parse: Parse, app_dir: Path) -> Callable[..., Plan]:
    """A function: more words → the plan of a shop driven by its buyers."""
    words = ("shop:app", "--app-dir", str(app_dir), "--locustfile", str(app_dir / "buyers.py"))
    return lambda *more: plan.make(parse(*words, *more))


def test_a_run_is_by_requests_unless_told_otherwise(make: Callable[..., Plan]) -> None:
    """2,500 requests, a free port of its own, two minutes at most, ended after one if enough is in."""
    made = make()
    assert (made.requests, made.run_time) == (plan.DEFAULT_REQUESTS, None)
    assert made.port > 0
    assert (made.time_limit, made.enough_after) == (120, 60)


def test_a_run_by_time(make: Callable[..., Plan]) -> None:
    """`--run-time` or stages in seconds replace the number of requests; the limit leaves room for them."""
    assert (make("--run-time", "5m").requests, make("--run-time", "5m").time_limit) == (None, 330)
    assert make("--stages", "baseline=5s,chaos=25s").run_time == 30


def test_locust_waits_longer_than_its_users(make: Callable[..., Plan]) -> None:
    """Otherwise requests in flight would be dropped at the end."""
    made = make("--deadline", "7s")
    assert made.stop_timeout > made.deadline == 7


def test_slos_of_the_command_line_replace_the_experiments(make: Callable[..., Plan]) -> None:
    """The default experiment's objective holds until others are given."""
    assert make().slos == ("error_rate<1%",)
    assert make("--slo", "p95<500ms", "--slo", "p99<=2s of GET /items in chaos").slos == (
        "p95<500ms",
        "p99<=2s of GET /items in chaos",
    )


def test_stages_of_the_command_line_leave_out_the_experiments_slos_on_others(
    make: Callable[..., Plan], app_dir: Path
) -> None:
    """They cannot be judged; with the experiment's own stages a name that is not there is a mistake."""
    slos = ["p95<1s", "p95<2s in recovery", "p95<3s in recover"]
    (app_dir / "c.json").write_text(json.dumps({"version": 1, "rules": [], "steady_state": slos}))
    config = ("--config", str(app_dir / "c.json"))
    assert make(*config, "--stages", "baseline=1s,chaos=1s").slos == ("p95<1s",)
    with pytest.raises(ChaosTestError, match="no stage 'recover'"):
        make(*config)


def test_an_objective_of_the_experiment_that_is_none_is_named_by_its_place(
    make: Callable[..., Plan], app_dir: Path
) -> None:
    """The file and the key, as of everything else in it."""
    slos = ["p95<1s", "p95 is low"]
    (app_dir / "c.json").write_text(json.dumps({"version": 1, "rules": [], "steady_state": slos}))
    with pytest.raises(ChaosTestError, match=r"c\.json: steady_state\[1\]: 'p95 is low': not an objective"):
        make("--config", str(app_dir / "c.json"))


def test_load_on_the_command_line_replaces_the_tables(parse: Parse, app_dir: Path) -> None:
    """Otherwise the table's files are found from the app's folder."""
    (app_dir / "pyproject.toml").write_text('[tool.chaos-test]\napp = "shop:app"\nlocustfiles = ["buyers.py"]\n')
    words = ("--app-dir", str(app_dir))
    assert plan.make(parse(*words)).locustfiles == (app_dir / "buyers.py",)
    given = plan.make(parse(*words, "--endpoint", "/items"))
    assert (given.locustfiles, given.endpoints) == ((), ("GET /items",))


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("--locustfile", "none.py"), "--locustfile none.py: there is no such Python file"),
        (("--slo", "p95<fast"), "p95<fast"),
        (("--slo", "p95<5ms in chaso"), "no stage 'chaso'; expected one of baseline, chaos, recovery"),
        (("--slo", "p95<5ms", "--stages", "a=1s,b=1s"), "no baseline and no recovery; add in a or in b"),
        (("--stages", "chaos=5s", "--requests", "9"), "--requests cannot be kept by stages in seconds"),
        (("--stages", "chaos=5s", "--run-time", "9s"), "say the same thing twice"),
    ],
)
def test_what_cannot_be_run_is_one_sentence(make: Callable[..., Plan], words: tuple[str, ...], why: str) -> None:
    """Each names the option and what is wrong with it."""
    with pytest.raises(ChaosTestError, match=why):
        make(*words)


def test_a_locustfile_that_is_not_python_is_refused(make: Callable[..., Plan], app_dir: Path) -> None:
    """Before anything is started, with the line."""
    (app_dir / "broken.py").write_text("import locust\ndef x(:\n")
    with pytest.raises(ChaosTestError, match=r"broken.py: not Python: .*line 2"):
        make("--locustfile", str(app_dir / "broken.py"))


def test_no_load_is_one_sentence(parse: Parse, app_dir: Path) -> None:
    """It says both ways out."""
    with pytest.raises(ChaosTestError, match=r"give --locustfile FILE or --endpoint 'GET /path'"):
        plan.make(parse("shop:app", "--app-dir", str(app_dir)))


def test_a_taken_port_is_one_sentence(make: Callable[..., Plan]) -> None:
    """Somebody listens there already."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with pytest.raises(ChaosTestError, match=f"--port {port} cannot be used: Address already in use"):
            make("--port", str(port))


def test_a_remote_service_needs_the_experiments_leave(parse: Parse, app_dir: Path) -> None:
    """Nobody loads another machine by a slip of the hand."""
    (app_dir / "c.json").write_text('{"version": 1, "rules": [], "safety": {"allow_remote": true}}')
    words = ("--url", "http://192.0.2.1", "--endpoint", "/")
    with pytest.raises(ChaosTestError, match=r"not on this machine; safety\.allow_remote"):
        plan.make(parse(*words))
    assert plan.make(parse(*words, "--config", str(app_dir / "c.json"))).url == "http://192.0.2.1"
