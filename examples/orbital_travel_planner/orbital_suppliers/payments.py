"""The payment provider: authorisations and refunds.

Both may be asked for again. A request with the header `Idempotency-Key` is known by it: the same key is answered with
the same authorisation, so a payment whose answer was lost is not made twice. A refund is one however often it is asked
for.
"""

from __future__ import annotations

from uuid import NAMESPACE_OID, uuid4, uuid5

from flask import Blueprint, request

blueprint = Blueprint("payments", __name__)

DECLINED_TRAVELLER = "declined"  # like a payment provider's test card


@blueprint.post("/authorisations")
def authorise() -> tuple[dict[str, str], int]:
    """Authorise a payment of `{traveller, amount, currency}`; 402 for the traveller whose payments are declined.

    With an `Idempotency-Key` the authorisation follows from the key, whichever worker answers.
    """
    payment = request.get_json()
    if not isinstance(payment, dict) or {"traveller", "amount", "currency"} - payment.keys():
        return {"error": "traveller, amount and currency are needed"}, 400
    if payment["traveller"] == DECLINED_TRAVELLER:
        return {"error": "declined"}, 402
    key = request.headers.get("Idempotency-Key")
    return {"authorisation": f"auth-{(uuid5(NAMESPACE_OID, key) if key else uuid4()).hex}"}, 201


@blueprint.post("/refunds")
def refund() -> tuple[dict[str, str], int]:
    """Refund the payment `{authorisation}`."""
    payment = request.get_json()
    if not isinstance(payment, dict) or not str(payment.get("authorisation", "")).startswith("auth-"):
        return {"error": "no such authorisation"}, 404
    return {"status": "refunded"}, 201
