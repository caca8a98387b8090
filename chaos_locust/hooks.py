"""How we attach to Locust, which has no types for either: its events, and methods put in place of its own."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

Method = Callable[..., Any]

JOURNEY = "chaos_journey"  # the attribute of a user in which its journey is; None where no test runs


def listen(event: Any, listener: Callable[..., object]) -> None:
    """Have an event of Locust's call this listener with keyword arguments."""
    event.add_listener(listener)


def replace(owner: type, name: str, wrap: Callable[[Method], Method]) -> None:
    """Put `wrap(method)` in the method's place, for the whole process."""
    original = getattr(owner, name)
    setattr(owner, name, functools.wraps(original)(wrap(original)))
