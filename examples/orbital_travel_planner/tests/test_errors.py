"""Errors are answered in JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Flask
    from flask.testing import FlaskClient


def test_no_such_page(client: FlaskClient) -> None:
    """A path that is not served is a JSON 404."""
    answer = client.get("/nowhere")
    assert answer.status_code == 404
    assert answer.get_json()["error"] == "Not Found"


def test_wrong_method_names_the_allowed_ones(client: FlaskClient) -> None:
    """A method that a path does not have is a JSON 405 and keeps its Allow header."""
    answer = client.patch("/api/bookings/1")
    assert answer.status_code == 405
    assert answer.get_json()["error"] == "Method Not Allowed"
    assert {"GET", "DELETE"} <= set(answer.headers["Allow"].split(", "))


def test_an_unexpected_exception_is_a_500_without_its_text(make_app: Callable[..., Flask]) -> None:
    """What nothing handles becomes a JSON 500 that does not show the exception."""
    app = make_app()
    app.add_url_rule("/broken", view_func=lambda: 1 / 0)
    answer = app.test_client().get("/broken")
    assert answer.status_code == 500
    assert answer.get_json()["error"] == "Internal Server Error"
    assert "division" not in answer.text
