"""The values that the steps of the analysis hand to one another: tables, estimates, patterns, proposals, checks.

Frozen, without behaviour beyond what follows from their own fields; `to_json` turns any of them into plain JSON values.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import pandas as pd

    from chaos_analysis.effect.stored import Stored
    from chaos_analysis.effect.values import Effect
    from chaos_analysis.fixes._fix import Spot
    from chaos_analysis.outcomes.results import Outcomes

Evidence = Literal["direct", "causal", "model", "observed"]
Severity = Literal["critical", "high", "medium", "low"]
Verdict = Literal["held", "broken", "undecided", "invalid", "no SLO"]


@dataclass(frozen=True)
class Estimate:
    """A figure with its 95 % interval; without support in the data `value` is None and `need` says how many it takes.

    `unit` is `"probability"`, `"ms"`, `"s"`, `"1/s"`, `"count"` or `"ratio"`; `n` the number of observations behind it.
    """

    value: float | None
    low: float | None
    high: float | None
    n: int
    unit: str
    need: int | None = None


@dataclass(frozen=True)
class Site:
    """A call site in the app's own source. `file` is relative to the app's folder, `function` the qualified name."""

    file: str
    line: int
    function: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


@dataclass(frozen=True)
class Pattern:
    """A finding over many requests.

    `finder` is the name of the file in `patterns/` that found it. `id` is `finder` plus what tells it apart
    (endpoint, rule, site), stable between runs. `failures` counts the failed requests that it explains, `rate` is the
    failure probability among the requests it concerns, `baseline` the same for the comparison group. `rules` and
    `faults` name the experiment's rules and their fault types where it is about any. `facts` are label/value pairs
    for people; `keys` are a few request keys to look at. `slow` counts the successful requests that it held up.
    `part_of` is the id of the pattern at the same call site of which this one says what the app lacks: it explains the
    same failures and is not counted beside it.
    """

    id: str
    finder: str
    title: str
    summary: str
    evidence: Evidence
    severity: Severity
    endpoint: str | None
    failures: int
    rate: Estimate
    baseline: Estimate | None = None
    p_value: float | None = None
    rules: tuple[str, ...] = ()
    faults: tuple[str, ...] = ()
    seam: str | None = None
    target: str | None = None
    site: Site | None = None
    facts: tuple[tuple[str, str], ...] = ()
    keys: tuple[str, ...] = ()
    slow: int = 0
    part_of: str | None = None


@dataclass(frozen=True)
class Proposal:
    """A concrete change for one or more patterns.

    `diff` is a unified diff that `git apply` takes at the top of the app's repository ("" where the change can only
    be put in words, then `why_no_diff` says so). `automatic` is False where a person must decide something the patch
    marks. `effect` stays None until it was measured. `spot` is what the fix needs to make the change again on source
    that has changed; None without a diff.
    """

    number: int
    fix: str
    title: str
    patterns: tuple[str, ...]
    file: str | None
    line: int | None
    function: str | None
    what: str
    why: str
    reference: str
    caution: str
    diff: str
    automatic: bool
    failures: int
    patch: str | None = None
    why_no_diff: str | None = None
    effect: Effect | None = None
    spot: Spot | None = None


@dataclass(frozen=True)
class Check:
    """One question to the run itself. `ok` is None where it could not be asked; False on a `fatal` one: invalid."""

    name: str
    ok: bool | None
    summary: str
    fatal: bool = True
    details: tuple[str, ...] = ()


@dataclass(frozen=True)
class Violation:
    """What is wrong, and the keys of the requests it is about; `suspects`: one or more of these led there."""

    text: str
    keys: tuple[str, ...]
    suspects: tuple[str, ...] = ()


@dataclass(frozen=True)
class Invariant:
    """What the load's users say must be true, and what was found; `more` violations are only counted.

    Where it is not `checked`, or not to its end, `error` says why; violations found until then stand. `facts` counts
    what the users had noted.
    """

    name: str
    checked: bool
    violations: tuple[Violation, ...]
    more: int
    error: str | None
    seconds: float
    facts: int


@dataclass(frozen=True)
class SloResult:
    """An objective and what the run measured for it; `held` is None where the data do not support a judgement."""

    expression: str
    stage: str
    endpoint: str | None
    measured: Estimate
    held: bool | None
    summary: str


@dataclass(frozen=True)
class EndpointStats:
    """One row of the results table. `stage` is `"all"` or a stage's name; latencies are of successes, in ms."""

    endpoint: str
    stage: str
    requests: int
    failures: int
    success_rate: Estimate
    p50: Estimate
    p95: Estimate
    p99: Estimate


