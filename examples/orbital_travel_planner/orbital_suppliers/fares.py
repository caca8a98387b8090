"""Fares and travel advisories of the destinations that the carriers serve."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, request

blueprint = Blueprint("fares", __name__)

CURRENCY = "EUR"
AMOUNTS = {
    "europa-deep": 412_000,
    "kraken-mare": 588_000,
    "lagrange-gardens": 9_400,
    "occator-springs": 174_000,
    "olympus-lodge": 96_500,
    "phobos-overlook": 88_000,
    "shackleton-rim": 27_900,
    "skyhook-station": 4_200,
    "tranquility-base": 24_500,
    "valles-marineris": 102_000,
}
ADVISORIES = (
    "Solar weather is calm.",
    "Expect a light proton shower; bring your dosimeter.",
    "Docking delays of up to two hours.",
)


@blueprint.get("/fares")
def list_fares() -> dict[str, Any]:
    """The fares of the `destinations` asked for, a comma-separated list; those not served are left out."""
    wanted = request.args.get("destinations", "").split(",")
    return {"fares": {slug: _fare(slug) for slug in wanted if slug in AMOUNTS}}


@blueprint.get("/fares/<slug>")
def show_fare(slug: str) -> tuple[dict[str, Any], int]:
    """The fare of one seat."""
    if slug not in AMOUNTS:
        return {"error": "not served"}, 404
    return _fare(slug), 200


@blueprint.get("/advisories/<slug>")
def show_advisory(slug: str) -> tuple[dict[str, str], int]:
    """What travellers should know today."""
    if slug not in AMOUNTS:
        return {"error": "not served"}, 404
    return {"advisory": ADVISORIES[AMOUNTS[slug] % len(ADVISORIES)]}, 200


def _fare(slug: str) -> dict[str, Any]:
    return {"amount": AMOUNTS[slug], "currency": CURRENCY}
