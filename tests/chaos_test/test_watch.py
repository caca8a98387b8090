"""What a run has done so far, read from growing files."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from chaos_test.watch import Seen, Watch

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def run_dir(tmp_path: Path) -> Path:
    """A run folder as it begins."""
    (tmp_path / "requests").mkdir()
    (tmp_path / "faults").mkdir()
    return tmp_path


def append(file: Path, text: str) -> None:
    """Add to a file as another process does."""
    with file.open("a") as stream:
        stream.write(text)


def test_nothing_yet(run_dir: Path) -> None:
    """An empty folder is a run that has not begun."""
    assert Watch(run_dir).look() == Seen()


def test_rows_and_faults_are_counted_once_over_all_parts(run_dir: Path) -> None:
    """Headers, ends and notes are no requests and no faults; a second look adds only what is new."""
    watch = Watch(run_dir)
    append(run_dir / "requests" / "1.jsonl", '{"version": 1, "columns": []}\n["0.0.1"]\n["0.0.2"]\n')
    append(run_dir / "requests" / "2.jsonl", '["1.0.1"]\n{"closed": 1, "rows": 1}\n')
    append(run_dir / "faults" / "9-1.jsonl", '{"kind": "open"}\n{"kind": "fault", "id": "a"}\n{"kind":"end"}\n')
    assert (watch.look().requests, watch.look().faults) == (3, 1)
    append(run_dir / "requests" / "1.jsonl", '["0.0.3"]\n')
    append(run_dir / "faults" / "9-1.jsonl", '{"kind":"fault","id":"b"}\n')
    seen = watch.look()
    assert (seen.requests, seen.faults) == (4, 2)


def test_half_a_line_waits_for_its_end(run_dir: Path) -> None:
    """A row that is being written is counted when it is whole."""
    watch = Watch(run_dir)
    append(run_dir / "requests" / "1.jsonl", '["0.0.1"')
    assert watch.look().requests == 0
    append(run_dir / "requests" / "1.jsonl", ", 1]\n")
    assert watch.look().requests == 1


def test_users_failures_and_stage_come_from_the_newest_sample_of_each_part(run_dir: Path) -> None:
    """Parts are summed up; the stage is the one that most of them are in."""
    watch = Watch(run_dir)
    for part, users, failures, stage in (("1", 1, 0, "baseline"), ("1", 5, 2, "chaos"), ("2", 5, 3, "chaos")):
        sample = {"t": 1.0, "part": part, "users": users, "cpu_percent": 1, "failures": failures, "stage": stage}
        append(run_dir / "requests" / "load.jsonl", json.dumps(sample) + "\n")
    append(run_dir / "requests" / "load.jsonl", '{"t": 2, "cpu_percent": broken}\n')
    assert watch.look() == Seen(requests=0, failures=5, faults=0, users=10, stage="chaos")


def test_faults_of_a_service_that_runs_already_are_in_its_own_ledger(run_dir: Path, tmp_path: Path) -> None:
    """Those of earlier runs are there, too, and do not count."""
    ledger = tmp_path / "ledger"
    (ledger / "faults").mkdir(parents=True)
    append(ledger / "faults" / "9-1.jsonl", '{"kind": "fault", "id": "earlier"}\n')
    watch = Watch(run_dir, ledger)
    assert watch.look().faults == 0
    append(ledger / "faults" / "9-1.jsonl", '{"kind": "fault", "id": "a"}\n')
    append(ledger / "faults" / "9-2.jsonl", '{"kind": "fault", "id": "b"}\n')
    assert watch.look().faults == 2
