"""`ChaosMiddleware`: opting in, forks, and taking it away again."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from chaos_middleware import ChaosMiddleware, Experiment, ExperimentError

ERROR = {"version": 1, "rules": [{"name": "e", "seam": "wsgi", "rate": 1, "fault": {"type": "http_error"}}]}


def app(environ, start_response):
    """Answers."""
    start_response("200 OK", [])
    return [b"ok"]


@pytest.fixture
def config(tmp_path):
    """A chaos-config.json that fails everything."""
    file = tmp_path / "chaos-config.json"
    file.write_text(json.dumps(ERROR))
    return file


def test_the_environment_opts_in(monkeypatch, wrap, config, tmp_path):
    """CHAOS_ENABLED, CHAOS_CONFIG and CHAOS_RUN_DIR are all it takes."""
    monkeypatch.setenv("CHAOS_ENABLED", "1")
    monkeypatch.setenv("CHAOS_CONFIG", str(config))
    monkeypatch.setenv("CHAOS_RUN_DIR", str(tmp_path))
    wrapped = ChaosMiddleware(app)
    assert (tmp_path / "faults").is_dir()  # before any request: `--ledger` looks for it
    assert wrap.ask(wrapped).status[:3] == "503"
    assert list(tmp_path.glob("faults/*.jsonl"))
    wrapped.uninstall()


@pytest.mark.parametrize("value", ["", "0", "true", "yes"])
def test_nothing_but_1_opts_in(monkeypatch, wrap, config, value):
    """Off by default, and off for whatever else stands there."""
    monkeypatch.setenv("CHAOS_ENABLED", value)
    assert wrap.ask(ChaosMiddleware(app, config)).status == "200 OK"


def test_code_overrides_the_environment(monkeypatch, wrap, config):
    """`enabled=False` is off under CHAOS_ENABLED=1; `enabled=True` needs no environment."""
    monkeypatch.setenv("CHAOS_ENABLED", "1")
    assert ChaosMiddleware(app, config, enabled=False).injector is None
    monkeypatch.delenv("CHAOS_ENABLED")
    on = ChaosMiddleware(app, config, enabled=True)
    assert wrap.ask(on).status[:3] == "503"
    on.uninstall()


def test_a_bad_experiment_is_told_at_once(tmp_path):
    """When the app is wrapped, not when the first request comes."""
    with pytest.raises(ExperimentError, match="cannot be read"):
        ChaosMiddleware(app, tmp_path / "missing.json", enabled=True)


def test_an_experiment_without_rules_changes_nothing(wrap):
    """A run without chaos counts its requests and is otherwise itself."""
    wrapped = ChaosMiddleware(app, Experiment(), enabled=True)
    assert wrap.ask(wrapped).body == b"ok"
    wrapped.uninstall()


def test_uninstall_leaves_the_app_as_it_was(wrap):
    """No fault any more, sleepers wake, and a second call does no harm."""
    served = wrap(app, {"fault": {"type": "latency", "seconds": 100}})
    sleeper = threading.Thread(target=served.get)
    sleeper.start()
    while not served.records("fault"):
        pass
    served.middleware.uninstall()
    sleeper.join(timeout=5)
    assert not sleeper.is_alive()
    assert "X-Chaos-Fault" not in served.get().headers
    served.middleware.uninstall()
    assert not (served.run_dir / "kill").exists()


def test_a_forked_worker_has_a_ledger_part_of_its_own(wrap):
    """A server that loads the app first and forks then: parent and child write apart, and draw alike."""
    served = wrap(app, {"fault": {"type": "noop"}})
    served.get(key="1.1.1")
    child = os.fork()
    if child == 0:
        served.get(key="1.2.1")
        os._exit(0)
    os.waitpid(child, 0)
    assert {(event["key"], event["pid"]) for event in served.records("fault")} == {
        ("1.1.1", os.getpid()),
        ("1.2.1", child),
    }
    assert len(list(served.run_dir.glob("faults/*.jsonl"))) == 2


def test_a_killed_process_loses_nothing_that_happened(tmp_path, config):
    """SIGKILL in the middle of a delay: the start of the fault is in the ledger, its end is not."""
    rule = {"name": "slow", "seam": "wsgi", "rate": 1, "fault": {"type": "latency", "seconds": 60}}
    config.write_text(json.dumps({"version": 1, "rules": [rule]}))
    code = (
        "from chaos_middleware import ChaosMiddleware\n"
        f"app = ChaosMiddleware(lambda e, s: [], {str(config)!r}, enabled=True, run_dir={str(tmp_path)!r})\n"
        "app({'REQUEST_METHOD': 'GET', 'PATH_INFO': '/', 'HTTP_X_CHAOS_KEY': '1.1.1'}, lambda *a: None)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", code])
    try:
        while not any("1.1.1:slow" in part.read_text() for part in tmp_path.glob("faults/*.jsonl")):
            assert process.poll() is None
    finally:
        process.kill()
        process.wait()
    (part,) = tmp_path.glob("faults/*.jsonl")
    assert [json.loads(line)["kind"] for line in part.read_text().splitlines()][-1] == "fault"


def test_importing_it_needs_the_standard_library_alone():
    """It goes into other people's services: nothing else may be loaded, not even where it is installed."""
    code = (
        "import sys, chaos_middleware, chaos_middleware.serve; print(*sorted({m.split('.')[0] for m in sys.modules}))"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-c", f"import sys; sys.path.insert(0, {str(Path(__file__).parents[2])!r}); {code}"],
        capture_output=True,
        text=True,
        check=True,
    )
    foreign = set(done.stdout.split()) - sys.stdlib_module_names - {"chaos_middleware"}
    assert {name for name in foreign if not name.startswith(("_", "sitecustomize"))} == set()


def test_importing_it_does_not_load_ssl():
    """gevent must patch before anything loads `ssl`; the middleware may be imported first."""
    code = f"import sys; sys.path.insert(0, {str(Path(__file__).parents[2])!r}); import chaos_middleware.serve; "
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code + "print('ssl' in sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "False\n"
