"""A locustfile of the command's own, loaded before the others: no user starts before the app answers.

Locust starts, imports and connects its workers while the app does the same; this listener then waits for the file
that the command writes when the app has answered. It also gives locustfiles that do not know chaos_locust its keys,
stages and rows.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gevent
from locust import events

import chaos_locust  # noqa: F401 - importing it is what instruments the users
from chaos_test import report_link

if TYPE_CHECKING:
    from locust.env import Environment

READY = "CHAOS_TEST_READY"


@events.init.add_listener  # type: ignore[untyped-decorator]  # Locust has no types there
def link_to_the_report(environment: Environment, **_: Any) -> None:
    """In the web UI the report is one click away."""
    report_link.add(environment)


@events.init.add_listener  # type: ignore[untyped-decorator]  # likewise
def wait_for_the_app(**_: Any) -> None:
    """Hold Locust until the file exists; the command ends Locust where the app never comes."""
    while not Path(os.environ[READY]).exists():
        gevent.sleep(0.02)
