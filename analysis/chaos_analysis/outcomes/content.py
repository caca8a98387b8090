"""What answers held, beside those of fault-free requests: made otherwise, or with another content at an address whose
content never changes. Told only where it is beyond what answers differ by themselves.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd
from scipy.special import bdtrc

from chaos_analysis.outcomes.shapes import Usually, beside, loses, says_less, usually

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from chaos_analysis.evidence import Evidence

ENOUGH = 20  # fault-free answers before anything about them is usual
_OFTEN = 20  # fault-free answers that could differ from others to their address, before contents are unchanging
_CHANCE = 0.05
_STEADY = 0.99
_READS = ("GET ", "HEAD ")
_ODD = ("degraded", "wrong")
_OPEN = "too few fault-free answers to its address tell whether its content should have been another"
_SINCE = "it lacks what answers had before the first fault, and so do fault-free answers since"


class Content(NamedTuple):
    """`word`: right, degraded, wrong, or unknown where fault-free answers are so since the faults began; "" where
    content says nothing. `judged`: by `content` (to the byte), `shape` or nothing but the `status`. `about`: why, of a
    right one why it may not be.
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
    """The fault-free answers of an endpoint with a status, those before the first fault if they are enough: their
    number, shapes, and how likely a new one is; `later`: shapes by which fault-free answers are less only since, and
    `less` how likely one of these is.
    """

    n: int
    shapes: frozenset[str]
    novelty: float
    usual: Usually | None
    later: frozenset[str]
    less: float


