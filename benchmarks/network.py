"""What the network proxy costs: a round trip through it against one without, and a stream of bytes likewise.

In pairs, turn by turn, on loopback; the other side is a thread of this process, the proxy is a process of its own.
"""

from __future__ import annotations

import json
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

PAIRS = 16
TRIPS = 300
STREAM = 64 << 20
T_95 = 2.131  # Student's t for 15 degrees of freedom


def run() -> list[dict[str, Any]]:
    """Rows of `name`, `microseconds` (a round trip's, or a MiB's, more than without), and their 95 % interval."""
    with tempfile.TemporaryDirectory() as name, socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=_serve, args=(server,), daemon=True).start()
        folder, upstream = Path(name), server.getsockname()[1]
        experiment = {"version": 1, "network": {"links": [{"name": "up", "env": "UP"}]}, "rules": []}
        (folder / "chaos-config.json").write_text(json.dumps(experiment))
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        words = [str(folder / "chaos-config.json"), str(folder), f"up={port}=127.0.0.1:{upstream}"]
        proxy = subprocess.Popen([sys.executable, "-m", "chaos_test.network", *words], stdout=subprocess.PIPE)
        try:
            assert proxy.stdout
            proxy.stdout.readline()
            return [
                {"name": "network, a round trip", **_difference(_trip, upstream, port)},
                {"name": "network, a MiB", **_difference(_mebibyte, upstream, port)},
            ]
        finally:
            proxy.kill()
            proxy.wait()


def _difference(measure: Any, direct: int, through: int) -> dict[str, Any]:
    differences = [measure(through) - measure(direct) for _ in range(PAIRS)]
    mean = statistics.fmean(differences)
    half = T_95 * statistics.stdev(differences) / PAIRS**0.5
    return {"microseconds": mean, "low": mean - half, "high": mean + half}


def _trip(port: int) -> float:
    """The median of many small requests and answers."""
    with socket.create_connection(("127.0.0.1", port)) as client:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        times = []
        for _ in range(TRIPS):
            began = time.perf_counter()
            client.sendall(b"p")
            client.recv(1)
            times.append(time.perf_counter() - began)
    return statistics.median(times) * 1e6


def _mebibyte(port: int) -> float:
    with socket.create_connection(("127.0.0.1", port)) as client:
        began, left = time.perf_counter(), STREAM
        client.sendall(b"s")
        while left > 0:
            left -= len(client.recv(1 << 18))
        return (time.perf_counter() - began) / (STREAM >> 20) * 1e6


def _serve(server: socket.socket) -> None:
    while True:
        try:
            connection, _ = server.accept()
        except OSError:
            return
        threading.Thread(target=_answer, args=(connection,), daemon=True).start()


def _answer(connection: socket.socket) -> None:
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    block = bytes(1 << 18)
    with connection:
        while asked := connection.recv(1):
            if asked == b"p":
                connection.sendall(b"p")
            else:
                for _ in range(STREAM // len(block)):
                    connection.sendall(block)


if __name__ == "__main__":
    for row in run():
        print(f"{row['name']:30} {row['microseconds']:6.2f} µs  [{row['low']:.2f}, {row['high']:.2f}]")
