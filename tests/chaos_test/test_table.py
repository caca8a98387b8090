"""`[tool.chaos-test]` in an app's pyproject.toml."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from chaos_middleware.errors import ExperimentError
from chaos_test.errors import ChaosTestError
from chaos_test.table import Service, Table, read

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
