"""`[tool.chaos-test]` in an app's pyproject.toml."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from chaos_middleware.errors import ExperimentError
from chaos_test.errors import ChaosTestError
from chaos_test.table import Service, Table, find, read

if TYPE_CHECKING:
    from pathlib import Path


def write(folder: Path, text: str) -> Path:
    """A folder with this pyproject.toml."""
    (folder / "pyproject.toml").write_text(text)
    return folder


def test_the_whole_table(tmp_path: Path) -> None:
    """Every key arrives as written."""
    text = """
[tool.chaos-test]
app = "shop:create_app()"
app-dir = "src"
python = ".venv/bin/python"
config = "chaos-config.json"
locustfiles = ["buyers.py"]
endpoints = ["GET /items"]
env = { DATABASE_URL = "sqlite:///{scratch}/shop.db" }
[tool.chaos-test.services.stock]
app = "stock:app"
env = "STOCK_URL"
"""
    assert read(write(tmp_path, text)) == Table(
        app="shop:create_app()",
        app_dir="src",
        python=".venv/bin/python",
        config="chaos-config.json",
        locustfiles=("buyers.py",),
        endpoints=("GET /items",),
        env=(("DATABASE_URL", "sqlite:///{scratch}/shop.db"),),
        services=(Service("stock", "stock:app", "STOCK_URL"),),
    )


def test_no_table_is_none(tmp_path: Path) -> None:
    """Neither a folder without the file nor a file without the table has defaults."""
    assert read(tmp_path) is None
    assert read(write(tmp_path, "[project]\nname = 'shop'\n")) is None


def test_the_table_of_the_nearest_folder_above_is_found_within_the_repository(tmp_path: Path) -> None:
    """A pyproject.toml without the table is passed; above the top of the repository nobody looks."""
    top, app = tmp_path / "top", tmp_path / "top/shop/src"
    app.mkdir(parents=True)
    write(tmp_path, '[tool.chaos-test]\napp = "outside:app"\n')
    (top / ".git").mkdir()
    assert find(app) == (app, None)
    write(top / "shop", "[project]\nname = 'shop'\n")
    assert find(app) == (top / "shop", None)
    write(top, '[tool.chaos-test]\napp = "top:app"\n')
    assert find(app) == (top, Table(app="top:app"))
    write(app, '[tool.chaos-test]\napp = "shop:app"\n')
    assert find(app) == (app, Table(app="shop:app"))


def test_outside_a_repository_the_first_file_above_is_the_last_looked_at(tmp_path: Path) -> None:
    """Who knows whose the folders above it are."""
    app = tmp_path / "shop/src"
    app.mkdir(parents=True)
    write(tmp_path, '[tool.chaos-test]\napp = "other:app"\n')
    write(app.parent, "[project]\nname = 'shop'\n")
    assert find(app) == (app.parent, None)
    write(app.parent, '[tool.chaos-test]\napp = "shop:app"\n')
    assert find(app) == (app.parent, Table(app="shop:app"))


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("locustfile = 'x'", r"pyproject.toml: tool.chaos-test.locustfile: .* no such key here; the keys are app"),
        ("locustfiles = 'x'", "a list of strings"),
        ("env = { A = 1 }", "tool.chaos-test.env.A: 1 is not allowed"),
        ("services = { stock = { app = 'a:b' } }", "services.stock.env: .* missing"),
        ("services = { stock = { app = 'a:b', env = 'E', port = 1 } }", "services.stock.port: 1 is not allowed"),
    ],
)
def test_wrong_keys_are_refused_by_their_path(tmp_path: Path, line: str, why: str) -> None:
    """The error names the file, the key, the value and what is allowed."""
    with pytest.raises(ExperimentError, match=why):
        read(write(tmp_path, f"[tool.chaos-test]\n{line}\n"))


def test_a_file_that_is_not_toml_is_one_sentence(tmp_path: Path) -> None:
    """A syntax error names the file."""
    with pytest.raises(ChaosTestError, match=r"pyproject\.toml: cannot be read: "):
        read(write(tmp_path, "[tool"))
