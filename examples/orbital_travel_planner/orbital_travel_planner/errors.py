"""Every error is answered in JSON: `{"error": "Not Found", "message": "No destination is called 'x'."}`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from werkzeug.exceptions import HTTPException

from .suppliers import PaymentDeclinedError

if TYPE_CHECKING:
    from flask import Flask
    from werkzeug.wrappers import Response


def init_app(app: Flask) -> None:
    """Have `app` answer errors in JSON; an exception that nothing else handles is logged and becomes a 500."""
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(PaymentDeclinedError, _payment_declined)


def _http_error(error: HTTPException) -> Response:
    response = error.get_response()  # it has the right headers, such as Allow of a 405
    response.data = json.dumps({"error": error.name, "message": error.description})
    response.content_type = "application/json"
    return response


def _payment_declined(_error: PaymentDeclinedError) -> tuple[dict[str, str], int]:
    return {"error": "Payment Required", "message": "The payment was declined."}, 402
