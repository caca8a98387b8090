"""The three HTTP headers through which a load generator and the middleware know each other (docs/formats.md)."""

from __future__ import annotations

import re

KEY = "X-Chaos-Key"
STAGE = "X-Chaos-Stage"
FAULT = "X-Chaos-Fault"

KEY_ENVIRON = "HTTP_X_CHAOS_KEY"
STAGE_ENVIRON = "HTTP_X_CHAOS_STAGE"

DEFAULT_STAGE = "chaos"

VALID_KEY = re.compile(r"[A-Za-z0-9_-]{1,64}\.[A-Za-z0-9_-]{1,64}\.[A-Za-z0-9_-]{1,64}\Z")
VALID_STAGE = re.compile(r"[A-Za-z0-9_%.-]{1,40}\Z")
