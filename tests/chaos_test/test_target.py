"""What is broken: the target that the command line and the table name."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from chaos_test import target
from chaos_test.errors import ChaosTestError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    Parse = Callable[..., argparse.Namespace]


def test_without_any_word_it_is_the_planner(parse: Parse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a folder that is no app's, `chaos-test run` means the repository's example, with its suppliers."""
    monkeypatch.chdir(tmp_path)
    found = target.resolve(parse())
    assert found.dir == target.PLANNER
    assert found.app == "orbital_travel_planner:create_app()"
    assert [service.env for service in found.services] == ["SUPPLIERS_URL"]


def test_without_the_repository_there_is_no_planner(
    parse: Parse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An installed package says that the example is elsewhere."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(target, "PLANNER", tmp_path / "nowhere")
    with pytest.raises(ChaosTestError, match=r"give MODULE:APP: .* comes with the repository"):
        target.resolve(parse())


def test_a_folder_with_a_table_is_its_own_default(parse: Parse, app_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the current folder has the table, its app is run."""
    (app_dir / "pyproject.toml").write_text('[tool.chaos-test]\napp = "shop:app"\n')
    monkeypatch.chdir(app_dir)
    assert target.resolve(parse()).app == "shop:app"


def test_the_command_line_wins_over_the_table(parse: Parse, app_dir: Path) -> None:
    """A target given replaces the table's; the rest of the table stays."""
    (app_dir / "pyproject.toml").write_text('[tool.chaos-test]\napp = "shop:app"\nconfig = "c.json"\n')
    found = target.resolve(parse("shop:make()", "--app-dir", str(app_dir)))
    assert found.app == "shop:make()"
    assert found.path(found.table.config) == app_dir / "c.json"


def test_a_project_names_its_apps_folder(parse: Parse, app_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From the project's folder, from below it and by the app's folder it is the same app; paths are the file's."""
    text = '[tool.chaos-test]\napp = "shop:app"\napp-dir = "src"\nconfig = "c.json"\n'
    (app_dir / "pyproject.toml").write_text(text)
    src, tests = app_dir / "src", app_dir / "tests"
    src.mkdir()
    tests.mkdir()
    monkeypatch.chdir(tests)
    by_place = target.resolve(parse())
    found = [target.resolve(parse("--app-dir", str(folder))) for folder in (app_dir, src)]
    assert found == [by_place, by_place]
    assert (by_place.app, by_place.dir) == ("shop:app", src)
    assert by_place.path(by_place.table.config) == app_dir / "c.json"


def test_a_table_that_names_another_apps_folder_is_not_this_ones(parse: Parse, app_dir: Path) -> None:
    """Two apps in one repository; what is named must be there, too."""
    (app_dir / "pyproject.toml").write_text('[tool.chaos-test]\napp = "shop:app"\napp-dir = "src"\n')
    (app_dir / "other").mkdir()
    with pytest.raises(ChaosTestError, match=r"tool.chaos-test.app-dir: 'src': there is no such folder"):
        target.resolve(parse("--app-dir", str(app_dir)))
    (app_dir / "src").mkdir()
    other = target.resolve(parse("other:app", "--app-dir", str(app_dir / "other")))
    assert (other.app, other.dir, other.table.app) == ("other:app", app_dir / "other", "")


def test_a_python_in_a_virtual_environment_stays_a_link(parse: Parse, app_dir: Path) -> None:
    """The interpreter's path is not resolved: through its link Python knows which environment it is in."""
    link = app_dir / "python"
    link.symlink_to(sys.executable)
    assert target.resolve(parse("shop:app", "--app-dir", str(app_dir), "--python", str(link))).python == link


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("shop:app", "--app-dir", "/no/such/folder"), "--app-dir /no/such/folder: there is no such folder"),
        (("--app-dir", "{dir}"), r"no app is named: give MODULE:APP, or app = … under \[tool.chaos-test\]"),
        (("shop", "--app-dir", "{dir}"), "'shop' is not an app such as shop:app"),
        (("shop:app", "--app-dir", "{dir}", "--python", "/no/python"), "--python /no/python: there is no such program"),
        (("shop:app", "--app-dir", "{dir}", "--python", "/bin/true"), "does not answer like a Python interpreter"),
        (("--url", "localhost:8000"), "is not an address such as"),
        (("--url", "http://127.0.0.1:99999"), "is not an address such as"),
        (("--url", "http://[::1"), "is not an address such as"),
        (("shop:app", "--url", "http://127.0.0.1"), "so MODULE:APP has no meaning beside it"),
    ],
)
def test_what_cannot_be_a_target_is_one_sentence(parse: Parse, app_dir: Path, words: tuple[str, ...], why: str) -> None:
    """Each says what is wrong, and what would be right."""
    with pytest.raises(ChaosTestError, match=why):
        target.resolve(parse(*(word.replace("{dir}", str(app_dir)) for word in words)))


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://127.0.0.1:80", True),
        ("http://localhost", True),
        ("http://[::1]:80", True),
        ("http://10.0.0.1", False),
        ("https://shop.example", False),
        ("http://127.0.0.1.example", False),
    ],
)
def test_loopback(url: str, expected: bool) -> None:
    """Only addresses of this machine count; a name that merely begins like one does not."""
    assert target.is_loopback(url) is expected


def test_the_planner_is_in_this_repository() -> None:
    """The default exists where the package is checked out."""
    assert (target.PLANNER / "pyproject.toml").is_file()
    assert Path(target.__file__).parents[1] in target.PLANNER.parents
