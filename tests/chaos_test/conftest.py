"""What the tests of the command share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from chaos_test.__main__ import parser

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture
def parse() -> Callable[..., argparse.Namespace]:
    """A function: the words after `chaos-test run` → the parsed arguments."""
    return lambda *words: parser().parse_args(["run", *words])


@pytest.fixture
def app_dir(tmp_path: Path) -> Path:
    """An app's folder with a locustfile, and no table."""
    (tmp_path / "shop.py").write_text("def app(environ, start_response): ...\n")
    (tmp_path / "buyers.py").write_text("import locust\n")
    return tmp_path
