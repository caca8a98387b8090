"""The locustfile of all cases: calls the endpoints, and where the case has `right(answer)`, asks it.

The case's name is in TRUTH_CASE. `right` is what a client of that service would check in an answer's JSON; `body(n)` is
the JSON that it sends with a POST, PUT or PATCH.
"""

from __future__ import annotations

import os
import random
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import gevent
from locust import FastHttpUser

sys.path.insert(0, str(Path(__file__).parents[2]))

from benchmarks.truth.collect import module_of
from chaos_locust import steps

_MODULE = module_of(os.environ["TRUTH_CASE"])
_right: Callable[[Any], bool] | None = getattr(_MODULE, "right", None)
_body: Callable[[int], Any] | None = getattr(_MODULE, "body", None)


def _task(endpoint: str) -> Callable[[FastHttpUser], None]:
    method, path = endpoint.split()
    sends = _body if method in {"POST", "PUT", "PATCH"} else None

    @steps(1)
    def call(user: FastHttpUser) -> None:
        n = random.randrange(100)
        url, name, sent = path.replace("{n}", str(n)), path.partition("?")[0], sends(n) if sends else None
        gevent.sleep(random.uniform(*_MODULE.CASE.pause))  # first, so that those who begin a stage together spread
        with user.client.request(method, url, name=name, json=sent, catch_response=True) as answer:
            if _right is not None and 0 < answer.status_code < 400 and not _is_right(answer):
                answer.failure("the content is not right")

    return call


def _is_right(answer: Any) -> bool:
    assert _right is not None
    try:
        return _right(answer.json())
    except (ValueError, LookupError, TypeError):
        return False


class Visitor(FastHttpUser):
    """Calls one endpoint after the other."""

    tasks: ClassVar = [_task(endpoint) for endpoint in _MODULE.CASE.endpoints]
