"""One seed, one set of faults: with other worker counts, and with a retry in the app."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest

from chaos_middleware.draws import call_hash

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Command

ROOT = Path(__file__).parent.parent.parent
CALL = '        response = self.session.get(f"{self.url}/fares/{slug}")\n        response.raise_for_status()\n'
RETRIED = """\
        for attempt in range(3):
            try:
                response = self.session.get(f"{self.url}/fares/{slug}")
                response.raise_for_status()
                break
            except requests.RequestException:
                if attempt == 2:
                    raise
"""


class Place(NamedTuple):
    """An injection point that a request reached; `call` and `occurrence` are empty at the edge."""

    key: str
    call: str
    occurrence: str


def _fired(run_dir: Path) -> dict[Place, set[str]]:
    """For every place that was reached, the rules whose draw fired there, whether or not they came to act."""
    found: dict[Place, set[str]] = {}
    for file in run_dir.glob("faults/*.reached"):
        for line in file.read_text().splitlines():
            key, _, _, *call = line.split("\t")
            found[Place(key, *(call or ("", "0")))] = set()
    for file in run_dir.glob("faults/*.jsonl"):
        for line in file.read_text().splitlines():
            record = json.loads(line)
            if record["kind"] in {"fault", "suppressed"}:
                key, rule, *call = record["id"].split(":")
                target, occurrence = record.get("target"), call[0].partition(".")[2] if call else "0"
                if target is None and call:  # a suppressed call: its place by the hash in its id
                    target = _by_hash(found, key, call[0])
                found[Place(key, target or "", occurrence)].add(rule)
    return found


def _by_hash(found: dict[Place, set[str]], key: str, hashed: str) -> str:
    return next(p.call for p in found if p.key == key and p.call and hashed.startswith(call_hash(p.call)))


@pytest.fixture(scope="module")
def planner(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the planner whose fare call is retried at once, up to twice."""
    folder = tmp_path_factory.mktemp("retried") / "orbital_travel_planner"
    shutil.copytree(ROOT / "examples" / "orbital_travel_planner", folder, ignore=shutil.ignore_patterns("__pycache__"))
    client = folder / "orbital_travel_planner" / "suppliers.py"
    source = client.read_text()
    assert source.count(CALL) == 1
    client.write_text(source.replace(CALL, RETRIED))
    return folder


def _run(command: Command, name: str, *words: str) -> Path:
    travellers = str(ROOT / "locustfiles" / "travellers.py")
    done = command.run("run", "--requests", "600", "--locustfile", travellers, "--out", name, *words)
    assert done.returncode in {0, 1}, done.stdout + done.stderr  # an objective may be missed on a busy machine
    (run_dir,) = (command.cwd / name).iterdir()
    return run_dir


@pytest.fixture(scope="module")
def first_run(tmp_path_factory: pytest.TempPathFactory, command_in: Callable[[Path], Command]) -> Path:
    """The planner with one worker."""
    return _run(command_in(tmp_path_factory.mktemp("first")), "one", "--workers", "1")


def test_the_same_seed_meets_the_same_faults_whatever_the_workers_and_with_a_retry(
    command: Command, first_run: Path, planner: Path
) -> None:
    """1 and 3 workers: the same places and faults, exactly. With a retry: the same at every place that both reach."""
    one = _fired(first_run)
    three = _fired(_run(command, "three", "--workers", "3"))
    retried = _fired(_run(command, "retried", "--workers", "1", "--app-dir", str(planner)))

    assert sum(map(len, one.values())) > 50
    assert {place.key for place in one} == {place.key for place in three}
    assert one == three
    both = one.keys() & retried.keys()
    assert {place: one[place] for place in both} == {place: retried[place] for place in both}
    assert any(place.occurrence != "0" for place in retried.keys() - one.keys())


def test_the_call_without_a_timeout_is_named_and_patched(first_run: Path) -> None:
    """File and line of the planner's own call, and a patch for it that applies to this checkout."""
    patterns = json.loads((first_run / "failure-patterns.json").read_bytes())["patterns"]
    sites = [pattern["site"] for pattern in patterns if pattern["finder"] == "missing_timeout"]
    assert {site["file"] for site in sites} == {"orbital_travel_planner/suppliers.py"}
    source = (ROOT / "examples" / "orbital_travel_planner" / sites[0]["file"]).read_text().splitlines()
    assert all("self.session.get(" in source[site["line"] - 1] for site in sites)

    proposals = json.loads((first_run / "fix-proposals.json").read_bytes())["proposals"]
    patches = [proposal["patch"] for proposal in proposals if proposal["fix"] == "http_timeout" and proposal["patch"]]
    assert patches
    for patch in patches:
        assert "timeout=(" in (first_run / patch).read_text()
        subprocess.run(["git", "-C", str(ROOT), "apply", "--check", str(first_run / patch)], check=True)
