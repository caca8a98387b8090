"""Was nothing lost? Requests that the app counted, rows that the client recorded and Locust's own totals must agree."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chaos_analysis import wording
from chaos_analysis.model import Check

if TYPE_CHECKING:
    import pandas as pd

    from chaos_analysis.evidence import Evidence

_SHOWN = 5
_ANONYMOUS = "anon."  # how the middleware's own keys begin, for requests that bring none
_NAMES = {"recorder": "Locust's statistics", "locust": "locust_stats.csv"}


def check(evidence: Evidence) -> Check:
    """Compare by key with the app and by endpoint with Locust; what was sent twice is counted apart.

    What differs from the app's count or from the recorder's own totals is lost, and fatal. `locust_stats.csv` alone
    may lag behind where Locust was killed: that is told.
    """
    rows, tables = evidence.rows, evidence.tables
    lost: list[str] = []
    lagging: list[str] = []
    said: list[str] = []
    counted = tables.reached.loc[tables.reached["target"] == "", "key"]
    if evidence.experiment is not None and evidence.experiment.scope == "all":
        counted = counted[
            ~counted.str.startswith(_ANONYMOUS)
        ]  # not the users': the command's, the invariants', anyone's
    if len(counted) and len(rows):
        _against_app(evidence, counted.tolist(), lost, said)
    if len(rows):
        _against_totals(rows, tables.totals, "recorder", lost, said)
        _against_totals(rows, tables.totals, "locust", lagging, said)
    wrong = [*lost, *lagging]
    if not said and not wrong:
        return Check("records", ok=None, summary="nothing to compare the recorded requests with", fatal=False)
    if not wrong:
        return Check("records", ok=True, summary=f"{wording.plural(len(rows), 'row')} agree with {', '.join(said)}")
    return Check("records", ok=False, summary=wrong[0], fatal=bool(lost), details=(*wrong[1:], *said))


def _against_app(evidence: Evidence, counted: list[str], wrong: list[str], said: list[str]) -> None:
    sent, served, rows = evidence.places, set(counted), evidence.rows
    if served == sent.keys():
        said.append(_counted(counted, served))
        return
    answered = set(rows.loc[rows["status"] != 0, "key"].tolist())
    lost, unseen = served - sent.keys(), answered - served
    if lost:
        wrong.append(f"{_requests(lost)} that the app counted were not recorded by the client{_few(lost)}")
    if unseen:
        wrong.append(f"{_requests(unseen)} that the client has an answer to were not counted by the app{_few(unseen)}")
    if not lost and not unseen:
        said.append(_counted(counted, served))


def _counted(counted: list[str], served: set[str]) -> str:
    again = len(counted) - len(served)
    extra = f" and {wording.count(again)} repeated (redirects, re-sends)" if again else ""
    return f"{_requests(served)} that the app counted{extra}"


def _against_totals(rows: pd.DataFrame, every: pd.DataFrame, source: str, wrong: list[str], said: list[str]) -> None:
    totals, name = every[every["source"] == source], _NAMES[source]
    if totals.empty:
        return
    ours = rows.groupby("endpoint")["ok"].agg(["size", "sum"])
    mine = {str(e): (int(n), int(n - ok)) for e, n, ok in zip(ours.index, ours["size"], ours["sum"], strict=True)}
    summed = totals.groupby("endpoint")[["requests", "failures"]].sum()
    theirs = {str(e): (int(n), int(f)) for e, n, f in summed.itertuples()}
    differing = [e for e in sorted({*mine, *theirs}) if mine.get(e, (0, 0)) != theirs.get(e, (0, 0))]
    for endpoint in differing:
        (n, failures), (their_n, their_failures) = mine.get(endpoint, (0, 0)), theirs.get(endpoint, (0, 0))
        wrong.append(f"{endpoint}: {n} rows with {failures} failures, {name} has {their_n} with {their_failures}")
    if not differing:
        said.append(name)


def _requests(keys: set[str]) -> str:
    return wording.plural(len(keys), "request")


def _few(keys: set[str]) -> str:
    return f" (such as {', '.join(sorted(map(str, keys))[:_SHOWN])})"
