"""A request's body that goes on: what the app reads, however it reads, and which bodies stay as they are."""

from __future__ import annotations

import io
import json
import tracemalloc

import pytest
from flask import Flask, jsonify, request

from chaos_middleware.errors import UnsupportedFault
from chaos_middleware.incoming import Padded, lengthen

OWN = b'{"a": 1,\n"b": 2}'
SIZE = 100
WHOLE = OWN + b" " * (SIZE - len(OWN))
CHUNKED = {"HTTP_TRANSFER_ENCODING": "chunked", "wsgi.input_terminated": True}
LARGE = {"fault": {"type": "large_body", "bytes": SIZE}}

READERS = {
    "at once": lambda body: body.read(),
    "all that is said": lambda body: body.read(SIZE),
    "in pieces": lambda body: b"".join(iter(lambda: body.read(7), b"")),
    "a byte more": lambda body: body.read(SIZE + 1) + body.read(1),
    "lines": b"".join,
    "a list of lines": lambda body: b"".join(body.readlines()),
    "pieces of lines": lambda body: b"".join(iter(lambda: body.readline(5), b"")),
    "a line, then the rest": lambda body: body.readline() + body.read(None),
}


def environ(**more):
    """A JSON request's."""
    made = {"CONTENT_TYPE": "application/json", "CONTENT_LENGTH": str(len(OWN)), "wsgi.input": io.BytesIO(OWN)}
    return {**made, **more}


@pytest.mark.parametrize("read", READERS.values(), ids=READERS)
@pytest.mark.parametrize("length", [len(OWN), None], ids=["sized", "chunked"])
def test_own_bytes_and_then_spaces(read, length):
    """Every way to read gives the same bytes, tells how many they were, and the stream has ended then."""
    taken = []
    body = Padded(io.BytesIO(OWN), length, SIZE, taken.append)
    assert read(body) == WHOLE
    assert body.read() == body.readline() == b""
    assert taken[-1] == SIZE


def test_lines_end_where_they_should():
    """The spaces are in the last line, unless the own body ends with a whole one."""
    assert Padded(io.BytesIO(OWN), len(OWN), SIZE, print).readlines() == [b'{"a": 1,\n', WHOLE[9:]]
    assert Padded(io.BytesIO(b"{}\n"), 3, 5, print).readlines() == [b"{}\n", b"  "]
    assert Padded(io.BytesIO(OWN), len(OWN), SIZE, print).readlines(3) == [b'{"a": 1,\n']


def test_what_is_behind_the_own_body_is_left_to_the_server():
    """On a kept-alive connection it is the next request."""
    connection = io.BytesIO(OWN + b"POST /next")
    assert Padded(connection, len(OWN), SIZE, print).read() == WHOLE
    assert connection.read() == b"POST /next"


@pytest.mark.parametrize("read", [lambda body: body.read(), lambda body: body.readlines()[-1]])
def test_a_client_that_leaves_sends_no_spaces(read):
    """An own body that is cut short is as short as without the fault."""
    taken = []
    assert OWN.endswith(read(Padded(io.BytesIO(OWN), len(OWN) + 1, SIZE, taken.append)))
    assert taken[-1] == len(OWN)


def test_nobody_holds_what_nobody_reads():
    """200 MiB are made as they are read."""
    size, taken = 200 << 20, []
    body = Padded(io.BytesIO(OWN), len(OWN), size, taken.append)
    tracemalloc.start()
    try:
        while body.read(1 << 20):
            pass
        assert tracemalloc.get_traced_memory()[1] < 10 << 20
    finally:
        tracemalloc.stop()
    assert taken[-1] == size


