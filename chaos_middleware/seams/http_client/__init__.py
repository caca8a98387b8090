"""Outbound HTTP calls, by `requests` and whatever else uses urllib3 (1.26, 2.x), and by `http.client` and `urllib`."""

from __future__ import annotations

from chaos_middleware.patching import Patches, Replace
from chaos_middleware.seams.http_client.connection import endheaders
from chaos_middleware.seams.http_client.pool import make_request

SEAM = Patches(
    "http_client",
    {
        "urllib3.connectionpool": (Replace("HTTPConnectionPool._make_request", make_request),),
        "http.client": (Replace("HTTPConnection.endheaders", endheaders),),
    },
)
