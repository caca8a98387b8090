"""The run folder: made, found, written, and its lease."""

from __future__ import annotations

import json
import os
import re
import time
from typing import TYPE_CHECKING

import pytest

from chaos_test import rundir
from chaos_test.errors import ChaosTestError

if TYPE_CHECKING:
    from pathlib import Path


def test_a_run_folder_is_named_by_time_and_never_twice(tmp_path: Path) -> None:
    """Names sort by time, and two runs in one second get two folders."""
    runs = {rundir.create(tmp_path / "reports") for _ in range(8)}
    assert len(runs) == 8
    assert all(re.fullmatch(r"\d{8}T\d{6}Z-[0-9a-f]{4}", run.name) for run in runs)


def test_an_out_that_cannot_be_made_is_one_sentence(tmp_path: Path) -> None:
    """A file in the way is named."""
    (tmp_path / "reports").write_text("")
    with pytest.raises(ChaosTestError, match=r"--out .*reports: Not a directory"):
        rundir.create(tmp_path / "reports")


def test_the_newest_run_is_found_beside_other_folders(tmp_path: Path) -> None:
    """The sample and files do not count."""
    for name in ("20260101T000000Z-aaaa", "20260301T000000Z-aaaa", "20260201T000000Z-ffff", "sample"):
        _run(tmp_path / name)
    (tmp_path / "20270101T000000Z-aaaa").write_text("")
    assert rundir.newest(tmp_path).name == "20260301T000000Z-aaaa"


def test_patches_are_those_of_the_newest_run_that_has_proposals(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run that was broken off leaves a folder without."""
    monkeypatch.chdir(tmp_path)
    for name in ("20260101T000000Z-aaaa", "20260201T000000Z-ffff", "20260301T000000Z-aaaa"):
        _run(tmp_path / "reports" / name)
    with pytest.raises(ChaosTestError, match=r"no run folder has a fix-proposals\.json; chaos-test report .*0301"):
        rundir.asked(None)
    (tmp_path / "reports/20260201T000000Z-ffff/fix-proposals.json").write_text("{}")
    assert rundir.asked(None).name == "20260201T000000Z-ffff"


def test_a_start_that_failed_is_no_run(tmp_path: Path) -> None:
    """Of its folder the log that the message names stays, and the newest run is the one before it."""
    whole, failed = tmp_path / "20260101T000000Z-aaaa", tmp_path / "20260201T000000Z-aaaa"
    for folder in (whole, failed):
        _run(folder)
        (folder / "faults").mkdir()
        (folder / "app.log").write_text("no such module\n")
        (folder / "locust.log").write_text("")
    rundir.leave(failed, f"the app ended with code 1 at the start; {failed}/app.log ends:\n  no such module")
    assert [file.name for file in failed.iterdir()] == ["app.log"]
    assert rundir.newest(tmp_path) == whole


def test_a_start_that_failed_without_a_log_leaves_no_folder(tmp_path: Path) -> None:
    """Nothing in it would say more than the message does."""
    _run(tmp_path / "run")
    rundir.leave(tmp_path / "run", "http://127.0.0.1:1 did not answer within 30 s")
    assert list(tmp_path.iterdir()) == []


def test_no_run_yet_is_one_sentence(tmp_path: Path) -> None:
    """It says how to make one."""
    with pytest.raises(ChaosTestError, match="no run folder yet; make one with chaos-test run"):
        rundir.newest(tmp_path / "reports")


def test_json_is_written_whole(tmp_path: Path) -> None:
    """No half-written file is ever under the name, and none is left beside it."""
    rundir.write_json(tmp_path / "run.json", {"id": "é"})
    assert json.loads((tmp_path / "run.json").read_text()) == {"id": "é"}
    assert [file.name for file in tmp_path.iterdir()] == ["run.json"]


def test_the_lease_stays_young_while_the_command_lives(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The files are there from the start and touched again and again, also when one is removed; nobody touches them
    afterwards.
    """
    monkeypatch.setattr(rundir, "LEASE_SECONDS", 0.01)
    folders = [tmp_path / "run", tmp_path / "service"]
    for folder in folders:
        folder.mkdir()
    with rundir.Lease(*folders) as lease:
        (folders[0] / "lease").unlink()
        os.utime(folders[1] / "lease", (0, 0))
        until = time.monotonic() + 10
        while (folders[1] / "lease").stat().st_mtime == 0:
            assert time.monotonic() < until
    assert not lease.alive
    assert not (folders[0] / "lease").exists()


def _run(folder: Path) -> None:
    folder.mkdir(parents=True)
    (folder / "run.json").write_text("{}")
