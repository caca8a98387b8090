"""The shop, in a process whose injector was broken on purpose: it forgets every third fault at the edge."""

from __future__ import annotations

import itertools
from typing import Any

from shop import create_app

from chaos_middleware.injector import Injector

__all__ = ["create_app"]

_open, _nth = Injector.open, itertools.count()


def _forget(self: Injector, *args: Any) -> Any:
    request, fired = _open(self, *args)
    return request, [] if fired and next(_nth) % 3 == 0 else fired


Injector.open = _forget
