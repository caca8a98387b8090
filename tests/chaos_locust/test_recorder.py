"""Rows as docs/formats.md has them."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest


class Lines(list):
    """A part in memory, and the lines about its shapes."""

    def __init__(self):
        self.shapes = []

    def rows(self):
        return [json.loads(line) for line in self if line.startswith(b"[")]

    def contents(self):
        return [row[-1] for row in self.rows()]


@pytest.fixture
def lines():
    """What was written."""
    return Lines()


@pytest.fixture
def recorder(pure, lines):
    """A part that is written to `lines`."""
    return pure.recorder.Recorder("local", lines.append, lambda: "chaos", lines.shapes.append)


def request(pure, *, key="0.1.2", due=None, **changes):
    """What Locust tells of a request, with changes."""
    answer = SimpleNamespace(status_code=200, headers={})
    return {
        "request_type": "GET",
        "name": "/things/[id]",
        "response_time": 12.345678901234,
        "response_length": 99,
        "response": answer,
        "context": {"chaos": (key, "baseline", "Buyer", due)},
        "exception": None,
        "start_time": 1700000000.123456,
        "url": "http://127.0.0.1:80/things/7?q=1",
    } | changes


def test_a_row_has_the_columns_of_the_first_line(pure, recorder, lines):
    """Times are unrounded, the path has no host, and a request without a slot was due when it was sent."""
    recorder.on_request(**request(pure))
    row = dict(zip(json.loads(lines[0])["columns"], lines.rows()[0], strict=True))
    assert row == {
        "key": "0.1.2",
        "stage": "baseline",
        "user": "Buyer",
        "started": 1700000000.123456,
        "intended": 1700000000.123456,
        "response_ms": 12.345678,
        "method": "GET",
        "name": "/things/[id]",
        "status": 200,
        "bytes": 99,
        "error_class": None,
        "error": None,
        "faults": "",
        "path": "/things/7?q=1",
        "content": None,
    }


def answered(body=b'{"id": 7}', *, status=200, fault=None, attribute="_content"):
    """An answer whose body the client has read."""
    headers = {"content-type": "application/json"} | ({"X-Chaos-Fault": fault} if fault else {})
    return SimpleNamespace(status_code=status, headers=headers, **{attribute: body})


def test_the_content_is_the_bodys_shape_and_digest(pure, recorder, lines):
    """Of both clients' answers; the shape is told once for each kind of answer, in words."""
    bodies = [b'{"id": 7}', b'{"id": 8}', b'{"id": 8}', b"[]"]
    for body, attribute in zip(bodies, ("_content", "_cached_content") * 2, strict=True):
        recorder.on_request(**request(pure, response=answered(body, attribute=attribute)))
    recorder.on_request(**request(pure, response=answered(status=404)))
    first, second, third, other, missing = (content.split(".") for content in lines.contents())
    assert first[0] == second[0] == missing[0] != other[0]
    assert first[1] != second[1] == third[1]
    kind = {"method": "GET", "name": "/things/[id]"}
    assert [json.loads(line) for line in lines.shapes] == [
        {**kind, "status": 200, "shape": first[0], "paths": ["id:number"]},
        {**kind, "status": 200, "shape": other[0], "paths": ["[]:empty"]},
        {**kind, "status": 404, "shape": first[0], "paths": ["id:number"]},
    ]


def test_beyond_some_hundreds_only_answers_that_name_a_fault_have_a_content(pure, recorder, lines):
    """For each name, status and stage apart; answers that name a fault are not among those counted."""
    faulted = answered(fault="0.1.2:slow")
    for response in [faulted] * 5 + [answered()] * 301 + [faulted, answered(), answered(status=404)]:
        recorder.on_request(**request(pure, response=response))
    recorder.on_request(**request(pure, response=answered(), context={"chaos": ("0.1.3", "chaos", "Buyer", None)}))
    taken = [content is not None for content in lines.contents()]
    assert taken == [True] * 305 + [False] + [True, False, True] + [True]


