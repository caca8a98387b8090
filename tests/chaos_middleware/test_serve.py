"""`python -m chaos_middleware.serve`: what it refuses, what it chooses, and that it leaves nothing behind."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request

import pytest

from chaos_middleware import serve, servers

APP = """
import os
def app(environ, start_response):
    start_response("200 OK", [("X-Pid", str(os.getpid()))])
    return [environ["PATH_INFO"].encode()]
def fail():
    raise RuntimeError("no database")
"""
EXPERIMENT = {"version": 1, "rules": [{"name": "e", "seam": "wsgi", "rate": 1, "fault": {"type": "http_error"}}]}
RESET = {"version": 1, "rules": [{"name": "r", "seam": "wsgi", "rate": 1, "fault": {"type": "connection_reset"}}]}


def _has_ipv6():
    with socket.socket(socket.AF_INET6) as probe, contextlib.suppress(OSError):
        probe.bind(("::1", 0))
        return True
    return False


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An app's folder with a module and two experiments; the environment says nothing about chaos."""
    (tmp_path / "shop.py").write_text(APP)
    (tmp_path / "chaos-config.json").write_text(json.dumps(EXPERIMENT))
    (tmp_path / "reset.json").write_text(json.dumps(RESET))
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("CHAOS_")]:
        monkeypatch.delenv(name)
    return tmp_path


@pytest.fixture
def started(folder):
    """Starts it in a process and returns it with its first line and URL."""
    running = []

    def start(*arguments):
        command = [sys.executable, "-m", "chaos_middleware.serve", "shop:app", "--bind", "127.0.0.1:0", *arguments]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        running.append(process)
        line = process.stdout.readline()
        return process, line, line.split()[3] if line else ""

    yield start
    for process in running:
        process.kill()
        process.communicate()


def get(url, key=None):
    """Status and headers of a GET."""
    request = urllib.request.Request(url, headers={"X-Chaos-Key": key} if key else {})
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, answer.headers
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers


@pytest.mark.parametrize("server", ["gunicorn", "wsgiref"])
@pytest.mark.parametrize(
    ("target", "says"),
    [
        ("nowhere:app", "there is no module 'nowhere'"),
        ("shop:missing", "has no 'missing'"),
        ("shop:fail()", "shop:fail() fails: RuntimeError: no database ("),
    ],
)
def test_an_app_that_cannot_be_served_is_one_sentence(folder, server, target, says):
    """Exit code 2 and nothing else on stderr, also where the app is only loaded in (several) workers."""
    command = [sys.executable, "-m", "chaos_middleware.serve", target, "--bind", "127.0.0.1:0", "--server", server]
    done = subprocess.run([*command, "--workers", "2"], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith("error: ")
    assert says in done.stderr
    assert done.stderr.count("\n") == 1
    assert "serving" not in done.stdout


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["shop"], "'shop' is not MODULE:APP"),
        (["shop:app", "--bind", "0.0.0.0:0"], "--bind 0.0.0.0:0: only loopback, unless the experiment says"),
        (["shop:app", "--bind", "127.0.0.1"], "--bind 127.0.0.1: HOST:PORT is needed"),
        (["shop:app", "--bind", "127.0.0.1:99999"], "HOST:PORT is needed"),
        (["shop:app", "--bind", "127.0.0.1:²"], "HOST:PORT is needed"),
        (["shop:app", "--workers", "0"], "--workers 0: at least 1 is needed"),
        (["shop:app", "--app-dir", "nowhere"], "there is no such folder"),
        (["shop:app", "--config", "missing.json"], "missing.json: cannot be read"),
    ],
)
def test_wrong_arguments_are_one_sentence(folder, capsys, arguments, says):
    """Before anything is started."""
    assert serve.main(arguments) == 2
    error = capsys.readouterr().err
    assert says in error
    assert error.count("\n") == 1


