"""Reading chaos-config.json: what is accepted, and how what is not is refused. The JSON Schema must judge alike."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

import chaos_middleware
from chaos_middleware import ExperimentError, load
from chaos_middleware.experiment import Gate, parse

SCHEMA = json.loads((Path(chaos_middleware.__file__).parent / "experiment.schema.json").read_text())

WHOLE: dict[str, Any] = {
    "version": 1,
    "name": "planner",
    "seed": 42,
    "scope": "keyed",
    "stages": [{"name": "baseline", "share": 0.3}, {"name": "10%", "share": 0.7}],
    "steady_state": ["error_rate<1%"],
    "calls": {"share": 0.2},
    "safety": {"lease_seconds": 5, "max_faults": 10, "max_concurrent": 3, "allow_remote": True},
    "rules": [
        {
            "name": "edge",
            "seam": "wsgi",
            "rate": {"10%": 0.5},
            "match": {"route": ["/api/*"], "not_route": ["/api/x"], "method": ["GET"], "header": {"X-A": "b*"}},
            "gate": {"every": 2},
            "persistence": "request",
            "phase": "after",
            "fault": {"type": "latency", "distribution": "uniform", "low": 0.1, "high": 0.2, "blocking": True},
        },
        {
            "name": "fares",
            "seam": "http_client",
            "rate": 0.1,
            "match": {"host": ["127.0.0.1"], "path": ["/fares*"]},
            "fault": {"type": "read_timeout", "give_up": 3},
        },
    ],
    "reached": [{"seam": "wsgi", "anything": "goes"}],
}

UNTIMELY = {**WHOLE["rules"][1], "phase": "after", "fault": {"type": "connect_timeout"}}
_GONE: Any = "(taken out)"

WRONG = [
    # path of keys, value, what the error must say
    (("rules", 1), UNTIMELY, 'rules[1].phase: "after" is not allowed; expected before: a call that was made had its'),
    (("version",), 2, "version: 2 is not allowed; expected an integer from 1 to 1"),
    (("version",), _GONE, "version: the key is missing"),
    (
        ("rules", 0, "fault"),
        {"type": "latency", "second": 1},
        'rules[0].fault.seconds: the key is missing; there is "second", which is no key here',
    ),
    (("sead",), 42, "sead: 42 is not allowed; expected no such key here; the keys are "),
    (("seed",), -1, "seed: -1 is not allowed; expected an integer from 0 to"),
    (("seed",), True, "seed: true is not allowed"),
    (("scope",), "everything", 'scope: "everything" is not allowed; expected one of keyed, all'),
    (("name",), "", 'name: "" is not allowed; expected a string that is not empty'),
    (("steady_state",), "p95<1s", "expected a list of strings"),
    (("calls", "share"), 1.5, "calls.share: 1.5 is not allowed; expected a number from 0 to 1"),
    (("safety", "lease_seconds"), 0, "safety.lease_seconds: 0 is not allowed"),
    (("safety", "max_faults"), 1.5, "safety.max_faults: 1.5 is not allowed; expected an integer"),
    (("safety", "allow_remote"), "yes", 'safety.allow_remote: "yes" is not allowed; expected true or false'),
    (("stages", 0, "name"), "a b", 'stages[0].name: "a b" is not allowed'),
    (("stages", 0, "share"), _GONE, "expected either seconds or share"),
    (("stages", 0, "seconds"), 5, "expected either seconds or share"),
    (("rules",), {}, "rules: {} is not allowed; expected a list of objects"),
    (("rules", 0), [], "rules[0]: [] is not allowed; expected an object"),
    (("rules", 0, "name"), _GONE, "rules[0].name: the key is missing"),
    (("rules", 0, "seam"), "kernel", 'rules[0].seam: "kernel" is not allowed; expected one of wsgi, http_client'),
    (("rules", 0, "rate"), 1.01, "rules[0].rate: 1.01 is not allowed; expected a number from 0 to 1"),
    (("rules", 0, "rate"), "10%", 'rules[0].rate: "10%" is not allowed'),
    (("rules", 0, "rate", "10%"), -0.1, "rules[0].rate.10%: -0.1 is not allowed"),
    (("rules", 0, "match", "host"), ["x"], "rules[0].match.host"),
    (("rules", 0, "match", "route"), "/api", "rules[0].match.route"),
    (("rules", 0, "match", "header", "X-A"), 3, "rules[0].match.header.X-A: 3 is not allowed; expected a glob pattern"),
    (("rules", 0, "gate", "every"), 0, "rules[0].gate.every: 0 is not allowed"),
    (("rules", 0, "persistence"), "always", "rules[0].persistence"),
    (("rules", 0, "phase"), "during", "rules[0].phase"),
    (("rules", 0, "fault", "type"), "explosion", "rules[0].fault.type"),
    (("rules", 0, "fault", "speed"), 1, "rules[0].fault.speed: 1 is not allowed; expected no such key here"),
    (("rules", 0, "fault", "low"), _GONE, "rules[0].fault.low"),
    (
        ("rules", 0, "fault"),
        {"type": "slow_body"},
        'rules[0].phase: "after" is not allowed; expected before: slow_body',
    ),
    (("rules", 0, "fault"), {"type": "garbage_body"}, "rules[0].fault.type"),
    (("rules", 1, "fault", "give_up"), 301, "rules[1].fault.give_up: 301 is not allowed"),
]

BEYOND_SCHEMA = [
    (("stages", 1, "share"), 0.5, "expected shares for all stages, with the sum 1"),
    (
        ("rules", 1, "name"),
        "edge",
        'rules[1].name: "edge" is not allowed; expected names that occur only once: rules[0] has it',
    ),
    (("rules", 0, "rate"), {"20%": 0.5}, 'rules[0].rate: "20%" is not allowed; expected stages of this experiment'),
    (("rules", 0, "fault", "high"), 0.05, "rules[0].fault.high: 0.05 is not allowed; expected a number from 0.1"),
]


def changed(path: tuple[Any, ...], value: Any) -> dict[str, Any]:
    """The whole example with one value replaced or taken out."""
    whole = copy.deepcopy(WHOLE)
    place: Any = whole
    for step in path[:-1]:
        place = place[step]
    if value is _GONE:
        del place[path[-1]]
    else:
        place[path[-1]] = value
    return whole


def test_a_whole_experiment_is_read():
    """Every key arrives where it belongs; `reached`, which a run adds, is ignored."""
    read = parse(WHOLE)
    edge, fares = read.rules
    assert (read.name, read.seed, read.call_share, read.safety.max_faults) == ("planner", 42, 0.2, 10)
    assert [(stage.name, stage.share) for stage in read.stages] == [("baseline", 0.3), ("10%", 0.7)]
    assert (edge.match.header, edge.gate, edge.persistence, edge.phase) == (
        (("X-A", "b*"),),
        Gate(every=2),
        "request",
        "after",
    )
    assert (fares.match.facts[1], fares.fault.asked()) == (("127.0.0.1",), {"give_up": 3.0})
    jsonschema.validate(WHOLE, SCHEMA)


@pytest.mark.parametrize(("path", "value", "says"), WRONG, ids=lambda value: str(value)[:40])
def test_what_is_wrong_is_refused_by_its_path(path, value, says):
    """The error names the key's path, the value and what is allowed; the schema refuses the same."""
    wrong = changed(path, value)
    with pytest.raises(ExperimentError) as error:
        parse(wrong, "chaos-config.json")
    assert str(error.value).startswith("chaos-config.json: ")
    assert says in str(error.value)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(wrong, SCHEMA)


