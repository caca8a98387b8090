"""openapi.yaml and the app say the same."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest
import yaml

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Flask
    from flask.testing import FlaskClient

DOCUMENT = yaml.safe_load((Path(__file__).parent.parent / "openapi.yaml").read_text(encoding="utf-8"))
METHODS = {"get", "post", "put", "patch", "delete"}
ORDER = {"traveller": "Ada", "destination": "skyhook-station", "seats": 1}


def schema_of(path: str, method: str, status: int) -> dict[str, Any]:
    """The documented schema of one answer, with the components that it refers to."""
    answer = DOCUMENT["paths"][path][method]["responses"][str(status)]
    if "$ref" in answer:
        answer = DOCUMENT["components"]["responses"][answer["$ref"].rpartition("/")[2]]
    return {**answer["content"]["application/json"]["schema"], "components": DOCUMENT["components"]}


def test_documents_exactly_the_routes_there_are(make_app: Callable[..., Flask]) -> None:
    """Each route and method is in the document, and each documented one exists."""
    served = {
        (re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule), method.lower())
        for rule in make_app().url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
        if rule.endpoint != "static"
    }
    documented = {(path, method) for path, item in DOCUMENT["paths"].items() for method in METHODS & item.keys()}
    assert served == documented


@pytest.mark.parametrize(
    ("route", "url", "status", "body"),
    [
        ("get /healthz", "/healthz", 200, None),
        ("get /api/destinations", "/api/destinations", 200, None),
        ("get /api/destinations", "/api/destinations?limit=x", 400, None),
        ("get /api/destinations/{slug}", "/api/destinations/europa-deep", 200, None),
        ("get /api/destinations/{slug}", "/api/destinations/vulcan", 404, None),
        ("get /api/bookings", "/api/bookings", 200, None),
        ("get /api/bookings", "/api/bookings?before=x", 400, None),
        ("post /api/bookings", "/api/bookings", 201, ORDER),
        ("post /api/bookings", "/api/bookings", 400, {}),
        ("post /api/bookings", "/api/bookings", 402, ORDER | {"traveller": "declined"}),
        ("post /api/bookings", "/api/bookings", 404, ORDER | {"destination": "vulcan"}),
        ("post /api/bookings", "/api/bookings", 409, ORDER | {"seats": 8}),
        ("post /api/bookings", "/api/bookings", 413, {"traveller": "x" * 70_000}),
        ("get /api/bookings/{booking_id}", "/api/bookings/1", 200, None),
        ("get /api/bookings/{booking_id}", "/api/bookings/99", 404, None),
        ("delete /api/bookings/{booking_id}", "/api/bookings/99", 404, None),
    ],
)
def test_answers_as_documented(
    make_app: Callable[..., Flask], route: str, url: str, status: int, body: dict[str, Any] | None
) -> None:
    """Answers have the documented status, and a body of the documented schema."""
    method, path = route.split()
    client: FlaskClient = make_app(SEATS_PER_DESTINATION=7).test_client()
    client.post("/api/bookings", json=ORDER)
    answer = client.open(url, method=method.upper(), json=body)
    assert answer.status_code == status
    jsonschema.Draft202012Validator(schema_of(path, method, status)).validate(answer.get_json())