def test_a_taken_port_is_told_at_once(folder, capsys):
    """Gunicorn alone would try for five seconds."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        bind = "{}:{}".format(*other.getsockname())
        assert serve.main(["shop:app", "--bind", bind]) == 2
    assert capsys.readouterr().err == f"error: --bind {bind}: the port is taken\n"


def test_the_best_server_that_there_is(monkeypatch):
    """In the order of the list; one that is half there is told."""
    chosen, notes = serve._choose(None)
    assert (chosen.name, notes) == ("gunicorn", [])
    monkeypatch.setitem(sys.modules, "gunicorn.workers.ggevent", None)
    chosen, notes = serve._choose(None)
    assert chosen.name == "gthread"
    assert notes[0].startswith("gunicorn (gevent) cannot be had here: ")


def test_a_server_that_is_not_there_is_not_replaced(monkeypatch, folder, capsys):
    """Who asks for one by name gets it or an error."""
    monkeypatch.setitem(sys.modules, "waitress", None)
    assert serve.main(["shop:app", "--server", "waitress", "--bind", "127.0.0.1:0"]) == 2
    assert "waitress cannot be had here" in capsys.readouterr().err


def test_a_rule_that_the_server_cannot_have_is_told_at_the_start():
    """waitress shows no connection."""
    from chaos_middleware.experiment import parse

    waitress = next(server for server in servers.SERVERS if server.name == "waitress")
    assert serve._unsupported(waitress, parse(RESET)) == [
        "rule r: connection_reset is refused: waitress does not let the app at its connection"
    ]
    assert serve._unsupported(servers.SERVERS[0], parse(RESET)) == []


def test_giving_a_config_opts_in(started, folder):
    """No environment is needed; the ledger is in the run folder, and says what served."""
    _, line, url = started("--config", "chaos-config.json", "--run-dir", "run")
    assert line == f"serving shop:app on {url} with gunicorn (gevent), 1 worker\n"
    assert [get(url)[0], get(url, "1.1.1")[0]] == [200, 503]
    (part,) = (folder / "run").glob("faults/*.jsonl")
    assert json.loads(part.read_text().splitlines()[0])["server"] == "gunicorn (gevent)"


@pytest.mark.skipif(not _has_ipv6(), reason="this machine has no ::1")
def test_the_url_of_an_ipv6_address_has_brackets(started):
    """It can be asked as it is told."""
    _, _, url = started("--server", "wsgiref", "--bind", "[::1]:0")
    assert url.startswith("http://[::1]:")
    assert get(url)[0] == 200


def test_without_opting_in_nothing_is_injected(started):
    """Served wrapped, and off."""
    _, _, url = started("--server", "wsgiref")
    assert get(url, "1.1.1")[0] == 200


def test_plain_is_not_wrapped(started, monkeypatch):
    """Whatever the environment says: what the app calls must not break."""
    monkeypatch.setenv("CHAOS_ENABLED", "1")
    monkeypatch.setenv("CHAOS_CONFIG", "chaos-config.json")
    _, _, url = started("--plain", "--server", "wsgiref")
    assert get(url, "1.1.1")[0] == 200


def test_workers_that_a_server_cannot_have_are_told(started):
    """One process serves, and a line says so."""
    process, line, _ = started("--server", "werkzeug", "--workers", "3")
    assert line.endswith("with werkzeug (threads), 1 worker\n")
    assert process.stdout.readline() == "note: werkzeug has one process; 3 workers were asked for\n"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_with_all_its_workers(started, number):
    """By either signal, quickly and without a word."""
    process, line, url = started("--workers", "2")
    assert line.endswith("2 workers\n")
    workers: set[int] = set()
    until = time.monotonic() + 10
    while len(workers) < 2:  # gunicorn loses a signal that comes while it forks
        assert time.monotonic() < until
        workers.add(int(get(url)[1]["X-Pid"]))
    process.send_signal(number)
    assert process.wait(timeout=15) == 0
    assert process.stderr.read() == ""
    for pid in workers:
        _gone(pid)


def test_a_worker_that_dies_is_replaced(started):
    """SIGKILL to the only worker; the next request is served by another."""
    _, _, url = started()
    first = int(get(url)[1]["X-Pid"])
    os.kill(first, signal.SIGKILL)
    assert int(get(url)[1]["X-Pid"]) != first


def _gone(pid):
    until = time.monotonic() + 10
    while time.monotonic() < until:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return
        time.sleep(0.02)
    raise AssertionError(f"process {pid} is still there")