@pytest.mark.parametrize(("path", "value", "says"), BEYOND_SCHEMA, ids=lambda value: str(value)[:40])
def test_what_a_schema_cannot_say_is_refused_too(path, value, says):
    """Sums, unique names, and bounds that depend on another value."""
    wrong = changed(path, value)
    jsonschema.validate(wrong, SCHEMA)
    with pytest.raises(ExperimentError) as error:
        parse(wrong)
    assert says in str(error.value)


def test_one_number_leaves_baseline_and_recovery_alone():
    """A plain rate is for the stages in which chaos is meant to be; a map is for exactly those it names."""
    plain, mapped = parse(changed(("rules", 0, "rate"), 0.5)).rules[0], parse(WHOLE).rules[0]
    assert [plain.rate_in(stage) for stage in ("baseline", "chaos", "10%", "recovery")] == [0, 0.5, 0.5, 0]
    assert [mapped.rate_in(stage) for stage in ("baseline", "chaos", "10%")] == [0, 0, 0.5]


@pytest.mark.parametrize(
    ("path", "value", "replayable"),
    [(("seed",), 1, True), (("scope",), "all", False), (("rules", 0, "gate"), {"first": 3}, False)],
)
def test_what_depends_on_arrival_order_is_not_replayable(path, value, replayable):
    """Requests without keys and first-N gates differ from run to run."""
    assert parse(changed(path, value)).replayable is replayable


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"{", "line 1, column 2: not JSON"),
        (b'{"version": NaN}', "NaN"),
        (
            b'{"version": 1, "safety": {"max_faults": 1, "max_faults": 9}}',
            '"max_faults" is not allowed; expected each key once',
        ),
        (b'{"seed": ' + b"9" * 5000 + b"}", "digits"),
        (b"[" * 100_000, "recursion"),
        (b"\xff\xfe", "not UTF-8 at byte 0"),
        (b"[]", "the file: [] is not allowed; expected an object"),
        (None, "cannot be read: No such file or directory"),
    ],
)
def test_a_file_that_cannot_be_read_is_named(tmp_path, content, says):
    """One sentence with the file's name, whatever is wrong with it."""
    file = tmp_path / "chaos-config.json"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(ExperimentError) as error:
        load(file)
    assert str(error.value).startswith(f"{file}: ")
    assert says in str(error.value)


def test_the_digest_is_of_the_file(tmp_path):
    """Two runs of one file have the same sha256 in their ledgers."""
    file = tmp_path / "chaos-config.json"
    file.write_text(json.dumps(WHOLE))
    assert load(file).sha256 == load(file).sha256 != ""
    file.write_text(json.dumps(WHOLE, indent=1))
    assert load(file).sha256 != parse(WHOLE).sha256


def test_the_schema_is_a_schema():
    """It is valid against its own meta-schema."""
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
