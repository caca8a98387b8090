"""What answers held, beside those of fault-free requests: made otherwise, or with another content at an address whose
content never changes. Told only where it is beyond what answers differ by themselves.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING, NamedTuple

import pandas as pd
from scipy.special import bdtrc

from chaos_analysis.outcomes.shapes import Usually, beside, usually

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from chaos_analysis.evidence import Evidence

_ENOUGH = 20  # fault-free answers before anything about them is usual
_OFTEN = 10  # fault-free answers to one address before its content is called unchanging
_CHANCE = 0.05
_STEADY = 0.99
_READS = ("GET ", "HEAD ")
_ODD = ("degraded", "wrong")


class Content(NamedTuple):
    """`word`: right, degraded or wrong, "" where content says nothing; `judged`: by `content` (to the byte), `shape` or
    nothing but the `status`.
    """

    word: str = ""
    about: str = ""
    judged: str = "status"


class _Answer(NamedTuple):
    endpoint: str
    status: int
    path: str
    started: float
    shape: str
    digest: str


class _Kind(NamedTuple):
    """The fault-free answers of an endpoint with a status: their number, shapes, and how likely a new one is."""

    n: int
    shapes: frozenset[str]
    novelty: float
    usual: Usually | None


class Contents:
    """Judges the content of answers by their rows' places in `tables.requests`.

    The fault-free answers in `also`, of the same app at the same time, say what is usual, too.
    """

    def __init__(self, evidence: Evidence, also: Sequence[Evidence] = ()) -> None:
        every = [evidence, *also]
        self._paths = {shape: paths for each in every for shape, paths in _paths(each.tables.shapes).items()}
        looked_at = [_looked_at(each.tables.requests) for each in every]
        chosen = pd.concat(looked_at) if also else looked_at[0]
        free = chosen[chosen["control"] & chosen["ok"]]
        self._kinds = self._known(free)
        self._addresses = _Addresses(free, chosen)
        met = looked_at[0][~looked_at[0]["control"]]
        columns = (met[name].tolist() for name in ("endpoint", "rules"))
        pairs = [[(endpoint, rule) for rule in rules] for endpoint, rules in zip(*columns, strict=True)]
        found = [self._judge(answer) for answer in _answers(met)]
        self._shown = self._beyond_chance(found, pairs)
        self._found = {
            place: one
            for place, one, met_by in zip(met.index.tolist(), found, pairs, strict=True)
            if one.word not in _ODD or not self._shown.isdisjoint(met_by)
        }

    def of(self, places: pd.Series[int]) -> list[Content]:
        """What the contents of the answers in these rows say."""
        nothing = Content()
        if not self._found:
            return [nothing] * len(places)
        return [self._found.get(place, nothing) for place in places.tolist()]

    def shown(self, endpoint: str, rule: str) -> str:
        """The tier by which a rule's fault is shown to change an endpoint's answers, or ""."""
        return "causal" if (endpoint, rule) in self._shown else ""

    def _beyond_chance(self, found: list[Content], pairs: list[list[tuple[str, str]]]) -> set[tuple[str, str]]:
        """Endpoints and rules whose answers are odd more often than new shapes turn up without a fault."""
        asked = Counter(pair for met_by in pairs for pair in met_by)
        odd = Counter(pair for one, met_by in zip(found, pairs, strict=True) if one.word in _ODD for pair in met_by)
        return {pair for pair, times in odd.items() if bdtrc(times - 1, asked[pair], self._chance(pair[0])) < _CHANCE}

    def _known(self, free: pd.DataFrame) -> dict[tuple[str, int], _Kind]:
        counts: dict[tuple[str, int], Counter[str]] = defaultdict(Counter)
        for answer in _answers(free):
            counts[answer.endpoint, answer.status][answer.shape] += 1
        return {kind: self._kind(shapes) for kind, shapes in counts.items()}

    def _kind(self, shapes: Counter[str]) -> _Kind:
        """The chance of a new shape is that of shapes met once (Good 1953), and never below one in all."""
        n = shapes.total()
        once = sum(1 for times in shapes.values() if times == 1)
        known = [self._paths[shape] for shape in shapes if shape in self._paths]
        whole = len(known) == len(shapes)
        return _Kind(n, frozenset(shapes), (once + 1) / (n + 1), usually(known) if whole else None)

    def _chance(self, endpoint: str) -> float:
        return max((kind.novelty for (name, _), kind in self._kinds.items() if name == endpoint), default=1.0)

    def _judge(self, answer: _Answer) -> Content:
        kind = self._kinds.get((answer.endpoint, answer.status))
        if kind is None:
            return Content()
        if answer.shape not in kind.shapes:
            paths = self._paths.get(answer.shape)
            word, about = beside(paths, kind.usual) if kind.n >= _ENOUGH and kind.usual and paths else ("", "")
            return Content(word, about, "shape") if word else Content()
        same = self._addresses.same(answer)
        if same is False:
            return Content("wrong", "another content than all fault-free answers to this address had", "content")
        return Content("right", "", "content" if same else "shape")


class _Addresses:
    """The contents of reads by their whole address."""

    def __init__(self, free: pd.DataFrame, every: pd.DataFrame) -> None:
        self._digests: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
        self._span: dict[tuple[str, str, str], tuple[float, float]] = {}
        for answer in _answers(free):
            self._digests[answer.endpoint, answer.path][answer.digest] += 1
        for endpoint, _, path, started, _, digest in _answers(every):
            first, last = self._span.get((endpoint, path, digest), (started, started))
            self._span[endpoint, path, digest] = min(first, started), max(last, started)
        steady: dict[str, list[int]] = defaultdict(lambda: [0, 0])
        for (endpoint, _), digests in self._digests.items():
            if digests.total() >= _OFTEN:
                steady[endpoint][0] += max(digests.values())
                steady[endpoint][1] += digests.total()
        self._steady = {endpoint for endpoint, (most, n) in steady.items() if most >= _STEADY * n}

    def same(self, answer: _Answer) -> bool | None:
        """Whether an answer is what every fault-free one to this address was, before it and after; None where there are
        too few, or their contents differ.
        """
        digests = self._digests.get((answer.endpoint, answer.path))
        if digests is None or not answer.endpoint.startswith(_READS):
            return None
        if answer.digest in digests:
            return True
        if answer.endpoint not in self._steady or len(digests) != 1 or digests.total() < _OFTEN:
            return None
        (usual,) = digests
        first, last = self._span[answer.endpoint, answer.path, usual]
        return False if first < answer.started < last else None


def _looked_at(rows: pd.DataFrame) -> pd.DataFrame:
    return rows[rows["content"].notna() & (rows["status"] < 400)] if "content" in rows else rows.iloc[:0]


def _answers(rows: pd.DataFrame) -> Iterator[_Answer]:
    names = ("endpoint", "status", "path", "started", "content")
    if len(rows):
        columns = (rows[name].tolist() for name in names)
        for endpoint, status, path, started, content in zip(*columns, strict=True):
            shape, _, digest = content.partition(".")
            yield _Answer(endpoint, status, path, started, shape, digest)


def _paths(shapes: pd.DataFrame) -> dict[str, frozenset[str]]:
    if shapes.empty:
        return {}
    pairs = zip(shapes["shape"].tolist(), shapes["paths"].tolist(), strict=True)
    return {shape: frozenset(map(str, paths)) for shape, paths in pairs if isinstance(paths, list)}
