"""Whether the process is up."""

from __future__ import annotations

from flask import Blueprint

blueprint = Blueprint("health", __name__)


@blueprint.get("/healthz")
def healthz() -> dict[str, str]:
    """Say that the process answers; the database and the suppliers are not asked."""
    return {"status": "ok"}
