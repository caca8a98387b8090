"""Rows and ledger joined on the key: which faults each client request met, and which requests are the control group."""

from __future__ import annotations

from itertools import chain, repeat
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from chaos_analysis.tables import windows

if TYPE_CHECKING:
    from collections.abc import Iterable


def rows_with_faults(rows: pd.DataFrame, faults: pd.DataFrame) -> pd.DataFrame:
    """The recorder's rows with `ok, endpoint, second, rules, rule, control`.

    The ledger says what a request met, and the response header for those of which the ledger knows nothing (it is the
    only source for a service whose ledger is out of reach).
    """
    table = rows.copy(deep=False)
    table["ok"] = table["error_class"].isna()
    table["endpoint"] = _endpoints(table)
    started = table["started"]
    table["second"] = started - (started.min() if len(table) else 0.0)
    pairs = zip(faults["key"].tolist(), faults["rule"].tolist(), strict=True)
    met = _rules_by_key(chain(pairs, windows.met(table, faults)))
    for key, header in zip(table["key"].tolist(), table["faults"].tolist(), strict=True):
        if header and key not in met:
            met[key] = frozenset(rule_of(key, event) for event in str(header).split(","))
    return _with_rules(table, met)


def rule_of(key: str, event: str) -> str:
    """The rule's name in an event id `key:rule` or `key:rule:call.occurrence`."""
    rest = event[len(key) + 1 :] if event.startswith(f"{key}:") else event.partition(":")[2]
    return rest.partition(":")[0]


def _rules_by_key(pairs: Iterable[tuple[str, str]]) -> dict[str, frozenset[str]]:
    met: dict[str, frozenset[str]] = {}
    for key, rule in pairs:
        known = met.get(key)
        met[key] = frozenset((rule,)) if known is None else known | {rule}
    return met


def _with_rules(table: pd.DataFrame, met: dict[str, frozenset[str]]) -> pd.DataFrame:
    """The sets of rules are few: each request has the number of its set, the first of which is empty."""
    numbers = {one: number for number, one in enumerate(dict.fromkeys([frozenset(), *met.values()]))}
    by_key = {key: numbers[one] for key, one in met.items()}
    places = np.fromiter(map(by_key.get, table["key"].tolist(), repeat(0)), dtype=np.int64, count=len(table))
    tuples = np.empty(len(numbers), dtype=object)
    tuples[:] = [tuple(sorted(one)) for one in numbers]
    names = np.array(["" if not one else one[0] if len(one) == 1 else "+" for one in tuples], dtype=object)
    return table.assign(rules=_objects(tuples[places]), rule=_objects(names[places]), control=places == 0)


def _endpoints(table: pd.DataFrame) -> pd.Series[str]:
    """`METHOD name`, made once for each distinct pair."""
    methods, names = (pd.factorize(table[column]) for column in ("method", "name"))
    pairs, known = pd.factorize(methods[0] * (len(names[1]) + 1) + names[0])
    texts = np.empty(len(known), dtype=object)
    texts[:] = [_endpoint(methods[1], names[1], int(pair)) for pair in known]
    return _objects(texts[pairs])


def _endpoint(methods: pd.Index[str], names: pd.Index[str], pair: int) -> str:
    method, name = divmod(pair, len(names) + 1)
    return f"{methods[method]} {names[name]}"


def _objects(values: np.ndarray) -> pd.Series[str]:
    return pd.Series(values, dtype=object)
