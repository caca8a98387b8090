"""`chaos-config.json`, read and validated once: what is drawn for whom, at which rate, and within which limits.

The format is in docs/formats.md, for editors in `experiment.schema.json`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from hashlib import sha256
from pathlib import Path
from typing import Any, NoReturn

from chaos_middleware.errors import ExperimentError
from chaos_middleware.faults import FAULTS, Fault
from chaos_middleware.headers import VALID_STAGE
from chaos_middleware.reading import Reader, refuse
from chaos_middleware.seams import SEAM_FAULTS, SEAM_MATCH, WITHOUT_REQUEST

FAULT_FREE_STAGES = ("baseline", "recovery")
_FAULTS = {fault.name: fault for fault in FAULTS}


@dataclass(frozen=True)
class Stage:
    """A labelled part of a run: `seconds` long, or the `share` of its requests."""

    name: str
    seconds: float | None = None
    share: float | None = None


@dataclass(frozen=True)
class Match:
    """Lists of case-sensitive glob patterns; an empty list matches all. `header` maps a header to one pattern.

    `facts`: the patterns for what the seam itself knows of a call, in the order of `seams.SEAM_MATCH`.
    """

    route: tuple[str, ...] = ()
    not_route: tuple[str, ...] = ()
    header: tuple[tuple[str, str], ...] = ()
    facts: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True)
class Gate:
    """Further conditions: one key in `every`, and only the `first` N firings of each process."""

    every: int | None = None
    first: int | None = None


@dataclass(frozen=True)
class Rule:
    """A fault at a seam, for whom and how often."""

    name: str
    seam: str
    fault: Fault
    rate: float | Mapping[str, float]
    match: Match = Match()
    gate: Gate = Gate()
    persistence: str = "attempt"
    phase: str = "before"

    def rate_in(self, stage: str) -> float:
        """The probability in this stage; one number means every stage but `baseline` and `recovery`."""
        if isinstance(self.rate, Mapping):
            return self.rate.get(stage, 0.0)
        return 0.0 if stage in FAULT_FREE_STAGES else self.rate


@dataclass(frozen=True)
class Safety:
    """Limits: the lease's length in seconds, faults in all and at once (each per process), and whether remote clients
    may have any.
    """

    lease_seconds: float = 10.0
    max_faults: int = 100_000
    max_concurrent: int = 1_000
    allow_remote: bool = False


@dataclass(frozen=True)
class Link:
    """A connection to stand in: to the address that is in the app's environment variable `env`, or, without one, from
    the clients to the app.
    """

    name: str
    env: str | None = None


@dataclass(frozen=True)
class Experiment:
    """Everything in `chaos-config.json`."""

    seed: int = 0
    rules: tuple[Rule, ...] = ()
    name: str = "experiment"
    scope: str = "keyed"
    stages: tuple[Stage, ...] = ()
    steady_state: tuple[str, ...] = ()
    call_share: float = 0.1
    safety: Safety = field(default_factory=Safety)
    links: tuple[Link, ...] = ()
    sha256: str = ""

    @property
    def replayable(self) -> bool:
        """False where something depends on the order in which requests arrive."""
        orderly = all(rule.gate.first is None and rule.seam != "network" for rule in self.rules)
        return self.scope == "keyed" and orderly


def load(path: str | Path) -> Experiment:
    """The experiment in a file; raises `ExperimentError`."""
    file = Path(path)
    try:
        text = file.read_bytes().decode()
    except OSError as error:
        raise ExperimentError(f"{file}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise ExperimentError(f"{file}: not UTF-8 at byte {error.start}; expected a JSON file in UTF-8") from None

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        for key in (keys := [key for key, _ in pairs]):
            if keys.count(key) > 1:
                refuse(str(file), "", key, "each key once in its object")
        return dict(pairs)

    def no_number(word: str) -> NoReturn:
        refuse(str(file), "", word, "a finite number")

    try:
        value = json.loads(text, object_pairs_hook=once, parse_constant=no_number)
    except json.JSONDecodeError as error:
        raise ExperimentError(f"{file}: line {error.lineno}, column {error.colno}: not JSON: {error.msg}") from None
    except (ValueError, RecursionError) as error:  # a number of thousands of digits, or thousands of brackets
        raise ExperimentError(f"{file}: not JSON of a reasonable size: {error}") from None
    return parse(value, str(file), sha256(text.encode()).hexdigest())


def parse(value: Any, file: str = "experiment", digest: str = "") -> Experiment:
    """The experiment in a decoded JSON value; `file` is what errors name. Raises `ExperimentError`."""
    top = Reader(value, file)
    top.integer("version", 1, 1)
    top.any("$schema", None)
    top.any("reached", None)
    experiment = Experiment(
        seed=top.integer("seed", 0, 2**63 - 1, 0),
        rules=tuple(_rule(reader) for reader in top.objects("rules")),
        name=top.text("name", "experiment"),
        scope=top.choice("scope", ("keyed", "all"), "keyed"),
        stages=_stages(top),
        steady_state=top.strings("steady_state"),
        call_share=_call_share(top.object("calls", {})),
        safety=_safety(top.object("safety", {})),
        links=_links(top.object("network", {})),
        sha256=digest,
    )
    top.close()
    _unique(top, "rules", [rule.name for rule in experiment.rules])
    _unique(top, "stages", [stage.name for stage in experiment.stages])
    _unique(top, "network.links", [link.name for link in experiment.links])
    _known_stages(top, experiment)
    _known_links(top, experiment)
    return experiment


def _rule(reader: Reader) -> Rule:
    name = reader.text("name")
    if not VALID_STAGE.match(name):
        reader.refuse("name", name, "letters, digits, and _ - . %, at most 40")
    seam = reader.choice("seam", SEAM_FAULTS)
    settings = reader.object("fault")
    fault = _FAULTS[settings.choice("type", SEAM_FAULTS[seam])].read(settings)
    settings.close()
    phase = reader.choice("phase", ("before", "after"), "before")
    why_not = SEAM_FAULTS[seam][fault.name]
    if phase == "after" and why_not:
        reader.refuse("phase", phase, f"before: {why_not}")
    rule = Rule(
        name=name,
        seam=seam,
        fault=fault,
        rate=_rate(reader),
        match=_match(reader.object("match", {}), seam),
        gate=_gate(reader.object("gate", {})),
        persistence=reader.choice("persistence", ("attempt", "request"), "attempt"),
        phase=phase,
    )
    reader.close()
    return rule


def _rate(reader: Reader) -> float | Mapping[str, float]:
    value = reader.any("rate")
    if not isinstance(value, dict):
        return Reader({"rate": value}, reader.file, reader.path).number("rate", 0, 1)
    stages = Reader(value, reader.file, f"{reader.path}.rate")
    return {name: stages.number(name, 0, 1) for name in value}


def _match(reader: Reader, seam: str) -> Match:
    facts = tuple(reader.strings(key) for key in SEAM_MATCH[seam])
    if seam in WITHOUT_REQUEST:
        reader.close()
        return Match(facts=facts)
    header = reader.mapping("header")
    for name, pattern in header.items():
        if not isinstance(pattern, str):
            reader.refuse(f"header.{name}", pattern, "a glob pattern")
    match = Match(
        route=reader.strings("route"),
        not_route=reader.strings("not_route"),
        header=tuple(sorted(header.items())),
        facts=facts,
    )
    reader.close()
    return match


def _gate(reader: Reader) -> Gate:
    gate = Gate(every=reader.any("every", None), first=reader.any("first", None))
    for key, value in (("every", gate.every), ("first", gate.first)):
        if value is not None:
            Reader({key: value}, reader.file, reader.path).integer(key, 1, 10**9)
    reader.close()
    return gate


def _stages(top: Reader) -> tuple[Stage, ...]:
    stages = []
    for reader in top.objects("stages"):
        name = reader.text("name")
        if not VALID_STAGE.match(name):
            reader.refuse("name", name, "letters, digits, and _ - . %, at most 40")
        seconds, share = reader.any("seconds", None), reader.any("share", None)
        if (seconds is None) == (share is None):
            reader.refuse("seconds", seconds, "either seconds or share, one of them")
        check = Reader({"seconds": seconds, "share": share}, reader.file, reader.path)
        if seconds is not None:
            stages.append(Stage(name, seconds=check.number("seconds", 0.1, 86_400)))
        else:
            stages.append(Stage(name, share=check.number("share", 0.001, 1)))
        reader.close()
    shares = [stage.share for stage in stages if stage.share is not None]
    if shares and (len(shares) != len(stages) or abs(sum(shares) - 1) > 1e-6):
        top.refuse("stages", shares, "shares for all stages, with the sum 1")
    return tuple(stages)


def _call_share(reader: Reader) -> float:
    share = reader.number("share", 0, 1, 0.1)
    reader.close()
    return share


def _safety(reader: Reader) -> Safety:
    default = Safety()
    safety = Safety(
        lease_seconds=reader.number("lease_seconds", 1, 86_400, default.lease_seconds),
        max_faults=reader.integer("max_faults", 0, 10**9, default.max_faults),
        max_concurrent=reader.integer("max_concurrent", 1, 10**6, default.max_concurrent),
        allow_remote=reader.flag("allow_remote", default=default.allow_remote),
    )
    reader.close()
    return safety


def _links(reader: Reader) -> tuple[Link, ...]:
    links = []
    for each in reader.objects("links"):
        name, env = each.text("name"), each.any("env", None)
        if not VALID_STAGE.match(name):
            each.refuse("name", name, "letters, digits, and _ - . %, at most 40")
        links.append(Link(name, None if env is None else Reader({"env": env}, each.file, each.path).text("env")))
        each.close()
    reader.close()
    return tuple(links)


def _known_links(top: Reader, experiment: Experiment) -> None:
    names = [link.name for link in experiment.links]
    for index, rule in enumerate(experiment.rules):
        for pattern in rule.match.facts[0] if rule.seam == "network" and rule.match.facts[0] else ["*"]:
            if rule.seam == "network" and not any(fnmatchcase(name, pattern) for name in names):
                allowed = "links of this experiment: " + (", ".join(names) or "there are none under network.links")
                top.refuse(f"rules[{index}].match.link", pattern, allowed)


def _unique(top: Reader, key: str, names: list[str]) -> None:
    for index, name in enumerate(names):
        if (first := names.index(name)) < index:
            top.refuse(f"{key}[{index}].name", name, f"names that occur only once: {key}[{first}] has it")


def _known_stages(top: Reader, experiment: Experiment) -> None:
    stages = {stage.name for stage in experiment.stages} | {"chaos", *FAULT_FREE_STAGES}
    for index, rule in enumerate(experiment.rules):
        for name in rule.rate if experiment.stages and isinstance(rule.rate, Mapping) else ():
            if name not in stages:
                top.refuse(f"rules[{index}].rate", name, "stages of this experiment: " + ", ".join(sorted(stages)))
