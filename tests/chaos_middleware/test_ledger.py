"""The ledger: whole lines, one part per process."""

from __future__ import annotations

import json
import os
import threading

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
