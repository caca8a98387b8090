"""Counting from outside what a process holds."""

from __future__ import annotations

import json
import os
import socket
from typing import TYPE_CHECKING

from chaos_test import resources
from chaos_test.resources import Resources

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def lines(folder: Path) -> list[dict[str, object]]:
    """What was written about this process."""
    text = (folder / "resources.jsonl").read_text()
    return [line for line in map(json.loads, text.splitlines()) if line["pid"] == os.getpid()]


def test_descriptors_and_connections_are_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection that this process made counts by the other end's address; one that it accepted does not."""
    monkeypatch.setattr(resources, "SETTLE_SECONDS", 0)
    counted = Resources(tmp_path, os.getpid())
    counted.before()
    with socket.create_server(("127.0.0.1", 0)) as server:
        out = [socket.create_connection(server.getsockname()) for _ in range(3)]
        accepted = [server.accept()[0] for _ in out]
        counted.after()
        address = "{}:{}".format(*server.getsockname())
        for one in (*out, *accepted):
            one.close()
    before, after = lines(tmp_path)
    assert (before["when"], after["when"]) == ("before", "after")
    assert after["connections"][address] == 3
    assert address not in before["connections"]
    assert after["descriptors"] - before["descriptors"] == 7
    assert after["rss"] > 1 << 20


def test_once_a_second_is_enough(tmp_path: Path) -> None:
    """Looking more often writes nothing more."""
    counted = Resources(tmp_path, os.getpid())
    for _ in range(5):
        counted.look()
    assert len(lines(tmp_path)) == 1


def test_a_service_that_is_not_ours_is_not_counted(tmp_path: Path) -> None:
    """Nor one that has gone."""
    Resources(tmp_path, None).before()
    Resources(tmp_path, None).after()
    assert not (tmp_path / "resources.jsonl").exists()
