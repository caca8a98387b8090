"""Each fault of a connection, asked against measured: a real proxy process, raw sockets, the errors of the kernel."""

from __future__ import annotations

import errno
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

SIZE = 20_000
BODY = bytes(range(250)) * (SIZE // 250)


def answer(connection: socket.socket) -> None:
    """Answers each line with the body, `big` with ten of it; ends when the other side does."""
    with suppress(OSError), connection, connection.makefile("rb") as lines:
        for line in lines:
            connection.sendall(BODY * (10 if line == b"big\n" else 1))


@pytest.fixture(scope="module")
def upstream() -> Iterator[int]:
    """The port of a server that answers each line with the same bytes."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                threading.Thread(target=answer, args=(connection,), daemon=True).start()

        threading.Thread(target=serve, daemon=True).start()
        yield server.getsockname()[1]


class Proxy:
    """A running proxy with one link, in the stage `chaos`."""

    def __init__(self, folder: Path, upstream: int, *rules: dict[str, Any], lease: bool = False) -> None:
        self.folder = folder
        named = [{"name": f"r{n}", "seam": "network", "rate": 1, **rule} for n, rule in enumerate(rules)]
        safety = {"lease_seconds": 1}
        experiment = {"version": 1, "seed": 3, "network": {"links": [{"name": "up", "env": "UP"}]}, "safety": safety}
        (folder / "chaos-config.json").write_text(json.dumps(experiment | {"rules": named}))
        (folder / "stage").write_text("chaos")
        if lease:
            (folder / "lease").touch()
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        words = [str(folder / "chaos-config.json"), str(folder), f"up={self.port}=127.0.0.1:{upstream}"]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "chaos_test.network", *words], stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdout
        assert self.process.stdout.readline() == "ready\n"

    def connect(self, timeout: float = 10) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=timeout)

    def ask(self, line: bytes = b"one\n", size: int = SIZE) -> tuple[bytes, str, float, float]:
        """What came, how it ended (an errno's name, `EOF`, `whole`), and the seconds to the first byte and the end."""
        began, data, first, end = time.monotonic(), b"", float("nan"), "whole"
        try:
            with self.connect() as client:
                client.sendall(line)
                while len(data) < size and end == "whole":
                    more = client.recv(65_536)
                    first = time.monotonic() - began if not data else first
                    end = end if more else "EOF"
                    data += more
        except OSError as error:
            end = errno.errorcode.get(error.errno or 0, type(error).__name__)
        return data, end, first, time.monotonic() - began

    def records(self, kind: str) -> list[dict[str, Any]]:
        lines = [line for part in self.folder.glob("faults/*.jsonl") for line in part.read_text().splitlines()]
        return [record for record in map(json.loads, lines) if record["kind"] == kind]

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()
        assert self.process.stdout
        self.process.stdout.close()


@pytest.fixture
def proxy(tmp_path: Path, upstream: int) -> Iterator[Callable[..., Proxy]]:
    """Starts proxies from faults, each of which befalls every connection."""
    made: list[Proxy] = []

    def start(*faults: dict[str, Any], lease: bool = False, **rule: Any) -> Proxy:
        folder = tmp_path / str(len(made))
        folder.mkdir()
        made.append(Proxy(folder, upstream, *({"fault": fault, **rule} for fault in faults), lease=lease))
        return made[-1]

    yield start
    for each in made:
        each.stop()


def test_without_a_fault_everything_goes_through(proxy: Callable[..., Proxy]) -> None:
    """Whole, large and small. In the ledger a connection has a target, so that it counts as no request."""
    up = proxy({"type": "noop"})
    for line, size in ((b"one\n", SIZE), (b"big\n", 10 * SIZE)):
        data, end, _, _ = up.ask(line, size)
        assert (data == BODY * (size // SIZE), end) == (True, "whole")
    reached = next(up.folder.glob("faults/*.reached")).read_text().splitlines()
    assert [line.split("\t")[3] for line in reached] == ["up connection 0", "up connection 1"]
    assert [event["key"] for event in up.records("fault")] == ["network", "network"]


def test_latency_comes_once(proxy: Callable[..., Proxy]) -> None:
    """A long answer is late by what was asked, and not by so much for each of its pieces."""
    data, end, first, whole = proxy({"type": "latency", "seconds": 0.3}).ask(b"big\n", 10 * SIZE)
    assert (len(data), end) == (10 * SIZE, "whole")
    assert 0.3 <= first < 0.8
    assert whole - first < 0.25


def test_jitter_differs_from_connection_to_connection(proxy: Callable[..., Proxy]) -> None:
    """Each is within what was asked."""
    up = proxy({"type": "jitter", "seconds": 0.4})
    firsts = [up.ask()[2] for _ in range(6)]
    assert all(0 <= first < 0.9 for first in firsts)
    assert max(firsts) - min(firsts) > 0.05


def test_a_narrow_line_takes_its_time(proxy: Callable[..., Proxy]) -> None:
    """20 kB at 40 kB/s are half a second."""
    data, _, _, whole = proxy({"type": "bandwidth", "bytes_per_second": 2 * SIZE}).ask()
    assert len(data) == SIZE
    assert 0.45 <= whole < 1.2


def test_a_sliced_answer_comes_in_small_pieces(proxy: Callable[..., Proxy]) -> None:
    """Twenty of a thousand bytes, 20 ms apart."""
    data, end, first, whole = proxy({"type": "slicer", "bytes": 1000, "seconds": 0.02}).ask()
    assert (data == BODY, end) == (True, "whole")
    assert 0.35 <= whole - first < 1.5


@pytest.mark.parametrize("limit", [0, 5000])
def test_a_limit_ends_the_stream_in_good_order(proxy: Callable[..., Proxy], limit: int) -> None:
    """Exactly so many bytes, and then an end of file: nothing says that it is not the real one."""
    data, end, _, _ = proxy({"type": "data_limit", "bytes": limit}).ask()
    assert (data, end) == (BODY[:limit], "EOF")


@pytest.mark.parametrize("limit", [0, 5000])
def test_a_reset_after_bytes_is_a_reset(proxy: Callable[..., Proxy], limit: int) -> None:
    """ECONNRESET, in the place of the first byte or after so many; what the client had not read yet may go with it."""
    data, end, _, _ = proxy({"type": "reset_after", "bytes": limit}).ask()
    assert end == "ECONNRESET"
    assert data == BODY[: len(data)]
    assert len(data) <= limit


def test_a_reset_at_once_is_a_reset(proxy: Callable[..., Proxy]) -> None:
    """The connection stands for a moment, and its first use fails."""
    data, end, _, _ = proxy({"type": "connection_reset"}).ask()
    assert (data, end in {"ECONNRESET", "EPIPE"}) == (b"", True)


def test_silence_is_no_end(proxy: Callable[..., Proxy]) -> None:
    """Nothing comes, and nothing closes, until its time is over; the client's own timeout ends it sooner."""
    up = proxy({"type": "silence", "seconds": 1})
    with up.connect(timeout=0.3) as client:
        client.sendall(b"one\n")
        with pytest.raises(TimeoutError):
            client.recv(1)
        client.settimeout(5)
        assert client.recv(1) == b""


def test_a_slow_close_comes_late(proxy: Callable[..., Proxy]) -> None:
    """The answer is there at once, its end only after the time asked."""
    up = proxy({"type": "slow_close", "seconds": 0.5})
    with up.connect() as client:
        client.sendall(b"one\n")
        data = b""
        while len(data) < SIZE:
            data += client.recv(65_536)
        client.shutdown(socket.SHUT_WR)
        began = time.monotonic()
        assert client.recv(1) == b""
        assert 0.45 <= time.monotonic() - began < 1.5


def test_loss_stalls_and_drops_nothing(proxy: Callable[..., Proxy]) -> None:
    """The stream is whole, and late by the times of retransmission."""
    up = proxy({"type": "packet_loss", "share": 0.7, "seconds": 0.1}, {"type": "slicer", "bytes": 2000, "seconds": 0})
    data, end, _, whole = up.ask()
    assert (data == BODY, end) == (True, "whole")
    assert whole > 0.1


def test_live_connections_are_reset(proxy: Callable[..., Proxy]) -> None:
    """All that stand when a new one comes; the new one works."""
    up = proxy({"type": "live_reset"}, rate={"chaos": 1, "calm": 0})
    (up.folder / "stage").write_text("calm")
    with up.connect() as first, up.connect() as second:
        for each in (first, second):
            each.sendall(b"one\n")
            assert each.recv(100)
        (up.folder / "stage").write_text("chaos")
        os.utime(up.folder / "stage", (1, 1))
        assert up.ask()[1] == "whole"
        for each in (first, second):
            with pytest.raises(ConnectionResetError):
                _drain(each)
    until = time.monotonic() + 5
    while not up.records("end") and time.monotonic() < until:
        time.sleep(0.02)
    assert up.records("end")[0]["measured"]["did"] == "2 reset"


def _drain(connection: socket.socket) -> None:
    """Read what is left."""
    while connection.recv(65_536):
        pass


@pytest.mark.parametrize("how", ["refused", "hang"])
def test_a_link_that_is_down_lets_nobody_in(proxy: Callable[..., Proxy], how: str) -> None:
    """ECONNREFUSED, or no answer to the attempt at all; when the time is over it is up again."""
    up = proxy({"type": "link_down", "how": how, "seconds": 1.2}, gate={"first": 1})
    assert up.ask()[1] == "whole"  # connections that stand go on
    time.sleep(0.3)
    began = time.monotonic()
    with pytest.raises(ConnectionRefusedError if how == "refused" else TimeoutError):
        up.connect(timeout=0.4)
    assert (time.monotonic() - began < 0.2) == (how == "refused")
    time.sleep(2.0)
    assert up.ask()[1] == "whole"


def test_the_kill_switch_lets_delayed_pieces_go(proxy: Callable[..., Proxy]) -> None:
    """At once; later connections meet no fault."""
    up = proxy({"type": "latency", "seconds": 30})
    timer = threading.Timer(0.5, (up.folder / "kill").touch)
    timer.start()
    _, end, _, whole = up.ask()
    assert (end, whole < 2) == ("whole", True)
    assert up.ask()[3] < 1
    assert [record["reason"] for record in up.records("suppressed")] == ["killed"]


def test_nobody_renews_the_lease_and_it_ends(proxy: Callable[..., Proxy]) -> None:
    """A controller that was killed leaves no proxy behind; SIGTERM ends it at once."""
    assert proxy({"type": "noop"}, lease=True).process.wait(timeout=6) == 0
    other = proxy({"type": "noop"})
    other.process.send_signal(signal.SIGTERM)
    assert other.process.wait(timeout=3) == 0


def test_a_dependency_that_is_gone_is_a_reset(tmp_path: Path) -> None:
    """The proxy itself answers nothing in its place."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        nobody = probe.getsockname()[1]
    up = Proxy(tmp_path, nobody, {"fault": {"type": "noop"}})
    try:
        assert up.ask()[1] == "ECONNRESET"
    finally:
        up.stop()
