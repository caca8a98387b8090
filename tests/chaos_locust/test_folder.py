"""Lines on their way to disk."""

from __future__ import annotations

import os

import pytest


def test_several_processes_append_whole_lines_to_one_file(pure, tmp_path):
    """Two folders opened on the same path do not overwrite each other."""
    first, second = pure.folder.Disk(tmp_path), pure.folder.Disk(tmp_path)
    for i in range(3):
        first.shared("load.jsonl")(b"first %d\n" % i)
        second.shared("load.jsonl")(b"second %d\n" % i)
    assert len((tmp_path / "load.jsonl").read_bytes().splitlines()) == 6
    first.close()
    second.close()


def test_a_partly_written_line_is_an_error(pure, tmp_path, monkeypatch):
    """A full disk takes a part of a line and says so only in the count."""
    append = pure.folder.Disk(tmp_path).shared("load.jsonl")
    monkeypatch.setattr(os, "write", lambda _file, line: len(line) - 1)
    with pytest.raises(OSError, match="part of the row"):
        append(b"line\n")


def test_post_arrives_once_and_in_order(pure, tmp_path):
    """What a report took is not in the next one; a report without lines, or of another make, writes nothing."""
    post, disk = pure.folder.Post(), pure.folder.Disk(tmp_path)
    reports = []
    for lines in ((b"a\n", b"b\n"), (b"c\n",), ()):
        for line in lines:
            post.part("worker-1.jsonl")(line)
        reports.append({"stats": []})
        post.report(reports[-1])
    for report in [*reports, {"stats": []}]:
        pure.folder.deliver(report, disk)
    assert (tmp_path / "worker-1.jsonl").read_text() == "a\nb\nc\n"
    disk.close()


def test_only_a_master_on_this_machine_shares_its_disk(pure, tmp_path):
    """Another host has its own files, even where a folder of that name is here too."""
    shares = pure.folder.shares_disk
    assert shares("127.0.0.1", tmp_path)
    assert not shares("10.0.0.1", tmp_path)
    assert not shares("127.0.0.1", tmp_path / "not-there")
