"""What is collected when the load is over."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from chaos_test import harvest

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def run(tmp_path: Path) -> dict[str, Any]:
    """A run.json of an app in `app/`, its folder in `run/`."""
    (tmp_path / "app" / "lib").mkdir(parents=True)
    (tmp_path / "app" / "lib" / "fares.py").write_text("fares = 1\n")
    (tmp_path / "elsewhere.py").write_text("secret = 1\n")
    for name in ("faults", "requests"):
        (tmp_path / "run" / name).mkdir(parents=True)
    (tmp_path / "run" / "chaos-config.json").write_text('{"version": 1, "rules": []}')
    return {"app": {"dir": str(tmp_path / "app"), "server": None}, "ended_by": "requests", "reason": "All in."}


def ledger(tmp_path: Path, *records: dict[str, Any]) -> None:
    """Write the ledger of one process, whose last line was cut short."""
    lines = [json.dumps(record) for record in records]
    (tmp_path / "run" / "faults" / "1-1.jsonl").write_text("\n".join([*lines, '{"kind": "fa']))


def test_sources_are_those_the_ledger_names_inside_the_app(tmp_path: Path, run: dict[str, Any]) -> None:
    """Absolute and relative paths are found; what lies outside the app's folder, or is gone, is not taken."""
    app = tmp_path / "app"
    ledger(
        tmp_path,
        {"kind": "call", "site": {"file": str(app / "lib" / "fares.py"), "line": 1}},
        {"kind": "call", "site": {"file": "../elsewhere.py", "line": 1}},
        {"kind": "request", "frame": {"file": str(app / "gone.py"), "line": 1}},
    )
    harvest.finish(tmp_path / "run", run)
    kept = [str(file.relative_to(tmp_path / "run")) for file in (tmp_path / "run" / "sources").rglob("*.py")]
    assert kept == ["sources/lib/fares.py"]


@pytest.mark.parametrize(
    "makes",
    [
        "app = Flask(__name__)",
        "engine = create_engine(URL)",
        "db = SQLAlchemy()",
        "SQLALCHEMY_ENGINE_OPTIONS = {}",
        "pool = ConnectionPool(URL)",
        "connection = psycopg.connect(URL)",
        "cache = redis.Redis.from_url(URL)",
        "cache = Valkey()",
        "try:\n    f()\nexcept:\n    pass",
        "try:\n    f()\nexcept (KeyError, Exception) as error:\n    pass",
    ],
)
def test_sources_are_also_those_that_make_what_calls_use(makes: str, tmp_path: Path, run: dict[str, Any]) -> None:
    """The call site names the statement; the engine, pool or client is made elsewhere, and a proposal belongs there."""
    app = tmp_path / "app"
    (app / "store.py").write_text(f"{makes}\n")
    (app / "tests").mkdir()
    (app / "tests" / "conftest.py").write_text(f"{makes}\n")
    ledger(tmp_path)
    harvest.finish(tmp_path / "run", run)
    kept = [str(file.relative_to(tmp_path / "run")) for file in (tmp_path / "run" / "sources").rglob("*.py")]
    assert kept == ["sources/store.py"]


def test_an_except_that_is_narrow_is_no_reason_to_keep_a_file(tmp_path: Path, run: dict[str, Any]) -> None:
    """It swallows what its author meant it to."""
    (tmp_path / "app" / "store.py").write_text("try:\n    f()\nexcept KeyError:\n    pass\n")
    ledger(tmp_path)
    harvest.finish(tmp_path / "run", run)
    assert not (tmp_path / "run" / "sources").exists()


def test_sources_are_also_what_declares_the_apps_dependencies(tmp_path: Path, run: dict[str, Any]) -> None:
    """A change may need a package: it is declared where the app's others are, at the top of its folder."""
    app = tmp_path / "app"
    for name in ("pyproject.toml", "requirements-dev.txt", "setup.cfg", "lib/requirements.txt"):
        (app / name).parent.mkdir(exist_ok=True)
        (app / name).write_text("")
    ledger(tmp_path)
    harvest.finish(tmp_path / "run", run)
    kept = sorted(file.name for file in (tmp_path / "run" / "sources").rglob("*.*"))
    assert kept == ["pyproject.toml", "requirements-dev.txt"]


@pytest.mark.parametrize(
    ("own", "prefix", "kept"),
    [
        ("", "src", [".above/pyproject.toml", ".above/requirements.txt"]),
        ("pyproject.toml", "src", ["pyproject.toml"]),
        ("", "", []),
    ],
)
def test_an_app_in_src_declares_its_dependencies_one_folder_up(
    tmp_path: Path, run: dict[str, Any], own: str, prefix: str, kept: list[str]
) -> None:
    """Those are kept, unless it has its own, or no patch could name them: above it is no repository."""
    (tmp_path / "src").mkdir()
    for name in filter(None, ("pyproject.toml", "requirements.txt", own and f"src/{own}")):
        (tmp_path / name).write_text("")
    ledger(tmp_path)
    harvest.finish(tmp_path / "run", run | {"app": {"dir": str(tmp_path / "src"), "git_prefix": prefix}})
    sources = tmp_path / "run" / "sources"
    assert sorted(file.relative_to(sources).as_posix() for file in sources.rglob("*.*") if file.is_file()) == kept


def test_the_experiment_lists_what_was_reached(tmp_path: Path, run: dict[str, Any]) -> None:
    """Calls are counted by seam, route and call site, under what their targets share; most used first."""
    file = str(tmp_path / "app" / "f.py")
    call = {"kind": "call", "seam": "http_client", "route": "GET /a", "site": {"file": file, "line": 3}}
    ledger(
        tmp_path,
        call | {"target": "GET 127.0.0.1/fares?x=1"},
        call | {"target": "GET 127.0.0.1/fares/2?x=2"},
        {"kind": "request", "route": "GET /a"},
    )
    harvest.finish(tmp_path / "run", run)
    assert json.loads((tmp_path / "run" / "chaos-config.json").read_text())["reached"] == [
        {"seam": "http_client", "target": "GET 127.0.0.1/fares*", "route": "GET /a", "site": "f.py:3", "calls": 2},
        {"seam": "wsgi", "target": None, "route": "GET /a", "site": None, "calls": 1},
    ]


def test_run_json_is_completed(tmp_path: Path, run: dict[str, Any]) -> None:
    """The server comes from the ledger; each stage runs from its first start to its last end over all parts."""
    ledger(tmp_path, {"kind": "open", "server": "gunicorn 27"})
    lines = [
        {"stage": "chaos", "started": 5, "ended": 9, "part": "1"},
        {"stage": "baseline", "started": 1, "ended": 5, "part": "1"},
        {"stage": "chaos", "started": 4, "ended": 8, "part": "2"},
    ]
    (tmp_path / "run" / "requests" / "stages.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    harvest.finish(tmp_path / "run", run)
    written = json.loads((tmp_path / "run" / "run.json").read_text())
    assert written["app"]["server"] == "gunicorn 27"
    assert written["stages"] == [
        {"name": "baseline", "started": 1, "ended": 5},
        {"name": "chaos", "started": 4, "ended": 9},
    ]
    assert written["finished"] > 0


def test_a_run_without_a_ledger_is_completed_too(tmp_path: Path, run: dict[str, Any]) -> None:
    """A service driven by its URL may have left nothing."""
    harvest.finish(tmp_path / "run", run | {"app": {"dir": None, "server": None}})
    assert json.loads((tmp_path / "run" / "chaos-config.json").read_text())["reached"] == []
