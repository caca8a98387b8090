"""Outbound HTTP calls: by `requests` and whatever else uses urllib3 (1.26, 2.x), by `http.client` and `urllib`, and by
`httpx`, sync and async.
"""

from __future__ import annotations

from chaos_middleware.patching import Patches, Replace, Spare
from chaos_middleware.seams.http_client.connection import endheaders
from chaos_middleware.seams.http_client.pool import make_request
from chaos_middleware.seams.http_client.transport import handle_async_request, handle_request

_ENDHEADERS = Replace("HTTPConnection.endheaders", endheaders)

SEAM = Patches(
    "http_client",
    {
        "http.client": (_ENDHEADERS,),
        "urllib3.connection": (Spare("HTTPConnection.endheaders", _ENDHEADERS),),  # its pools are driven, a level up
        "urllib3.connectionpool": (Replace("HTTPConnectionPool._make_request", make_request),),
        "httpx._transports.default": (
            Replace("HTTPTransport.handle_request", handle_request),
            Replace("AsyncHTTPTransport.handle_async_request", handle_async_request),
        ),
    },
)
