"""Standing in a link: whose address is handed to whom."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from chaos_middleware.experiment import parse
from chaos_test.errors import ChaosTestError
from chaos_test.network.start import stand_between

if TYPE_CHECKING:
    from pathlib import Path


@dataclass
class Started:
    """Notes what was started, in the place of `Children`."""

    commands: list[list[str]] = field(default_factory=list)

    def start(self, _: str, command: list[str], **__: Any) -> str:
        self.commands.append(command)
        return "child"


@dataclass
class Planned:
    """As much of a plan as it takes."""

    experiment: Any
    url: str = "http://127.0.0.1:8000"


def stand(env: dict[str, str], folder: Path, *links: dict[str, str]) -> tuple[Any, ...]:
    """What becomes of these links with this environment; proxies listen on 7001, 7002, …"""
    value = parse({"version": 1, "network": {"links": list(links)}})
    plan = Planned(type("Prepared", (), {"value": value})())
    started, ports = Started(), iter(range(7001, 7010))
    done = stand_between(started, plan, folder, env, lambda: next(ports))  # type: ignore[arg-type]  # as much as it takes
    return (*done, started.commands)


def test_addresses_are_rewritten_and_the_rest_of_a_url_is_kept(tmp_path: Path) -> None:
    """User, password, path and query stay; the proxy gets the real address."""
    env = {"DATABASE_URL": "postgresql://me:se@db.example:5432/shop?x=1", "FARES": "http://127.0.0.1:9000/v1"}
    links = ({"name": "db", "env": "DATABASE_URL"}, {"name": "fares", "env": "FARES"}, {"name": "client"})
    changed, url, child, (command,) = stand(env, tmp_path, *links)
    assert changed == {
        "DATABASE_URL": "postgresql://me:se@127.0.0.1:7001/shop?x=1",
        "FARES": "http://127.0.0.1:7002/v1",
    }
    assert (url, child) == ("http://127.0.0.1:7003", "child")
    assert command[-3:] == ["db=7001=db.example:5432", "fares=7002=127.0.0.1:9000", "client=7003=127.0.0.1:8000"]


def test_without_links_there_is_no_proxy(tmp_path: Path) -> None:
    """Nothing is started and nothing changed."""
    assert stand({}, tmp_path) == ({}, "http://127.0.0.1:8000", None, [])


@pytest.mark.parametrize(("env", "said"), [({}, "has no FARES"), ({"FARES": "sqlite:///x.db"}, "has FARES='sqlite:")])
def test_a_link_without_an_address_is_refused(tmp_path: Path, env: dict[str, str], said: str) -> None:
    """In one sentence with the link, the variable and its value."""
    with pytest.raises(ChaosTestError, match=f"network.links: fares: the app's environment {said}"):
        stand(env, tmp_path, {"name": "fares", "env": "FARES"})