@pytest.mark.parametrize(
    "response",
    [
        None,
        SimpleNamespace(status_code=0, headers=None),
        SimpleNamespace(status_code=200, headers={}, _content=False),
        SimpleNamespace(status_code=200, headers={}),
        answered(b"x" * (256 * 1024 + 1)),
    ],
    ids=["none", "no answer", "streamed by HttpUser", "streamed by FastHttpUser", "too large"],
)
def test_without_a_body_at_hand_there_is_no_content(pure, recorder, lines, response):
    """A body that the user streams is the user's; a large one costs too much."""
    recorder.on_request(**request(pure, response=response))
    assert lines.contents() == [None]
    assert lines.shapes == []


@pytest.mark.parametrize(
    ("changes", "column", "value"),
    [
        ({"name": 'a "quoted"\nname é'}, "name", 'a "quoted"\nname é'),
        ({"url": 'http://h/"x"'}, "path", '/"x"'),
        ({"url": "http://h"}, "path", "/"),
        ({"url": None}, "path", ""),
        ({"response_time": None}, "response_ms", None),
        ({"response_time": 5}, "response_ms", 5.0),
        ({"response_length": None}, "bytes", 0),
        ({"response": None}, "status", 0),
        ({"response": SimpleNamespace(status_code=503, headers={"X-Chaos-Fault": 'a:"b"'})}, "faults", 'a:"b"'),
        ({"response": SimpleNamespace(status_code=0, headers=None)}, "faults", ""),
        ({"context": {}}, "key", ""),
        ({"context": None}, "stage", "chaos"),
        ({"due": 1699999999.5}, "intended", 1699999999.5),
    ],
)
def test_odd_values_make_whole_rows(pure, recorder, lines, *, changes, column, value):
    """Quotes, line ends, missing answers and requests that are not ours are recorded like others."""
    recorder.on_request(**request(pure, **changes))
    assert dict(zip(pure.recorder.COLUMNS, lines.rows()[0], strict=True))[column] == value


def wrapped(error, **chain):
    """An error as a client library hands on another one."""
    outer = RuntimeError("from a library")
    for name, value in chain.items():
        setattr(outer, name, value)
    outer.__context__ = error
    return outer


class LocustBadStatusCode(Exception):  # noqa: N818  # its name
    """As Locust's fast client calls a status of 400 and more."""


@pytest.mark.parametrize(
    ("make", "status", "expected"),
    [
        (lambda _: ConnectionResetError(104, "reset"), 0, ["ConnectionResetError", "[Errno 104] reset"]),
        (lambda _: LocustBadStatusCode("500"), 500, ["HTTPError", "500"]),
        (lambda deadline: deadline("late"), 0, ["DeadlineError", "late"]),
        (lambda deadline: wrapped(deadline("late")), 0, ["DeadlineError", "late"]),
        (lambda deadline: wrapped(None, original=deadline("late")), 0, ["DeadlineError", "late"]),
        (lambda _: KeyError(), 200, ["KeyError", "KeyError()"]),
        (lambda _: "only text", 0, ["str", "only text"]),
    ],
)
def test_errors_have_a_class_and_a_text(pure, recorder, lines, *, make, status, expected):
    """A status is called the same under both clients, and so is a deadline, however a library wraps it."""
    answer = SimpleNamespace(status_code=status, headers={})
    recorder.on_request(**request(pure, exception=make(pure.recorder.DeadlineError), response=answer))
    assert lines.rows()[0][10:12] == expected


def test_a_row_that_cannot_be_written_is_counted_and_told(pure, lines, capsys):
    """The run goes on; the last line says how many rows are missing, stderr says why, once."""
    broken = False

    def write(line):
        if broken:
            raise OSError("disk full")
        lines.append(line)

    recorder = pure.recorder.Recorder("local", write, lambda: "chaos", lines.shapes.append)
    broken = True
    for _ in range(3):
        recorder.on_request(**request(pure))
    broken = False
    recorder.on_request(**request(pure))
    recorder.close({"GET /": [4, 0]})
    last = json.loads(lines[-1])
    assert (last["rows"], last["errors"], last["totals"]) == (1, 3, {"GET /": [4, 0]})
    assert capsys.readouterr().err.count("could not be recorded") == 1
