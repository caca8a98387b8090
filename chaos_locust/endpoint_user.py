"""A locustfile for those who have none: users that call the endpoints given by `--chaos-endpoint`, all equally often.

locust -f chaos_locust/endpoint_user.py --chaos-endpoint 'GET /' --chaos-endpoint 'POST /items {"name": "x{n}"}'

`{n}`, in a path or a body, is another number in each request, and in the same one of a replay the same.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from locust import FastHttpUser, between, events

from chaos_locust import current, steps
from chaos_locust.hooks import listen

if TYPE_CHECKING:
    from collections.abc import Callable

_N = "{n}"
_ENDPOINT = re.compile(r"(?P<method>[A-Z]+)\s+(?P<path>/\S*)(\s+(?P<body>.+))?", re.DOTALL)


class EndpointUser(FastHttpUser):
    """One task an endpoint."""

    wait_time = between(0.02, 0.1)


def add_option(parser: Any, **_: Any) -> None:
    """Locust's `init_command_line_parser` event."""
    parser.add_argument(
        "--chaos-endpoint",
        action="append",
        metavar="<METHOD /path [JSON]>",
        include_in_web_ui=False,
        help="endpoint_user.py: an endpoint to call, with a JSON body if need be. May be given several times.",
    )


def make_tasks(environment: Any, **_: Any) -> None:
    """Locust's `init` event."""
    endpoints = getattr(environment.parsed_options, "chaos_endpoint", None) or []
    if not endpoints:
        raise SystemExit("locust: endpoint_user.py needs --chaos-endpoint 'GET /path', once or several times")
    EndpointUser.tasks = [_task(endpoint) for endpoint in endpoints]


def _task(endpoint: str) -> Callable[[EndpointUser], None]:
    match = _ENDPOINT.fullmatch(endpoint.strip())
    if match is None:
        raise SystemExit(f"locust: --chaos-endpoint {endpoint!r}: write METHOD /path, then a JSON body if need be")
    method, path, body = match["method"], match["path"], match["body"] or ""
    try:
        json.loads(body.replace(_N, "0") or "null")
    except ValueError as error:
        raise SystemExit(f"locust: --chaos-endpoint {endpoint!r}: the body is not JSON: {error}") from None

    @steps(1)
    def call(user: EndpointUser) -> None:
        n = _number()
        sent = json.loads(body.replace(_N, n) or "null")
        user.client.request(method, path.replace(_N, n), json=sent, name=path.partition("?")[0])

    return call


def _number() -> str:
    """Of the current user's iteration, and of no other one: Cantor's pairing, from 1 on."""
    journey = current()
    both = journey.number + journey.iteration
    return str(both * (both + 1) // 2 + journey.number + 1)


listen(events.init_command_line_parser, add_option)
listen(events.init, make_tasks)
