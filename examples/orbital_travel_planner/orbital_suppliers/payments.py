"""The payment provider: authorisations and refunds."""

from __future__ import annotations

from uuid import uuid4

from flask import Blueprint, request

blueprint = Blueprint("payments", __name__)

DECLINED_TRAVELLER = "declined"  # like a payment provider's test card


@blueprint.post("/authorisations")
def authorise() -> tuple[dict[str, str], int]:
    """Authorise a payment of `{traveller, amount, currency}`; 402 for the traveller whose payments are declined."""
    payment = request.get_json()
    if not isinstance(payment, dict) or {"traveller", "amount", "currency"} - payment.keys():
        return {"error": "traveller, amount and currency are needed"}, 400
    if payment["traveller"] == DECLINED_TRAVELLER:
        return {"error": "declined"}, 402
    return {"authorisation": f"auth-{uuid4().hex}"}, 201


@blueprint.post("/refunds")
def refund() -> tuple[dict[str, str], int]:
    """Refund the payment `{authorisation}`."""
    payment = request.get_json()
    if not isinstance(payment, dict) or not str(payment.get("authorisation", "")).startswith("auth-"):
        return {"error": "no such authorisation"}, 404
    return {"status": "refunded"}, 201
