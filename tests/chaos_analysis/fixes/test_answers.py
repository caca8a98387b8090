"""In which file of an app the handler of an error goes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from chaos_analysis.fixes._answers import home
from chaos_analysis.sources import Sources

if TYPE_CHECKING:
    from pathlib import Path

APP = "from flask import Flask\n\napp = Flask(__name__)\n"
HANDLER = "\n\n@app.errorhandler(404)\ndef missing(error):\n    return '', 404\n"


@pytest.mark.parametrize(("first", "file"), [("shop/orders.py", "shop/__init__.py"), ("db.py", "partners/__init__.py")])
def test_of_two_apps_that_of_the_calls_package_is_taken(tmp_path: Path, first: str, file: str) -> None:
    """Without such a package the one with handlers."""
    for name, text in (("partners", APP + HANDLER), ("shop", APP)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text(text)
    assert home(Sources(tmp_path), ("TimeoutError",), first) == file
