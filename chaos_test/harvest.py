"""After the load: the app's sources that the ledger names, the injection points it met, the stages' times."""

from __future__ import annotations

import json
import os
import re
import shutil
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chaos_analysis.sources import ABOVE
from chaos_test.rundir import write_json

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

Record = dict[str, Any]

_MAKES = re.compile(
    rb"\bFlask\(|error_?handler"  # the app
    rb"|\b(?:create_engine|engine_from_config|SQLAlchemy|sessionmaker|scoped_session|ConnectionPool)\(|\bSQLALCHEMY_"
    rb"|\b(?:psycopg2?|pymysql|sqlite3)\.connect\("
    rb"|\b(?:Strict)?(?:Redis|Valkey)\(|\bfrom_url\("  # caches
    rb"|\bexcept(?:\s[^\n:]*\b(?:Base)?Exception\b[^\n:]*)?\s*:"  # what swallows others' errors
)
_NOT_THE_APP = ("node_modules", "site-packages", "__pycache__", "build", "dist", "tests", "reports")
_MOST_FILES = 5_000
_MOST_BYTES = 500_000


def _records(folder: Path, pattern: str) -> Iterator[Record]:
    """The objects in a folder's JSON lines; what a crash cut short is left to the analysis, which counts it."""
    for file in sorted(folder.glob(pattern)):
        with file.open("rb") as lines:
            for line in lines:
                try:
                    record = json.loads(line)
                except ValueError:
                    continue
                if isinstance(record, dict):
                    yield record


def finish(run_dir: Path, run: Record) -> None:
    """Complete a run folder when its load is over: sources, the experiment's `reached`, run.json."""
    found = list(_records(run_dir / "faults", "*.jsonl"))
    if run["app"]["dir"]:
        _copy_sources(found, Path(run["app"]["dir"]), run_dir, in_repository=bool(run["app"].get("git_prefix")))
    experiment = run_dir / "chaos-config.json"
    write_json(experiment, json.loads(experiment.read_bytes()) | {"reached": reached(found, run["app"]["dir"] or "")})
    servers = [record.get("server") for record in found if record.get("kind") == "open"]
    app = run["app"] | {"server": servers[0] if servers else None}
    write_json(run_dir / "run.json", run | {"finished": time.time(), "app": app, "stages": _stages(run_dir)})


def _copy_sources(found: Iterable[Record], app_dir: Path, run_dir: Path, *, in_repository: bool) -> None:
    """Copy to `sources/` the app's files that a call site or a frame names, those where a proposal may belong, and
    those that declare what the app needs: of an app in `src` without any, those one
    folder up, where a patch from the top of the repository reaches them.
    """
    named = {str(place["file"]) for record in found for place in (record.get("site"), record.get("frame")) if place}
    declaring = set(_declaring(app_dir))
    for file in {(app_dir / name).resolve() for name in named} | set(_makers(app_dir)) | declaring:
        if file.is_relative_to(app_dir) and file.is_file():
            copy = run_dir / "sources" / file.relative_to(app_dir)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, copy)
    if in_repository and app_dir.name == "src" and not any(file.is_file() for file in declaring):
        for file in filter(Path.is_file, _declaring(app_dir.parent)):
            copy = run_dir / "sources" / ABOVE / file.name
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, copy)


def _declaring(folder: Path) -> Iterator[Path]:
    """Where dependencies are declared, if they are."""
    yield folder / "pyproject.toml"
    yield from folder.glob("requirements*.txt")


def _makers(app_dir: Path) -> Iterator[Path]:
    """Python files that make the app, its engines, pools or caches, or handle or swallow errors.

    A proposal may belong there.
    """
    looked = 0
    for folder, folders, names in os.walk(app_dir):
        hidden = [name for name in folders if name.startswith(".") or name in _NOT_THE_APP]
        foreign = [name for name in folders if Path(folder, name, "pyvenv.cfg").exists()]
        folders[:] = sorted(set(folders) - {*hidden, *foreign})
        for name in sorted(names):
            file = Path(folder, name)
            if file.suffix == ".py" and looked < _MOST_FILES and file.stat().st_size < _MOST_BYTES:
                looked += 1
                if _MAKES.search(file.read_bytes()):
                    yield file


def reached(found: Iterable[Record], app_dir: str) -> list[Record]:
    """The injection points (seam, route, call site) that the ledger notes, most used first.

    `target` is what the calls of a point have in common, `calls` how often it was noted.
    """
    targets: dict[tuple[str, str | None, str | None], list[str]] = {}
    for record in found:
        if record.get("kind") == "request":
            targets.setdefault(("wsgi", record.get("route"), None), []).append("")
        elif record.get("kind") == "call":
            point = str(record.get("seam")), record.get("route"), _place(record.get("site"), app_dir)
            targets.setdefault(point, []).append(str(record.get("target")).partition("?")[0])
    return [
        {"seam": seam, "target": _common(calls), "route": route, "site": site, "calls": len(calls)}
        for (seam, route, site), calls in sorted(targets.items(), key=lambda item: -len(item[1]))
    ]


def _place(site: Record | None, app_dir: str) -> str | None:
    if not site:
        return None
    file = Path(site["file"])
    return f"{file.relative_to(app_dir) if app_dir and file.is_relative_to(app_dir) else file}:{site['line']}"


def _common(targets: list[str]) -> str | None:
    """One name for several calls: their common beginning and a `*`."""
    shared = os.path.commonprefix(targets)  # noqa: RUF071 - character by character is what is wanted
    return (shared if len(set(targets)) == 1 else f"{shared}*") or None


def _stages(run_dir: Path) -> list[Record]:
    """Each stage from its first start to its last end, over all of Locust's processes."""
    times: dict[str, Record] = {}
    for record in _records(run_dir / "requests", "stages.jsonl"):
        stage = times.setdefault(
            record["stage"], {"name": record["stage"], "started": record["started"], "ended": record["ended"]}
        )
        stage["started"] = min(stage["started"], record["started"])
        stage["ended"] = max(stage["ended"], record["ended"])
    return sorted(times.values(), key=lambda stage: float(stage["started"]))
