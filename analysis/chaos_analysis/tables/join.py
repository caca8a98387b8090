"""Rows and ledger joined on the key: which faults each client request met, and which requests are the control group."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Iterable


def rows_with_faults(rows: pd.DataFrame, faults: pd.DataFrame) -> pd.DataFrame:
    """The recorder's rows with `ok, endpoint, second, rules, rule, control`.

    The ledger says what a request met, and the response header for those of which the ledger knows nothing (it is the
    only source for a service whose ledger is out of reach).
    """
    table = rows.copy()
    table["ok"] = table["error_class"].isna()
    table["endpoint"] = _endpoints(table)
    started = table["started"]
    table["second"] = started - (started.min() if len(table) else 0.0)
    met = _rules_by_key(zip(faults["key"].tolist(), faults["rule"].tolist(), strict=True))
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
    none: frozenset[str] = frozenset()
    sets = [met.get(key, none) for key in table["key"].tolist()]
    tuples: dict[frozenset[str], tuple[str, ...]] = {one: tuple(sorted(one)) for one in set(sets)}
    singles = {one: "" if not names else names[0] if len(names) == 1 else "+" for one, names in tuples.items()}
    column = np.empty(len(sets), dtype=object)
    column[:] = [tuples[one] for one in sets]
    table["rules"] = pd.Series(column, dtype=object)
    table["rule"] = pd.Series([singles[one] for one in sets], dtype=object)
    table["control"] = pd.Series([not one for one in sets], dtype=bool)
    return table


def _endpoints(table: pd.DataFrame) -> pd.Series[str]:
    """`METHOD name`, made once for each distinct pair."""
    texts: dict[tuple[str, str], str] = {}
    pairs = zip(table["method"].tolist(), table["name"].tolist(), strict=True)
    return pd.Series(
        [texts.get(pair) or texts.setdefault(pair, " ".join(map(str, pair))) for pair in pairs], dtype=object
    )
