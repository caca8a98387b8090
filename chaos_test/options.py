"""How the values of options are read: each function takes the text and refuses it with what is allowed."""

from __future__ import annotations

import argparse
import json
import re

from chaos_middleware.experiment import Stage

_UNITS = {"": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0}
_ENDPOINT = re.compile(r"(GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS) /\S*( (?P<body>.+))?", re.DOTALL)


def positive(text: str) -> int:
    """A whole number of at least 1."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of at least 1")
    return int(text)


def port(text: str) -> int:
    """A TCP port."""
    if not text.isdecimal() or not 1 <= int(text) <= 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port, 1 to 65535")
    return int(text)


def seed(text: str) -> int:
    """A whole number of 63 bits."""
    if not text.isdecimal() or int(text) >= 2**63:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 0 to {2**63 - 1}")
    return int(text)


def seconds(text: str) -> float:
    """A duration such as `90`, `90s`, `1.5m` or `1h`, in seconds."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([smh]?)", text)
    if not found or float(found[1]) == 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not a duration above 0 such as 90s, 1.5m or 1h")
    return float(found[1]) * _UNITS[found[2]]


def endpoint(text: str) -> str:
    """`GET /path` or `POST /path {"a": "JSON body"}`; a path alone means GET, `{n}` another number in each request."""
    full = f"GET {text}" if text.startswith("/") else text
    match = _ENDPOINT.fullmatch(full)
    if not match:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not an endpoint such as 'GET /items' or 'POST /items {{\"n\": 1}}'"
        )
    if match["body"]:
        try:
            json.loads(match["body"].replace("{n}", "0"))
        except ValueError as error:
            raise argparse.ArgumentTypeError(f"{text!r}: the body is not JSON: {error}") from None
    return full


def stages(text: str) -> tuple[Stage, ...]:
    """`baseline=5s,chaos=25s,recovery=5s`, or shares of the requests: `baseline=20%,chaos=80%`."""
    found = tuple(_stage(part.strip(), text) for part in text.split(","))
    names = [stage.name for stage in found]
    if len(set(names)) < len(names):
        raise argparse.ArgumentTypeError(f"{text!r} names a stage twice")
    shares = [stage.share for stage in found if stage.share is not None]
    if shares and (len(shares) < len(found) or abs(sum(shares) - 1) > 1e-6):
        raise argparse.ArgumentTypeError(f"{text!r}: give every stage a duration, or every stage a share, in all 100%")
    return found


def _stage(part: str, text: str) -> Stage:
    name, _, value = part.rpartition("=")
    if not re.fullmatch(r"[A-Za-z0-9_%.-]{1,40}", name):
        raise argparse.ArgumentTypeError(f"{text!r} is not a list such as baseline=5s,chaos=25s,recovery=5s")
    if share := re.fullmatch(r"(\d+(?:\.\d+)?)%", value):
        return Stage(name, seconds=None, share=float(share[1]) / 100)
    return Stage(name, seconds=seconds(value), share=None)
