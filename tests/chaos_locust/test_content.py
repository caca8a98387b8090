"""What an answer held, in two hashes."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest

JSON = "application/json"


def encoded(value):
    """A body."""
    return json.dumps(value).encode()


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"id": 7, "name": "x", "paid": True, "note": None}, ["id:number", "name:string", "note:null", "paid:boolean"]),
        ({"fares": [{"to": "moon", "eur": 1.5}, {"to": "mars"}]}, ["fares[].eur:number", "fares[].to:string"]),
        ({"bookings": [], "by": {}}, ["bookings[]:empty", "by:empty"]),
        ({"a": {"b": {"c": 1}}}, ["a.b.c:number"]),
        ([[1], ["x"]], ["[][]:number", "[][]:string"]),
        (
            {"is_stale": True, "from": "Cached", "ok": False},
            ["from:string=cached", "is_stale:boolean=true", "ok:boolean"],
        ),
        ({}, [":empty"]),
        ([], ["[]:empty"]),
        ("text", [":string"]),
    ],
)
def test_json_is_made_of_paths_and_types(pure, value, expected):
    """A list's elements share one path, null is a type, what is empty is named, a mark has its value."""
    assert pure.content.paths(JSON, encoded(value)) == expected


@pytest.mark.parametrize(
    ("media_type", "body", "expected"),
    [
        ("text/html; charset=utf-8", b"<p>hello</p>", "text/html"),
        ("", b"hello", "unknown"),
        ("", b'{"a": 1}', "a:number"),
        ("application/problem+json", b'{"title": "no"}', "title:string"),
        (JSON, b"", "empty"),
        (JSON, b'{"destinations": [{"sl', "broken application/json"),
        (JSON, b"\xff\xfe", "broken application/json"),
    ],
)
def test_anything_else_is_its_media_type(pure, media_type, body, expected):
    """JSON that cannot be read is told apart from an answer that never was JSON."""
    assert pure.content.paths(media_type, body) == [expected]


def test_the_shape_is_of_the_structure_and_the_digest_of_the_bytes(pure):
    """Other values or a longer list change the digest alone; a missing or empty part changes the shape."""
    shapes = pure.content.Shapes()
    first = shapes.content(JSON, encoded({"seats": [{"left": 1}]}))
    other = shapes.content(JSON, encoded({"seats": [{"left": 2}, {"left": 3}]}))
    lacking = shapes.content(JSON, encoded({"seats": []}))
    assert first[0] == other[0] != lacking[0]
    assert len({first[1], other[1], lacking[1]}) == 3
    assert shapes.content(JSON, encoded({"seats": [{"left": 1}]})) == first
    assert all(len(part) == 8 for part in first)


@pytest.mark.parametrize(
    ("headers", "marks"),
    [
        ({"Server": "x", "Content-Length": "12"}, []),
        ({"Warning": '110 - "Response is Stale"'}, ["header warning"]),
        ({"X-Degraded": "fares"}, ["header x-degraded"]),
        ({"X-Cache": "STALE"}, ["header x-cache=stale"]),
    ],
)
def test_headers_that_mark_an_answer_are_part_of_its_shape(pure, headers, marks):
    """The same body, marked: another shape with the same digest."""
    told = []
    contents = pure.content.Contents(told.append)
    plain, marked = (
        contents.take(
            "GET", "/", SimpleNamespace(status_code=200, headers={"content-type": JSON, **more}, _content=b"[1]")
        )
        for more in ({}, headers)
    )
    assert json.loads(told[-1])["paths"] == ["[]:number", *marks]
    assert plain.partition(".")[2] == marked.partition(".")[2]
    assert (plain == marked) == (not marks)


def test_no_body_is_too_deep_or_too_wide(pure):
    """Beyond what people write by hand the paths end, with a mark."""
    deep = b"[" * 500 + b"]" * 500
    wide = encoded({f"k{n}": {"x": n} for n in range(5000)})
    for body in (deep, wide):
        found = pure.content.paths(JSON, body)
        assert "..." in found
        assert len(found) <= 1001


def test_shapes_are_told_for_ten_thousand_kinds_at_most(pure):
    """A service that names its fields after its data has a shape an answer."""
    told = []
    contents = pure.content.Contents(told.append)
    for number in range(10_050):
        body = encoded({f"order-{number}": 1})
        response = SimpleNamespace(status_code=200, headers={"content-type": JSON}, _content=body)
        assert contents.take("GET", "/orders", response) != "null"
    assert len(told) == 10_000


def test_remembered_shapes_are_bounded(pure):
    """A service whose every answer is another one costs no more memory than that."""
    shapes = pure.content.Shapes()
    for number in range(5000):
        shapes.content(JSON, encoded({"id": number}))
    assert len(shapes._known) <= 4096
