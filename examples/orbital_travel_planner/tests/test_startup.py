"""Start-up: settings, and several workers that prepare one database at once."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from orbital_travel_planner import create_app
from orbital_travel_planner.catalogue import DESTINATIONS

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest
    from flask import Flask

FOLDER = Path(__file__).resolve().parent.parent

ROUNDS = 20  # the race for the write-ahead log once was lost in 5 of 100

# Each process says that it is ready and waits for a line, so that all prepare a database at the same moment.
WORKER = """
import sys
from orbital_travel_planner import create_app
for number in range(int(sys.argv[2])):
    print("ready", flush=True)
    sys.stdin.readline()
    create_app({"DATABASE_URL": f"sqlite:///{sys.argv[1]}/new/{number}.db"})
"""


def test_workers_that_start_at_once_prepare_the_database_once(tmp_path: Path) -> None:
    """Four processes with one new SQLite file after the other all start, and leave each destination once."""
    command = [sys.executable, "-c", WORKER, str(tmp_path), str(ROUNDS)]
    pipe = subprocess.PIPE
    workers = [subprocess.Popen(command, cwd=FOLDER, stdin=pipe, stdout=pipe, stderr=pipe, text=True) for _ in range(4)]
    for _ in range(ROUNDS):
        assert [worker.stdout and worker.stdout.readline() for worker in workers] == ["ready\n"] * len(workers)
        for worker in workers:
            assert worker.stdin
            worker.stdin.write("go\n")
            worker.stdin.flush()
    ended = [worker.communicate(timeout=30) for worker in workers]
    assert [worker.returncode for worker in workers] == [0] * len(workers), ended
    for number in range(ROUNDS):
        with sqlite3.connect(tmp_path / f"new/{number}.db") as database:
            assert database.execute("SELECT count(*) FROM destinations").fetchone() == (len(DESTINATIONS),)


def test_a_restart_keeps_what_is_there(make_app: Callable[..., Flask]) -> None:
    """A planner that starts on a used database keeps its bookings and its seats."""
    first = make_app(SEATS_PER_DESTINATION=5).test_client()
    order = {"traveller": "Ada", "destination": "europa-deep", "seats": 4}
    booking = first.post("/api/bookings", json=order).get_json()
    second = make_app(SEATS_PER_DESTINATION=5).test_client()
    assert second.get(f"/api/bookings/{booking['id']}").get_json() == booking
    assert second.get("/api/destinations/europa-deep").get_json()["seats_left"] == 1


def test_settings_come_from_the_environment(
    tmp_path: Path, suppliers_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Database, suppliers and seats are taken from environment variables."""
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path}/from-env.db")
    monkeypatch.setenv("SUPPLIERS_URL", suppliers_url)
    monkeypatch.setenv("SEATS_PER_DESTINATION", "17")
    shown = create_app().test_client().get("/api/destinations/europa-deep").get_json()
    assert shown["seats_left"] == 17
    assert (tmp_path / "from-env.db").exists()


def test_concurrent_bookings_never_sell_a_seat_twice(make_app: Callable[..., Flask]) -> None:
    """Of twelve simultaneous orders for five seats, five are booked and seven are told that it is sold out."""
    app = make_app(SEATS_PER_DESTINATION=5)
    order = {"traveller": "Ada", "destination": "europa-deep", "seats": 1}

    def book(_: int) -> int:
        return app.test_client().post("/api/bookings", json=order).status_code

    with ThreadPoolExecutor(6) as threads:
        statuses = sorted(threads.map(book, range(12)))
    assert statuses == [201] * 5 + [409] * 7
