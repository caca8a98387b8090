"""By which errors a database asks for the whole transaction again, and whether a run's requests allow to do that."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

import libcst as cst

from chaos_analysis.fixes._declare import declare
from chaos_analysis.fixes._edits import free_name, imported_as, module_imports
from chaos_analysis.fixes._fix import Declined
from chaos_analysis.wording import seconds

if TYPE_CHECKING:
    import pandas as pd

    from chaos_analysis.fixes._evidence import Evidence
    from chaos_analysis.fixes._source import Source, Splice
    from chaos_analysis.model import Site
    from chaos_analysis.sources import Sources

_PAUSES = 0.3  # seconds; 0.1 after the first attempt and 0.2 after the second, at most
_SAFE = ("GET", "HEAD", "OPTIONS", "CONNECT")
_READS = ("GET", "MGET", "HGET", "HMGET", "HGETALL", "LRANGE", "SMEMBERS", "EXISTS", "TTL", "CONNECT")
_ENDS = ("COMMIT", "ROLLBACK")
_BARE = {
    "psycopg": "(psycopg.errors.SerializationFailure, psycopg.errors.DeadlockDetected)",
    "psycopg2": "psycopg2.extensions.TransactionRollbackError",
    "sqlite3": "sqlite3.OperationalError",
}
_LOCKED = ('"locked" in str(error)', '"locked" not in str(error)')
_DECLARED = re.compile(r"(?:^|[\"'\s])stamina(?=[\s\"'<>=~!\[;]|$)", re.MULTILINE)
_IMPORTED = re.compile(r"^\s*(?:import|from) stamina\b", re.MULTILINE)
_SAYS = {
    "postgresql": (
        "a conflict",
        (
            'cause = error.orig\n    state = getattr(cause, "sqlstate", None) or getattr(cause, "pgcode", None)\n'
            '    return state in ("40001", "40P01")'
        ),
    ),
    "sqlite": ("a lock", 'return "locked" in str(error.orig)'),
    "mysql": ("a conflict", "return error.orig.args[0] in (1205, 1213)"),
}


class Errors(NamedTuple):
    """The class to catch, what must hold of the `error` and the same denied ("" for nothing), and what these need."""

    kind: str
    test: str
    denied: str
    splices: list[Splice]
    imports: list[tuple[str, ...]]


def errors(source: Source, dialect: str, transaction: str) -> Errors:
    """For the driver that the module imports, or for SQLAlchemy over this `dialect`; `transaction` is its code."""
    roots = {_root(source, node) for _, node in module_imports(source)}
    wrapped = bool(roots & {"sqlalchemy", "flask_sqlalchemy"})
    for driver, kind in _BARE.items():
        if driver in roots and (not wrapped or f"{driver}.connect(" in transaction):
            alias = imported_as(source, driver)
            needed: list[tuple[str, ...]] = [] if alias else [(driver,)]
            test, denied = _LOCKED if driver == "sqlite3" else ("", "")
            return Errors(kind.replace(f"{driver}.", f"{alias or driver}."), test, denied, [], needed)
    dialect = dialect or next((each for each in _SAYS if each in source.text), "")
    of, body = _SAYS.get({"mariadb": "mysql"}.get(dialect, dialect), ("", ""))
    if not body:
        raise Declined("the run does not tell of which database the transaction is: its errors are others for each")
    name = free_name(source, "asks_again")
    head = f'def {name}(error):\n    """Whether the database asks for the whole transaction again, for {of}."""\n    '
    alias = imported_as(source, "sqlalchemy")
    code, test = f"{alias}.exc" if alias else "exc", f"{name}(error)"
    wanted: list[tuple[str, ...]] = [] if alias else [("sqlalchemy", "exc")]
    return Errors(f"{code}.DBAPIError", test, f"not {test}", [declare(source, f"{head}{body}")], wanted)


def _root(source: Source, node: cst.Import | cst.ImportFrom) -> str:
    if isinstance(node, cst.Import):
        return source.code(node.names[0].name).partition(".")[0]
    return source.code(node.module).partition(".")[0] if node.module is not None and not node.relative else ""


def has_stamina(sources: Sources) -> bool:
    """Whether the app imports stamina, or declares it among its dependencies."""
    declared = (sources.text(file) or "" for file in ("pyproject.toml", *sources.requirements()))
    if any(_DECLARED.search(text) for text in declared):
        return True
    return any(_IMPORTED.search(sources.text(file) or "") for file in sources.files())


def fits(evidence: Evidence, attempts: int) -> str:
    """That so many attempts fit what the client waits, in a sentence; raises `Declined` where they do not."""
    answers = evidence.tables.answers
    good = (answers["faults"].map(len) == 0) & answers["error"].isna()
    if evidence.deadline is None or not good.any():
        return ""
    longest = float(answers.loc[good, "seconds"].quantile(0.95))
    if attempts * longest + _PAUSES >= evidence.deadline:
        raise Declined(
            f"95 % of the requests that met no fault took up to {seconds(longest)}: {attempts} attempts do not fit the "
            f"{evidence.deadline:g} s that the client waits"
        )
    return (
        f"95 % of the requests that met no fault took at most {seconds(longest)}: {attempts} attempts and "
        f"{_PAUSES:g} s of pauses fit the {evidence.deadline:g} s that the client waits."
    )


def refuse_more(evidence: Evidence, site: Site, lines: range, *, own_block: bool) -> None:
    """Raise where the requests that came by `site` may have changed something else within the `lines` made again, or,
    without a block of its own, where their transaction had begun before these.
    """
    calls = evidence.tables.calls
    keys = set(calls.loc[(calls["file"] == site.file) & (calls["line"] == site.line), "key"])
    mine = calls[calls["key"].isin(keys)].sort_values("started", kind="stable")
    beside = (mine["file"] == site.file) & (mine["function"] == site.function) & ~mine["line"].isin(lines)
    verbs = mine["target"].astype(str).str.partition(" ")[0]
    changing = (mine["seam"] == "http_client") & ~verbs.isin(_SAFE) | (mine["seam"] == "cache") & ~verbs.isin(_READS)
    for _, call in mine[changing & ~beside].iterrows():
        raise Declined(
            f"the same requests change something outside the database ({call['target']} at {call['file']}:"
            f"{call['line']:.0f}): see that it does not happen again with the transaction"
        )
    if not own_block:
        _refuse_begun_before(mine.assign(verb=verbs)[mine["seam"] == "database"], site, lines)


def _refuse_begun_before(statements: pd.DataFrame, site: Site, lines: range) -> None:
    """Raise where a statement of the same transaction came before, from somewhere else."""
    for _, found in statements.groupby("key"):
        before: list[str] = []
        for call in found.itertuples():
            here = call.file == site.file and call.line in lines
            if call.verb in _ENDS and not here:
                before = []
            elif here and before:
                raise Declined(f"the transaction begins before, at {before[0]}: it is to be made again from there")
            elif call.verb not in ("CHECKOUT", "BEGIN") and not here:
                before.append(f"{call.file}:{call.line:.0f}")