class Contents:
    """Judges the content of answers by their rows' places in `tables.requests`.

    The fault-free answers in `also`, of the same app at the same time, say what is usual, too.
    """

    def __init__(self, evidence: Evidence, also: Sequence[Evidence] = ()) -> None:
        every = [evidence, *also]
        self._paths = {shape: paths for each in every for shape, paths in structures(each.tables.shapes).items()}
        looked_at = [with_contents(each.tables.requests) for each in every]
        chosen = pd.concat(looked_at) if also else looked_at[0]
        quiet = (chosen["control"] & chosen["ok"]).to_numpy(bool)
        before = [rows["started"] < first_fault(each) for rows, each in zip(looked_at, every, strict=True)]
        free = chosen[quiet]
        self._kinds = self._known(free, chosen[quiet & np.concatenate(before)])
        self._addresses = _Addresses(free, chosen)
        met = looked_at[0][~looked_at[0]["control"]]
        columns = (met[name].tolist() for name in ("endpoint", "rules"))
        pairs = [[(endpoint, rule) for rule in rules] for endpoint, rules in zip(*columns, strict=True)]
        found = [self._judge(answer) for answer in answers(met)]
        self._shown = self._beyond_chance(found, pairs)
        self._found = {
            place: self._certain(one, answer) if self._shown.isdisjoint(met_by) else one
            for place, one, answer, met_by in zip(met.index.tolist(), found, answers(met), pairs, strict=True)
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

    def _says_less(self, answer: _Answer) -> str:
        """By what flag an answer says that it is less, which no fault-free one has; "" for none. It needs no number."""
        kind, paths = self._kinds.get(_kind(answer)), self._paths.get(answer.shape)
        if kind is None or kind.usual is None or not paths or answer.shape in kind.shapes | kind.later:
            return ""
        return says_less(paths, kind.usual)

    def _certain(self, one: Content, answer: _Answer) -> Content:
        """What is left of a judgement where the fault is not shown to change answers."""
        if one.word not in _ODD or self._says_less(answer):
            return one
        return Content("unknown", _SINCE, "shape") if answer.shape in self._kinds[_kind(answer)].later else Content()

    def _beyond_chance(self, found: list[Content], pairs: list[list[tuple[str, str]]]) -> set[tuple[str, str]]:
        """Endpoints and rules whose answers are odd more often than such ones turn up without a fault."""
        asked = Counter(pair for met_by in pairs for pair in met_by)
        odd = Counter(pair for one, met_by in zip(found, pairs, strict=True) if one.word in _ODD for pair in met_by)
        return {pair for pair, times in odd.items() if bdtrc(times - 1, asked[pair], self._chance(pair[0])) < _CHANCE}

    def _known(self, free: pd.DataFrame, clean: pd.DataFrame) -> dict[tuple[str, int], _Kind]:
        every, before = _shapes(free), _shapes(clean)
        return {kind: self._kind(shapes, before[kind]) for kind, shapes in every.items()}

    def _kind(self, every: Counter[str], before: Counter[str]) -> _Kind:
        """The chance of a new shape is that of shapes met once (Good 1953), and never below one in all."""
        shapes = before if before.total() >= ENOUGH else every
        n = shapes.total()
        once = sum(1 for times in shapes.values() if times == 1)
        known = [self._paths[shape] for shape in shapes if shape in self._paths]
        usual = usually(known) if len(known) == len(shapes) else None
        later = frozenset(shape for shape in every if shape not in shapes and self._loses(shape, usual))
        since = every.total() - before.total()
        less = (sum(every[shape] for shape in later) + 1) / (since + 1) if later else 0.0
        return _Kind(n, frozenset(every) - later, (once + 1) / (n + 1), usual, later, less)

    def _loses(self, shape: str, usual: Usually | None) -> bool:
        """Whether its answers lack what is usual, or say that they are less."""
        paths = self._paths.get(shape)
        return bool(paths and usual and loses(paths, usual))

    def _chance(self, endpoint: str) -> float:
        kinds = [kind for (name, _), kind in self._kinds.items() if name == endpoint]
        new = max((max(kind.novelty, kind.less) for kind in kinds), default=1.0)
        return max(new, self._addresses.chance(endpoint))

    def _judge(self, answer: _Answer) -> Content:
        kind = self._kinds.get(_kind(answer))
        if kind is None:
            return Content()
        if answer.shape not in kind.shapes:
            paths = self._paths.get(answer.shape)
            word, about = beside(paths, kind.usual) if kind.n >= ENOUGH and kind.usual and paths else ("", "")
            if not word and (about := self._says_less(answer)):
                word = "degraded"
            return Content(word, about, "shape") if word else Content()
        same = self._addresses.same(answer)
        if same is False:
            return Content("wrong", "another content than all fault-free answers to this address had", "content")
        about = _OPEN if same is None and self._addresses.may_differ(answer) else ""
        return Content("right", about, "content" if same else "shape")


def _kind(answer: _Answer) -> tuple[str, int]:
    return answer.endpoint, answer.status


class _Addresses:
    """The contents of reads by their whole address."""

    def __init__(self, free: pd.DataFrame, every: pd.DataFrame) -> None:
        self._digests: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
        self._span: dict[tuple[str, str, str], tuple[float, float]] = {}
        for answer in answers(free):
            self._digests[answer.endpoint, answer.path][answer.digest] += 1
        for endpoint, _, path, started, _, digest in answers(every):
            first, last = self._span.get((endpoint, path, digest), (started, started))
            self._span[endpoint, path, digest] = min(first, started), max(last, started)
        self._again: dict[
            str, tuple[int, int]
        ] = {}  # by endpoint: answers after an address' first, and other than most
        for (endpoint, _), digests in self._digests.items():
            n, other = self._again.get(endpoint, (0, 0))
            again = digests.total() - 1
            self._again[endpoint] = n + again, other + digests.total() - max(digests.values())

    def chance(self, endpoint: str) -> float:
        """How likely an answer differs from others to its address by itself; 0 where that is not looked at."""
        n, other = self._again.get(endpoint, (0, 0))
        return (other + 1) / (n + 1) if self._is_steady(endpoint) else 0.0

    def same(self, answer: _Answer) -> bool | None:
        """Whether an answer is what every fault-free one to this address was, before it and after; None where there are
        too few, or their contents differ.
        """
        digests = self._digests.get((answer.endpoint, answer.path))
        if digests is None or not answer.endpoint.startswith(_READS):
            return None
        if answer.digest in digests:
            return True
        if not self._is_steady(answer.endpoint) or len(digests) != 1:
            return None
        (usual,) = digests
        first, last = self._span[answer.endpoint, answer.path, usual]
        return False if first < answer.started < last else None

    def may_differ(self, answer: _Answer) -> bool:
        """Whether a read is not what fault-free ones to this address were, where nothing shows that contents change by
        themselves; where all others stay as they are, also one that no fault-free read went to.
        """
        if not answer.endpoint.startswith(_READS):
            return False
        n, other = self._again.get(answer.endpoint, (0, 0))
        digests = self._digests.get((answer.endpoint, answer.path))
        if digests is None:
            return self._is_steady(answer.endpoint)
        return answer.digest not in digests and other <= (1 - _STEADY) * n

    def _is_steady(self, endpoint: str) -> bool:
        """Whether what an address has once answered it answers again, as far as all addresses of the endpoint show."""
        n, other = self._again.get(endpoint, (0, 0))
        return n >= _OFTEN and other <= (1 - _STEADY) * n


def _shapes(rows: pd.DataFrame) -> defaultdict[tuple[str, int], Counter[str]]:
    """How often each shape came, by endpoint and status."""
    counts: defaultdict[tuple[str, int], Counter[str]] = defaultdict(Counter)
    for answer in answers(rows):
        counts[_kind(answer)][answer.shape] += 1
    return counts


def first_fault(evidence: Evidence) -> float:
    """When the first fault began; never where there is none."""
    started = evidence.tables.faults["started"]
    return float(started.min()) if len(started) else float("inf")


def with_contents(rows: pd.DataFrame) -> pd.DataFrame:
    """The answers whose contents were taken and whose statuses are no errors."""
    return rows[rows["content"].notna() & (rows["status"] < 400)] if "content" in rows else rows.iloc[:0]


def answers(rows: pd.DataFrame) -> Iterator[_Answer]:
    """These rows of `with_contents`, taken apart."""
    names = ("endpoint", "status", "path", "started", "content")
    if len(rows):
        columns = (rows[name].tolist() for name in names)
        for endpoint, status, path, started, content in zip(*columns, strict=True):
            shape, _, digest = content.partition(".")
            yield _Answer(endpoint, status, path, started, shape, digest)


def structures(shapes: pd.DataFrame) -> dict[str, frozenset[str]]:
    """The paths that each shape is made of."""
    if shapes.empty:
        return {}
    pairs = zip(shapes["shape"].tolist(), shapes["paths"].tolist(), strict=True)
    return {shape: frozenset(map(str, paths)) for shape, paths in pairs if isinstance(paths, list)}
