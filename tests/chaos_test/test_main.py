"""The console script: sentences and exit codes."""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING

import pytest

from chaos_test import __main__ as command

if TYPE_CHECKING:
    from pathlib import Path


def test_wrong_usage_is_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    """Option, value, what is allowed, and where to read more; exit code 2."""
    with pytest.raises(SystemExit) as stopped:
        command.main(["run", "--users", "none"])
    assert stopped.value.code == 2
    assert capsys.readouterr().err == (
        "chaos-test run: argument --users: 'none' is not a whole number of at least 1 (see chaos-test run --help)\n"
    )


def test_the_version_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    """What somebody puts into a bug report."""
    with pytest.raises(SystemExit) as stopped:
        command.main(["--version"])
    assert stopped.value.code == 0
    assert capsys.readouterr().out == f"chaos-test {version('chaos-test')}\n"


def test_requests_and_run_time_exclude_each_other(capsys: pytest.CaptureFixture[str]) -> None:
    """A run is planned by one of them."""
    with pytest.raises(SystemExit):
        command.main(["run", "--requests", "5", "--run-time", "5s"])
    assert "not allowed with argument" in capsys.readouterr().err


def test_a_missing_config_is_one_sentence(app_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The file is named, and nothing was started or written."""
    words = ["run", "shop:app", "--app-dir", str(app_dir), "--endpoint", "/", "--config", str(app_dir / "none.json")]
    assert command.main([*words, "--out", str(app_dir / "reports")]) == 2
    assert capsys.readouterr().err == f"chaos-test: {app_dir}/none.json: cannot be read: No such file or directory\n"
    assert not (app_dir / "reports").exists()


def test_a_bad_key_in_a_config_is_named(app_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """File, key, value and what is allowed."""
    (app_dir / "c.json").write_text('{"version": 1, "rules": [], "sede": 1}')
    words = ["run", "shop:app", "--app-dir", str(app_dir), "--endpoint", "/", "--config", str(app_dir / "c.json")]
    assert command.main(words) == 2
    assert "c.json: sede: 1 is not allowed; expected no such key here" in capsys.readouterr().err


def test_without_the_toolkit_it_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The base install has no Locust: one sentence with the command that helps."""
    monkeypatch.setattr(command, "TOOLKIT", ("rich", "no_such_package"))
    assert command.main(["run"]) == 2
    assert "no_such_package cannot be found" in (said := capsys.readouterr().err)
    assert "pip install 'chaos-test[toolkit]'" in said


def test_a_report_on_a_missing_folder_is_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The path is named."""
    assert command.main(["report", str(tmp_path / "none")]) == 2
    assert capsys.readouterr().err == f"chaos-test: {tmp_path}/none: there is no such run folder\n"