def _no_rows() -> pd.DataFrame:
    import pandas as pd  # noqa: PLC0415 - it takes half a second, and most of this module's readers do without

    return pd.DataFrame()


@dataclass(frozen=True)
class Tables:
    """What a run left, as data frames; an absent part is an empty frame with the same columns, and `gaps` says why.

    requests: one row a client request. Columns of docs/formats.md plus `ok` (bool), `endpoint` (`"GET /api/bookings"`),
        `second` (start, s since the first request), `rules` (tuple of the rules whose faults it met, from the ledger,
        sorted), `rule` (the rule's name where it met exactly one fault rule, `""` with none, `"+"` with several),
        `control` (met none).
    faults: one row a fault event. Fields of docs/formats.md with `site` spread to `file, line, function`, plus
        `finished`, `measured`, `unknown` (no end).
    calls: one row an outbound call noted, `site` spread likewise, `faults` as a tuple.
    answers: one row a ledger `request` record, `error` spread to `error, error_text` and `frame` to `file, line,
        function`.
    reached: `key, stage, plan, target, occurrence, part`, plans resolved to `rules` (tuple); `target` is `""` at the
        edge.
    suppressed: one row a firing that did not act.
    history: Locust's `_stats_history.csv`, Aggregated rows, numeric.
    load: `load.jsonl`.
    shapes: `requests/shapes-*.jsonl`, what the shapes in the rows' `content` mean: `method, name, status, shape, paths`
        (a list).
    exceptions: `requests/exceptions-*.jsonl`, one row an exception that left a user's task, in order of time:
        `iteration, stage, class, text, file, line`, and `at`.
    resources: `resources.jsonl`, one row a process and time; `connections` is a dict address → number.
    neighbours: `neighbours.jsonl`, one row half a second.
    stages: `name, started, ended`.
    totals: requests and failures by `source` (`"recorder"`: Locust's own statistics as the recorder saw them end,
        `"locust"`: `locust_stats.csv`) and `endpoint`.
    parts: one row a part file: `part, kind` (`client`, `app`), `records, broken, closed`.
    invariants: `invariants.jsonl`.
    """

    requests: pd.DataFrame
    faults: pd.DataFrame
    calls: pd.DataFrame
    answers: pd.DataFrame
    reached: pd.DataFrame
    suppressed: pd.DataFrame
    history: pd.DataFrame
    load: pd.DataFrame
    stages: pd.DataFrame
    gaps: tuple[str, ...] = ()
    totals: pd.DataFrame = field(default_factory=_no_rows)
    parts: pd.DataFrame = field(default_factory=_no_rows)
    resources: pd.DataFrame = field(default_factory=_no_rows)
    neighbours: pd.DataFrame = field(default_factory=_no_rows)
    shapes: pd.DataFrame = field(default_factory=_no_rows)
    exceptions: pd.DataFrame = field(default_factory=_no_rows)
    notes: tuple[str, ...] = ()
    invariants: tuple[Invariant, ...] = ()


@dataclass(frozen=True)
class Analysis:
    """Everything the report is made from. `run` is run.json as read, `experiment` chaos-config.json as read.

    `source` is `"run"` for a run folder and `"locust-csv"` for somebody's plain Locust statistics, where
    `tables.requests` is empty and `unknowable` lists what such files cannot tell. `causes` has a row a failed request
    (`Evidence.causes`), `outcomes` what the app did with each fault; None without a run. `measured` is what a replay
    found of the fixes, all of it; None where nothing was measured.
    """

    source: Literal["run", "locust-csv"]
    run: dict[str, Any]
    experiment: dict[str, Any]
    tables: Tables
    endpoints: tuple[EndpointStats, ...]
    patterns: tuple[Pattern, ...]
    proposals: tuple[Proposal, ...]
    checks: tuple[Check, ...]
    slos: tuple[SloResult, ...]
    verdict: Verdict
    headline: str
    exit_code: int
    advice: tuple[str, ...] = ()
    unknowable: tuple[str, ...] = ()
    causes: pd.DataFrame = field(default_factory=_no_rows)
    outcomes: Outcomes | None = None
    measured: Stored | None = None


def to_json(value: Any) -> Any:
    """`value` (a model value, or a tuple of them) as JSON-ready dictionaries and lists; callers leave `Tables` out."""
    if isinstance(value, tuple | list):
        return [to_json(item) for item in value]
    return asdict(value)
