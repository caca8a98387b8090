"""Where a pool is told to ask whether its connections live: at the engine that the run's statements went through."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from chaos_analysis.fixes._fix import Spot
from chaos_analysis.fixes.pool_pre_ping import PoolPrePing
from tests.chaos_analysis.fixes.made_up import pattern, proposed

if TYPE_CHECKING:
    from chaos_analysis.model import Proposal

PLANNER = Path(__file__).parents[3] / "examples" / "orbital_travel_planner" / "orbital_travel_planner"


def _proposed(folder: Path, *said: str, engine: str = "postgresql") -> Proposal:
    calls = [{"target": target} for target in said or (f"CHECKOUT {engine}",)]
    (found,) = proposed(folder, "pool_pre_ping", pattern("stale_pool", "shop.py", 1), calls=calls)
    return found


def test_the_planners_engine_for_postgresql_is_changed_and_not_the_one_for_sqlite(tmp_path: Path) -> None:
    """Two engines are made in one function; the run's checkouts were of PostgreSQL."""
    shutil.copy(PLANNER / "database.py", tmp_path)
    found = _proposed(tmp_path)
    assert (found.file, found.function) == ("database.py", "_engine")
    assert "+        return create_engine(parsed, pool_pre_ping=True, pool_recycle=300)" in found.diff
    assert found.diff.count("pool_pre_ping") == 1


def test_among_several_engines_nothing_is_guessed(tmp_path: Path) -> None:
    """Engines in two other files: the proposal names both and has no diff."""
    for name in ("one.py", "two.py"):
        (tmp_path / name).write_text("from sqlalchemy import create_engine\n\nengine = create_engine(URL)\n")
    found = _proposed(tmp_path)
    assert not found.diff
    assert "one.py:3, two.py:3" in (found.why_no_diff or "")


def test_the_engine_of_the_statements_own_file_comes_first(tmp_path: Path) -> None:
    """An engine in the file of the call site is the one, whatever others there are."""
    for name in ("shop.py", "two.py"):
        (tmp_path / name).write_text("from sqlalchemy import create_engine\n\nengine = create_engine(URL)\n")
    assert _proposed(tmp_path).file == "shop.py"


def test_the_extensions_setting_comes_before_the_extension(tmp_path: Path) -> None:
    """Where Flask-SQLAlchemy's options stand in one file and it is made in another, they are where it is said."""
    (tmp_path / "settings.py").write_text("SQLALCHEMY_ENGINE_OPTIONS = {'pool_size': 5}\n")
    (tmp_path / "store.py").write_text("from flask_sqlalchemy import SQLAlchemy\n\ndb = SQLAlchemy()\n")
    found = _proposed(tmp_path)
    assert found.file == "settings.py"
    assert '+SQLALCHEMY_ENGINE_OPTIONS = {"pool_recycle": 300, "pool_pre_ping": True, \'pool_size\': 5}' in found.diff


def test_an_engine_that_asks_already_has_no_proposal(tmp_path: Path) -> None:
    """What is there is not proposed again."""
    (tmp_path / "shop.py").write_text(
        "from sqlalchemy import create_engine\n\nengine = create_engine(URL, pool_pre_ping=True)\n"
    )
    assert proposed(tmp_path, "pool_pre_ping", pattern("stale_pool", "shop.py", 1)) == []


def test_what_the_callers_of_a_factory_say_wins() -> None:
    """The defaults stand before what the factory is given, so that a caller may still refuse to ask."""
    source = (
        "from sqlalchemy import create_engine\n\n\ndef make(**more):\n    return create_engine('sqlite://', **more)\n"
    )
    names: dict[str, object] = {}
    exec(compile(PoolPrePing().edit(source, Spot(line=5)), "store.py", "exec"), names)
    make = names["make"]
    assert callable(make)
    assert make().pool._pre_ping is True
    assert make(pool_pre_ping=False).pool._pre_ping is False