def test_a_longer_body_says_so():
    """The new length; one in chunks has none, before or after."""
    sized, chunked = environ(), {**environ(), **CHUNKED}
    del chunked["CONTENT_LENGTH"]
    for each in (sized, chunked):
        lengthen(each, SIZE, print)
        assert each["wsgi.input"].read() == WHOLE
    assert sized["CONTENT_LENGTH"] == str(SIZE)
    assert "CONTENT_LENGTH" not in chunked


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"CONTENT_LENGTH": ""}, "a request without a body"),
        ({"CONTENT_LENGTH": "0"}, "a request without a body"),
        ({"CONTENT_LENGTH": "-1"}, "a request without a body"),
        ({"CONTENT_TYPE": "multipart/form-data; boundary=x"}, r"of the type multipart/form-data$"),
        ({"CONTENT_TYPE": ""}, r"of the type \(none\)"),
        ({"HTTP_CONTENT_ENCODING": "gzip"}, "is encoded"),
        ({"CONTENT_LENGTH": "100"}, "has 100 bytes or more already"),
        ({"HTTP_TRANSFER_ENCODING": "chunked"}, "does not tell the end"),
    ],
)
def test_other_bodies_stay_as_they_are(more, why):
    """With the reason."""
    made = environ(**more)
    before = dict(made)
    with pytest.raises(UnsupportedFault, match=why):
        lengthen(made, SIZE, print)
    assert made == before


def app():
    """Says what it was sent, or what it had read of it."""
    made = Flask(__name__)

    @made.post("/json")
    def whole():
        return jsonify(request.get_json())

    @made.post("/part")
    def part():
        return str(len(request.stream.read(40)))

    @made.post("/later")
    def later():
        stream = request.stream
        return iter(lambda: str(len(stream.read(50))).encode(), b"0")

    @made.post("/none")
    def none():
        return "ok"

    return made


@pytest.mark.parametrize(
    ("path", "body", "read"),
    [("/json", b'{"a":1,"b":2}\n', SIZE), ("/part", b"40", 40), ("/later", b"5050", SIZE), ("/none", b"ok", 0)],
)
def test_the_ledger_says_how_many_bytes_the_app_read(wrap, path, body, read):
    """Those read while the answer was under way, too; and what it answers is what it would have answered."""
    served = wrap(app(), LARGE)
    reply = served.get(path, method="POST", data=OWN, content_type="application/json")
    assert (reply.status, reply.body) == ("200 OK", body)
    (end,) = served.records("end")
    assert end["measured"]["did"] == f"{read} of {SIZE} bytes read"
    assert served.records("fault")[0]["asked"] == {"type": "large_body", "bytes": SIZE}


def test_a_limit_refuses_it_unread(wrap):
    """Flask looks at the length that is said."""
    made = app()
    made.config["MAX_CONTENT_LENGTH"] = SIZE - 1
    served = wrap(made, LARGE)
    assert served.get("/json", method="POST", json={}).status.startswith("413")
    assert served.records("end")[0]["measured"]["did"] == f"0 of {SIZE} bytes read"


def test_what_an_error_left_unread_is_told(wrap):
    """The app's own exception does not take the place of the count."""

    def broken(environ, start_response):
        environ["wsgi.input"].read(20)
        raise MemoryError

    served = wrap(broken, LARGE)
    with pytest.raises(MemoryError):
        served.get(method="POST", json={})
    assert served.records("end")[0]["measured"]["did"] == f"20 of {SIZE} bytes read"


def test_a_request_without_a_body_is_served_and_noted(wrap):
    """As with each fault that cannot be had at a place."""
    served = wrap(app(), LARGE)
    assert served.get("/none", method="POST").status == "200 OK"
    assert served.get("/none", key="1.1.2", method="POST", data={"a": "form"}).status == "200 OK"
    assert [each["measured"]["did"] for each in served.records("end")] == ["unsupported"] * 2
    assert [each["text"] for each in served.records("note")] == [
        "rule r0: a request without a body has none that could be larger",
        "rule r0: only JSON may end in spaces, and this body is of the type application/x-www-form-urlencoded",
    ]


def test_other_faults_act_beside_it(wrap):
    """One in the app's place leaves it unread; one on the answer's body has both in the ledger."""
    served = wrap(app(), LARGE, {"fault": {"type": "http_error"}})
    assert served.get("/json", method="POST", json={}).status.startswith("503")
    slowed = wrap(app(), LARGE, {"fault": {"type": "slow_body", "bytes_per_second": 1e6}})
    assert json.loads(slowed.get("/json", method="POST", json={"a": 1}).body) == {"a": 1}
    told = [[each["measured"]["did"] for each in one.records("end")] for one in (served, slowed)]
    assert told == [["503", "0 of 100 bytes read"], ["done", "100 of 100 bytes read"]]
