"""Telling what this run takes of the machine from what others take."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from typing import TYPE_CHECKING

from chaos_test import neighbours
from chaos_test.neighbours import Neighbours

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

BURN = "import time; end = time.process_time() + 0.4\nwhile time.process_time() < end: pass"


def lines(folder: Path) -> list[dict[str, float]]:
    """What was written."""
    return [json.loads(line) for line in (folder / "neighbours.jsonl").read_text().splitlines()]


def test_a_child_counts_as_the_run_also_when_it_has_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its processor time is never others', and all of it is there."""
    monkeypatch.setattr(neighbours, "EVERY_SECONDS", 0)
    watched = Neighbours(tmp_path, ours=True)
    subprocess.run([sys.executable, "-c", BURN], check=True)
    watched.look()
    (line,) = lines(tmp_path)
    assert line["run"] >= 0.4
    assert line["run"] + line["others"] <= line["cores"] * (line["seconds"] + 0.1)


def test_a_process_of_somebody_else_is_a_neighbour(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program that is not among the children is started by way of one that has gone."""
    monkeypatch.setattr(neighbours, "EVERY_SECONDS", 0)
    watched = Neighbours(tmp_path, ours=True)
    done = tmp_path / "done"
    burn = f"{BURN}\nopen({str(done)!r}, 'w')"
    start = f"import subprocess; subprocess.Popen([{sys.executable!r}, '-c', {burn!r}], start_new_session=True)"
    subprocess.run([sys.executable, "-c", start], check=True)
    watched.look()  # what started it is counted here
    until = time.monotonic() + 30
    while not done.exists() and time.monotonic() < until:
        time.sleep(0.05)
    watched.look()
    assert sum(line["others"] for line in lines(tmp_path)) >= 0.3
    assert lines(tmp_path)[-1]["run"] < 0.3


def test_oversleeping_is_counted_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By how much, and not again in the next line."""
    monkeypatch.setattr(neighbours, "EVERY_SECONDS", 0)
    watched = Neighbours(tmp_path, ours=True)
    real = time.sleep
    monkeypatch.setattr(time, "sleep", lambda seconds: real(seconds + 0.3))
    watched.sleep(0.01)
    watched.look()
    monkeypatch.setattr(time, "sleep", real)
    watched.look()
    assert [line["late"] >= 0.3 for line in lines(tmp_path)] == [True, False]


def test_twice_a_second_is_enough(tmp_path: Path) -> None:
    """Looking more often writes nothing more."""
    watched = Neighbours(tmp_path, ours=True)
    for _ in range(5):
        watched.look()
    assert not (tmp_path / "neighbours.jsonl").exists()


def test_an_app_that_is_not_ours_would_count_as_a_neighbour(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """So nothing is told."""
    monkeypatch.setattr(neighbours, "EVERY_SECONDS", 0)
    Neighbours(tmp_path, ours=False).look()
    assert not (tmp_path / "neighbours.jsonl").exists()
