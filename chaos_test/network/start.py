"""Stands in the links of an experiment: starts the proxy, and hands its addresses to the app and to the load."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from chaos_test.errors import ChaosTestError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from chaos_test.plan import Plan
    from chaos_test.processes import Child, Children

_ADDRESS = re.compile(r"(?<=//)(?P<user>[^@/]*@)?(?P<host>\[[^\]]+\]|[^:/@]+):(?P<port>\d+)")


def stand_between(
    children: Children, plan: Plan, run_dir: Path, env: Mapping[str, str], free_port: Callable[[], int]
) -> tuple[dict[str, str], str, Child | None]:
    """The variables to change in the app's environment, the URL for the clients, and the proxy, if there is any link.

    Raises `ChaosTestError` for a link whose variable holds no address.
    """
    changed: dict[str, str] = {}
    url, words = plan.url, []
    for link in plan.experiment.value.links:
        value = plan.url if link.env is None else env.get(link.env, "")
        found = _ADDRESS.search(value)
        if found is None:
            has = f"has {link.env}={value!r}" if value else f"has no {link.env}"
            text = f"network.links: {link.name}: the app's environment {has}; expected a URL with host and port"
            raise ChaosTestError(text)
        port = free_port()
        words.append(f"{link.name}={port}={found['host'].strip('[]')}:{found['port']}")
        through = f"{value[: found.start()]}{found['user'] or ''}127.0.0.1:{port}{value[found.end() :]}"
        if link.env is None:
            url = through
        else:
            changed[link.env] = through
    if not words:
        return changed, url, None
    command = [sys.executable, "-m", "chaos_test.network", str(run_dir / "chaos-config.json"), str(run_dir), *words]
    return (
        changed,
        url,
        children.start("the proxy", command, cwd=Path.cwd(), env=os.environ, log=run_dir / "network.log"),
    )
