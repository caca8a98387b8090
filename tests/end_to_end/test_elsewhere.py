"""Services that are not ours: another environment, and one that runs already."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conftest import Command

UV = Path(sys.executable).with_name("uv")
BY_HAND = """
import sys
from wsgiref.simple_server import make_server
from chaos_middleware import ChaosMiddleware

def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"fine"]

with make_server("127.0.0.1", 0, ChaosMiddleware(app)) as server:
    print(server.server_port, flush=True)
    server.serve_forever()
"""


def oldest_python() -> str:
    """A Python 3.9 where there is one, else this one."""
    candidates = [shutil.which("python3.9"), *map(str, Path.home().glob(".pyenv/versions/3.9.*/bin/python3"))]
    for python in filter(None, candidates):
        if subprocess.run([python, "-c", ""], check=False, capture_output=True).returncode == 0:
            return python
    return sys.executable


@pytest.fixture(scope="module")
def old_python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of an environment with Flask 2.2 and nothing of ours, not even gunicorn."""
    folder = tmp_path_factory.mktemp("old") / "venv"
    subprocess.run([UV, "venv", "-q", "--python", oldest_python(), folder], check=True)
    packages = ("flask==2.2.5", "werkzeug==2.2.3")
    subprocess.run([UV, "pip", "install", "-q", "--python", folder / "bin" / "python", *packages], check=True)
    return folder / "bin" / "python"


def test_a_service_with_an_older_flask_is_broken_and_reported(command: Command, shop: Path, old_python: Path) -> None:
    """Its own interpreter serves it, with faults at the edge and on its outbound call; the report names the file."""
    done = command.run("run", "--app-dir", str(shop), "--python", str(old_python), "--requests", "300", "--users", "5")
    assert done.returncode == 0, done.stdout + done.stderr
    opened = [json.loads(file.open().readline()) for file in command.run_dir.glob("faults/*.jsonl")]
    ours = ".".join(str(part) for part in sys.version_info[:3])
    assert oldest_python() == sys.executable or all(record["python"] != ours for record in opened)
    assert any(
        (pattern["site"] or {}).get("file") == "shop.py"
        for pattern in command.json("failure-patterns.json")["patterns"]
    )


def test_none_of_our_packages_enters_the_service(command: Command, old_python: Path) -> None:
    """Beside its own environment it can import the middleware, and no other package of ours."""
    (command.cwd / "probe.py").write_text(
        "import importlib.util as u\n"
        "names = ('chaos_middleware', 'chaos_locust', 'chaos_test', 'locust', 'gevent', 'pandas')\n"
        "found = [name for name in names if u.find_spec(name)]\n"
        "raise SystemExit('found: ' + ' '.join(found))\n"
    )
    done = command.run("run", "probe:app", "--python", str(old_python), "--endpoint", "/")
    assert done.returncode == 2
    assert "SystemExit: found: chaos_middleware (" in done.stderr


def ask(url: str, key: str) -> int:
    """The status of a keyed request that belongs to no run."""
    with urllib.request.urlopen(urllib.request.Request(url, headers={"X-Chaos-Key": key})) as answer:
        return int(answer.status)


@pytest.fixture
def service(command: Command, shop: Path) -> Iterator[str]:
    """A service with the middleware installed by hand, which writes its ledger where it was told to."""
    env = {
        "CHAOS_ENABLED": "1",
        "CHAOS_CONFIG": str(shop / "chaos-config.json"),
        "CHAOS_RUN_DIR": str(command.cwd / "own"),
    }
    with subprocess.Popen(
        [sys.executable, "-c", BY_HAND],
        env=os.environ | env,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdout is not None
        yield f"http://127.0.0.1:{process.stdout.readline().strip()}"
        process.terminate()


def test_a_service_that_runs_already(command: Command, shop: Path, service: str) -> None:
    """It is driven and stays up; that its faults are not in this run's folder, and cannot be checked, is said."""
    words = ("--config", str(shop / "chaos-config.json"), "--requests", "60", "--users", "3")
    done = command.run("run", "--url", service, "--endpoint", "/", *words)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"ledger of {service} is not in this run's folder" in done.stdout
    assert len(command.rows()) == 60
    assert list((command.cwd / "own" / "faults").iterdir())


def test_a_service_that_runs_already_and_its_ledger(command: Command, shop: Path, service: str) -> None:
    """With the folder of its ledger the run is as good as any other: only this run's part is taken."""
    words = ("--config", str(shop / "chaos-config.json"), "--requests", "60", "--users", "3", "--endpoint", "/")
    assert ask(f"{service}/before", "9.0.1") == 200
    done = command.run("run", "--url", service, "--ledger", str(command.cwd / "own"), *words)
    assert done.returncode == 0, done.stdout + done.stderr
    taken = [line for file in command.run_dir.glob("faults/*.reached") for line in file.open()]
    assert len(taken) == 60
    assert not any(line.startswith("9.0.1\t") for line in taken)


def test_a_url_where_nobody_answers(command: Command) -> None:
    """One sentence, exit code 2, at once: no app is going to come up there."""
    done = command.run("run", "--url", "http://127.0.0.1:1", "--endpoint", "/")
    assert (done.returncode, done.stderr) == (2, "chaos-test: --url http://127.0.0.1:1: nobody answers there\n")
