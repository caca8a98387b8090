"""What a statement is about: its verb, its first table, and a hash that is the same in every run.

A light parse, done once for each text: words, quoted names and brackets, no grammar.
"""

from __future__ import annotations

import re
from functools import lru_cache
from hashlib import blake2b
from typing import Any

from chaos_middleware.callsite import Way

_REMEMBERED = 2048
_COMMENT = re.compile(r"/\*.*?\*/|--[^\n]*", re.DOTALL)
_STRING = r"'(?:[^']|'')*'"
_NAME = r"[\w$]+|\"(?:[^\"]|\"\")*\"|`[^`]*`|\[\w[^\]]*\]"
_STRING_OR_COMMENT = re.compile(f'({_STRING}|"(?:[^"]|"")*"|`[^`]*`)|{_COMMENT.pattern}', re.DOTALL)
_TOKEN = re.compile(f"{_STRING}|(?:{_NAME})(?:\\s*\\.\\s*(?:{_NAME}))*|[(),]", re.DOTALL)
_NUMBER = re.compile(r"(?<![\w$:%])\d+(?:\.\d+)?\b")
_DATA = ("SELECT", "INSERT", "UPDATE", "DELETE", "REPLACE", "MERGE", "VALUES")
_NAMES_A_TABLE = {"FROM", "INTO", "UPDATE", "TABLE", "JOIN", "USING", "TRUNCATE"}
_BEFORE_A_NAME = {
    "ONLY",
    "TABLE",
    "IF",
    "NOT",
    "EXISTS",
    "OR",
    "IGNORE",
    "REPLACE",
    "ROLLBACK",
    "ABORT",
    "FAIL",
    "LATERAL",
}
_SAME = {"END": "COMMIT", "START": "BEGIN", "ABORT": "ROLLBACK"}
_LOOKS_DRAWN = re.compile(r"\d{4}-\d\d-\d\d|.*\d.{15}|.{15}.*\d", re.DOTALL)  # a date; or a digit in 16 or more


class Parsed(Way):
    """`facts`: verb, table, statement and engine, as rules match on them; `hashed`: what goes into the identity. It is
    made once for each statement, and remembers the way on which the app last came with it.
    """

    __slots__ = ("facts", "hashed")

    def __init__(self, facts: tuple[str, str, str, str], hashed: str) -> None:
        super().__init__()
        self.facts = facts
        self.hashed = hashed


class Statements(dict[str, Parsed]):
    """What the statements of an engine are about, by their text."""

    def __init__(self, engine: str) -> None:
        super().__init__()
        self._engine = engine

    def __missing__(self, statement: str) -> Parsed:
        if len(self) >= _REMEMBERED:
            self.clear()
        found = self[statement] = _parse(statement, self._engine)
        return found


class Engines(dict[str, Statements]):
    """The statements of each engine, by its name."""

    def __missing__(self, engine: str) -> Statements:
        found = self[engine] = Statements(engine)
        return found


STATEMENTS = Engines()


@lru_cache(maxsize=64)
def control(verb: str, engine: str) -> Parsed:
    """What a call without a statement is about: `COMMIT`, `ROLLBACK`, `CHECKOUT`."""
    return Parsed((verb, "", "", engine), "")


def identity(about: Parsed, values: Any) -> str:
    """`VERB table hash`: one line, and nothing in it that a person wrote.

    The hash is of the statement and of the values that are the same in every run. Left out are numbers (the database
    gives ids in the order in which requests happen to come), dates, times, UUIDs, bytes, and texts that look drawn: a
    date, or 16 characters and more with a digit among them. Of many rows only the first counts.
    """
    verb, table = about.facts[:2]
    if not about.hashed:
        return f"{verb} {about.facts[3]}"
    digest = blake2b(about.hashed.encode(errors="replace"), digest_size=4)
    for value in _steady(values):
        digest.update(f"\0{value}".encode(errors="replace"))
    return " ".join(part for part in (verb, table, digest.hexdigest()) if part)


def _steady(values: Any) -> list[str]:
    if isinstance(values, dict):
        values = [value for _, value in sorted(values.items(), key=lambda item: str(item[0]))]
    if not isinstance(values, (list, tuple)):
        return []
    if values and isinstance(values[0], (dict, list, tuple)):
        return _steady(values[0])
    return [_shown(value) for value in values]


def _shown(value: Any) -> str:
    if isinstance(value, str):
        return "~" if _LOOKS_DRAWN.match(value) else value
    return str(value) if value is None or isinstance(value, bool) else "~"


def _parse(text: str, engine: str) -> Parsed:
    bare = " ".join(_STRING_OR_COMMENT.sub(lambda found: found[1] or " ", text).split()).rstrip("; ")
    tokens = _TOKEN.findall(bare)
    words = [token.upper() for token in tokens]
    at = _main_verb(words)
    verb = words[at] if at < len(words) else "?"
    verb = _SAME.get(verb, verb)
    if verb == "ROLLBACK" and "TO" in words:
        verb = "ROLLBACK_TO"
    table = "" if verb in {"SAVEPOINT", "RELEASE", "ROLLBACK_TO"} else _table(tokens, words, at)
    return Parsed((verb, table, bare, engine), _NUMBER.sub("#", bare))


def _main_verb(words: list[str]) -> int:
    """Where the verb is: the first word, or what follows the named queries of `WITH`."""
    start = next((index for index, word in enumerate(words) if word not in {"(", ")", ","}), len(words))
    if start == len(words) or words[start] != "WITH":
        return start
    depth = 0
    for index, word in enumerate(words[start:], start):
        depth += (word == "(") - (word == ")")
        if depth == 0 and word in _DATA:
            return index
    return start


def _table(tokens: list[str], words: list[str], at: int) -> str:
    """The first table: the name behind FROM, INTO, UPDATE or TABLE, without its schema and its quotes."""
    queries = [True]  # whether each open bracket is one around a query: EXTRACT(year FROM day) names no table
    for index, word in enumerate(words[at:-1], at):
        if word == "(":
            queries.append(False)
        elif word == ")":
            queries = queries[:-1] or [True]
        elif word in _DATA:
            queries[-1] = True
        if word in _NAMES_A_TABLE and queries[-1]:
            rest = [token for token in tokens[index + 1 : index + 6] if token.upper() not in _BEFORE_A_NAME]
            if rest and rest[0] not in "(),":
                return re.split(r"\s*\.\s*", rest[0])[-1].strip("\"`[]'")
    return ""
