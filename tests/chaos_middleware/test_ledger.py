"""The ledger: whole lines, one part per process."""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path

import pytest

from chaos_middleware.ledger import Ledger


def parts(folder):
    """Records by part file."""
    return {part.name: [json.loads(line) for line in part.read_text().splitlines()] for part in folder.glob("*.jsonl")}


def test_a_part_opens_with_who_wrote_it(tmp_path):
    """The first record says version, process and what the ledger is about."""
    ledger = Ledger(tmp_path, seed=7)
    ledger.write("note", text="hello", level="info")
    ledger.close()
    ((first, note),) = parts(tmp_path).values()
    assert (first["kind"], first["version"], first["pid"], first["seed"]) == ("open", 1, os.getpid(), 7)
    assert note == {"kind": "note", "text": "hello", "level": "info"}


def test_nothing_is_made_before_there_is_something_to_write(tmp_path):
    """An app that is wrapped and meets no request leaves no file."""
    Ledger(tmp_path / "faults")
    assert not (tmp_path / "faults").exists()


def test_without_a_folder_nothing_is_kept():
    """A middleware without a run folder works, and has no ledger."""
    ledger = Ledger(None)
    ledger.reached("1.1.1\tchaos\t0")
    ledger.write("note", text="x")


def test_a_plan_is_told_once_per_part(tmp_path):
    """The same rules at another place have the same number."""
    ledger = Ledger(tmp_path)
    ledger.reached("1.1.1\tchaos\t0")
    numbers = [ledger.plan("wsgi", rules, "GET /") for rules in (("a",), ("a", "b"), ("a",))]
    ledger.close()
    (records,) = parts(tmp_path).values()
    assert numbers == [0, 1, 0]
    assert [record["rules"] for record in records if record["kind"] == "plan"] == [["a"], ["a", "b"]]


def test_a_fork_writes_its_own_part(tmp_path):
    """A worker forked after the first record gets files of its own, with the plans told again."""
    ledger = Ledger(tmp_path)
    ledger.reached("1.1.1\tchaos\t0")
    ledger.plan("wsgi", ("a",), "GET /")
    child = os.fork()
    if child == 0:
        ledger.reached("2.1.1\tchaos\t0")
        os._exit(0)
    os.waitpid(child, 0)
    ledger.close()
    by_part = parts(tmp_path)
    assert {records[0]["pid"] for records in by_part.values()} == {os.getpid(), child}
    assert all(records[-1]["rules"] == ["a"] for records in by_part.values())
    assert sorted(part.read_text() for part in tmp_path.glob("*.reached")) == ["1.1.1\tchaos\t0\n", "2.1.1\tchaos\t0\n"]


def test_threads_do_not_tear_lines(tmp_path):
    """A record is one append: eight threads leave whole lines and lose none."""
    ledger = Ledger(tmp_path)
    ledger.write("note", text="first")

    def write(number: int) -> None:
        for n in range(200):
            ledger.write("note", text=f"{number}.{n} " + "x" * 500)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    ledger.close()
    (records,) = parts(tmp_path).values()
    assert len({record["text"] for record in records[2:]}) == 1600


def test_threads_that_come_first_together_share_one_part(tmp_path):
    """However many threads write a process's first records, there is one part, and each plan has its own number."""
    for attempt in range(20):
        ledger, numbers, start = Ledger(tmp_path / str(attempt)), {}, threading.Barrier(16)

        def first(number: int, ledger=ledger, numbers=numbers, start=start) -> None:
            start.wait()
            numbers[number] = ledger.plan("wsgi", (f"r{number % 4}",), "GET /")
            ledger.reached(f"{number}.1.1\tchaos\t0")

        threads = [threading.Thread(target=first, args=(number,)) for number in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        ledger.close()
        (records,) = parts(tmp_path / str(attempt)).values()
        told = {record["rules"][0]: record["plan"] for record in records[1:]}
        assert (records[0]["kind"], sorted(told.values())) == ("open", [0, 1, 2, 3])
        assert numbers == {number: told[f"r{number % 4}"] for number in range(16)}


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a disk that is always full is there on Linux only")
@pytest.mark.parametrize("already_open", [True, False])
def test_a_full_disk_is_said_once_and_harms_nobody(tmp_path, caplog, already_open):
    """A ledger that cannot be written is lost, without an error for its caller."""
    ledger = Ledger(tmp_path / "faults")
    if already_open:
        ledger.write("note", text="in time")
        full = os.open("/dev/full", os.O_WRONLY)
        os.dup2(full, ledger._records)
        os.close(full)
    else:
        (tmp_path / "faults").touch()
    ledger.write("note", text="too late")
    ledger.write("note", text="again")
    ledger.reached("1.1.1\tchaos\t0")
    assert ledger.lost
    assert len(caplog.messages) == 1
    assert "no fault acts any more" in caplog.text
