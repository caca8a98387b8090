"""Whether requests of others are held up while something slow is under way in their process, and not between."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd

from chaos_analysis.stats import fisher

if TYPE_CHECKING:
    from chaos_analysis.evidence import Evidence


class Held(NamedTuple):
    """How requests of an endpoint fared: for each stretch of time with something slow under way (`busy`), and each
    with nothing (`quiet`), whether most of them were held up; `rows` are those of the busy ones, with `held`.
    """

    endpoint: str
    busy: pd.Series[bool]
    quiet: pd.Series[bool]
    rows: pd.DataFrame

    @property
    def p(self) -> float:
        """Fisher's over stretches, since requests within one are not independent."""
        return fisher(int(self.busy.sum()), len(self.busy), int(self.quiet.sum()), len(self.quiet))


def parts(evidence: Evidence) -> dict[str, str]:
    """The process that each request went to, by key."""
    reached = evidence.tables.reached
    return dict(zip(reached["key"].tolist(), reached["part"].tolist(), strict=True))


def compare(endpoint: str, rows: pd.DataFrame, slow: pd.DataFrame, delay: float, *, held: pd.Series[bool]) -> Held:
    """Requests of one endpoint, with their `part`, against what was slow: `part, started, ended, own`.

    Of stretches in which something that is not `own` was slow nothing is learnt. `delay`: how long it usually takes,
    in seconds; who came in its last half did not wait for long.
    """
    rows = rows.assign(held=held)
    placed = [_placed(own, slow[slow["part"] == part], delay) for part, own in rows.groupby("part")]
    found = pd.concat(placed) if placed else rows.assign(stretch=0, busy=False).iloc[:0]
    most = found.groupby(["busy", "part", "stretch"])["held"].mean() > 0.5
    busy = most.index.get_level_values("busy").to_numpy(dtype=bool)
    return Held(endpoint, most[busy], most[~busy], found[found["busy"]])


def _placed(rows: pd.DataFrame, slow: pd.DataFrame, delay: float) -> pd.DataFrame:
    """The requests of one process that started while only what is `own` was slow, half the usual delay or more before
    that ended (`busy`), and those that started while nothing was; `stretch` numbers the times between.
    """
    slow = slow.sort_values("started")
    stretch = (slow["started"] > slow["ended"].cummax().shift()).cumsum()
    starts, ends = slow.groupby(stretch)["started"].min().to_numpy(), slow.groupby(stretch)["ended"].max().to_numpy()
    alone = slow["own"].groupby(stretch).all().to_numpy(dtype=bool)
    started = rows["started"].to_numpy()
    at = np.searchsorted(starts, started, "right") - 1
    known = at >= 0
    left = np.where(known, ends[at] - started, 0.0) if len(ends) else np.zeros(len(rows))
    busy = (left >= delay / 2) & (alone[at] if len(ends) else False)
    return rows.assign(stretch=at, busy=busy)[busy | (left <= 0)]
