"""Faults on real connections, on every server: the client must see exactly the error that the fault is named after."""

from __future__ import annotations

import errno
import json
import os
import re
import runpy
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

HERE = Path(__file__).parent
EXPERIMENT = runpy.run_path(str(HERE / "served.py"))["experiment"]()
SERVERS = ("gunicorn", "gthread", "sync", "werkzeug", "pywsgi", "wsgiref")


class Service:
    """A served app: its port, its process, its log and its ledger."""

    def __init__(self, server, folder):
        self.run_dir = folder
        self.log = folder / "log"
        (folder / "chaos-config.json").write_text(json.dumps(EXPERIMENT))
        command = [sys.executable, "-m", "chaos_middleware.serve", "served:app", "--server", server]
        command += ["--bind", "127.0.0.1:0", "--config", str(folder / "chaos-config.json"), "--run-dir", str(folder)]
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [*command, "--app-dir", str(HERE)], stdout=subprocess.PIPE, stderr=log, text=True
            )
        self.first_line = self.process.stdout.readline()
        found = re.search(r"http://127\.0\.0\.1:(\d+) ", self.first_line)
        assert found, self.log.read_text()
        self.port = int(found[1])

    def records(self, kind):
        """The ledger's records of this kind."""
        lines = [line for part in self.run_dir.glob("faults/*.jsonl") for line in part.read_text().splitlines()]
        return [record for record in map(json.loads, lines) if record["kind"] == kind]

    def ask(self, path, key):
        """Ask over a connection of its own that is kept open; returns what came and how it ended."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=20) as client:
            client.sendall(f"GET {path} HTTP/1.1\r\nHost: test\r\nX-Chaos-Key: {key}\r\n\r\n".encode())
            return _read(client)

    def post(self, path, key, *, chunked=False):
        """Send two requests with a JSON body over one connection, the second where the server keeps it; returns what
        each was answered.
        """
        body = b'7\r\n{"a":1}\r\n0\r\n\r\n' if chunked else b'{"a":1}'
        kind = "Transfer-Encoding: chunked" if chunked else "Content-Length: 7"
        answers = []
        with socket.create_connection(("127.0.0.1", self.port), timeout=20) as client:
            for step in (1, 2):
                head = f"POST {path} HTTP/1.1\r\nHost: test\r\nContent-Type: application/json\r\n{kind}\r\n"
                client.sendall(f"{head}X-Chaos-Key: {key}.{step}\r\n\r\n".encode() + body)
                headers, _, content = _read(client)[0].partition(b"\r\n\r\n")
                answers.append(content.strip().decode())
                if headers.startswith(b"HTTP/1.0") or b"connection: close" in headers.lower():
                    break
        return answers

    def stop(self):
        """End it, however it takes that."""
        self.process.terminate()
        try:
            self.process.wait(timeout=10)
        finally:
            self.process.kill()
            self.process.stdout.close()


def _read(client):
    """Bytes until the end of the connection or of the answer; and which: `EOF`, an errno's name or `whole`."""
    data = b""
    while not _is_whole(data):
        try:
            more = client.recv(65_536)
        except OSError as error:
            return data, errno.errorcode[error.errno]
        if not more:
            return data, "EOF"
        data += more
    return data, "whole"


def _is_whole(data):
    headers, _, body = data.partition(b"\r\n\r\n")
    length = re.search(rb"(?i)content-length: (\d+)", headers)
    return body.endswith(b"0\r\n\r\n") or (length is not None and len(body) == int(length[1]))


@pytest.fixture(scope="module", params=SERVERS)
def service(request, tmp_path_factory):
    """Each server in turn; no fault of these tests may leave a traceback in its log."""
    running = Service(request.param, tmp_path_factory.mktemp(request.param))
    try:
        yield running
        assert running.log.read_text() == ""
    finally:
        running.stop()


@pytest.mark.parametrize("path", ["/reset/sized", "/reset/stream", "/reset-after/sized", "/reset-after/stream"])
def test_a_reset_is_a_reset(service, path):
    """ECONNRESET, and not a byte of an answer."""
    assert service.ask(path, "1.1.1") == (b"", "ECONNRESET")


def test_a_truncated_answer_of_known_length_ends_early(service):
    """Half of the announced bytes, then the end of the connection: no hang on a kept-alive one."""
    data, end = service.ask("/truncated/sized", "1.1.2")
    headers, _, body = data.partition(b"\r\n\r\n")
    assert (b"Content-Length: 100" in headers, len(body), end) == (True, 50, "EOF")


@pytest.mark.parametrize(("shape", "kept"), [("list", 50), ("stream", 5)])
def test_a_truncated_answer_of_unknown_length_is_reset(service, shape, kept):
    """Where an early end could pass for the real one, the client gets what was kept and then ECONNRESET."""
    data, end = service.ask(f"/truncated/{shape}", "1.1.3")
    assert data.startswith(b"HTTP/1.")
    assert (data.partition(b"\r\n\r\n")[2].count(b"x"), end) == (kept, "ECONNRESET")


@pytest.mark.parametrize("shape", ["sized", "list", "stream"])
def test_a_slow_body_comes_whole(service, shape):
    """100 bytes at 500 a second: at least 0.1 s, and every byte."""
    started = time.monotonic()
    data, end = service.ask(f"/slow/{shape}", "1.1.4")
    assert time.monotonic() - started >= 0.1
    assert (data.partition(b"\r\n\r\n")[2].count(b"x"), end in {"whole", "EOF"}) == (100, True)


@pytest.mark.parametrize("path", ["read", "unread"])
def test_a_large_body_ends_where_the_next_request_begins(service, path):
    """The app reads three megabytes of seven bytes, or nothing; the connection goes on as without a fault."""
    key = f"4.{path}"
    plain = service.post(f"/plain/{path}", key)
    large = service.post(f"/large/{path}", key)
    assert plain[0] == ('7 {"a":1}' if path == "read" else "0")
    assert large == [each.replace("7 ", "3000000 ") for each in plain]
    _wait_for(lambda: [each for each in service.records("end") if each["id"] == f"{key}.1:large"])
    did = {each["id"]: each["measured"]["did"] for each in service.records("end")}
    assert did[f"{key}.1:large"] == ("3000000" if path == "read" else "0") + " of 3000000 bytes read"


def test_a_large_body_in_chunks(service):
    """It goes on after its last chunk, where the server undoes chunks; elsewhere the fault says that it cannot act."""
    answer = service.post("/large/read", "4.chunks", chunked=True)[0]
    _wait_for(lambda: [each for each in service.records("end") if each["id"] == "4.chunks.1:large"])
    did = next(each["measured"]["did"] for each in service.records("end") if each["id"] == "4.chunks.1:large")
    undone = did == "3000000 of 3000000 bytes read"
    assert undone == (answer == '3000000 {"a":1}')
    assert undone or did == "unsupported"


def test_an_error_and_a_late_answer_are_answers(service):
    """Both whole, and named in the header."""
    error, _ = service.ask("/error/sized", "1.1.5")
    assert error.split(b" ")[1] == b"503"
    assert b"1.1.5:error" in error
    started = time.monotonic()
    late, _ = service.ask("/late/sized", "1.1.6")
    assert time.monotonic() - started >= 0.1
    assert b"1.1.6:late" in late


def test_an_answer_without_faults_is_untouched(service):
    """Another path, no rule: whole and unnamed."""
    data, end = service.ask("/plain/sized", "1.1.7")
    assert (data.partition(b"\r\n\r\n")[2], b"X-Chaos-Fault" in data) == (b"x" * 100, False)
    assert end in {"whole", "EOF"}


def test_the_ledger_has_what_was_done(service):
    """An end for each start, once the effect is over."""
    for path, key in (("/reset/sized", "3.1.1"), ("/truncated/sized", "3.1.2"), ("/error/sized", "3.1.3")):
        service.ask(path, key)
    _wait_for(lambda: len([each for each in service.records("end") if each["id"].startswith("3.")]) == 3)
    did = {each["id"]: each["measured"]["did"] for each in service.records("end")}
    assert (did["3.1.1:reset"], did["3.1.2:truncated"], did["3.1.3:error"]) == ("reset", "50 bytes sent", "503")


@pytest.mark.parametrize("server", ["gunicorn", "werkzeug"])
def test_sigurg_stops_all_faults(server, tmp_path):
    """Sent to an idle server: who sleeps is woken, later requests are served at once, and the ledger says why.

    Under gunicorn the signal goes to the master, and the worker is in gevent's loop.
    """
    running = Service(server, tmp_path)
    try:
        answers = []
        sleeper = threading.Thread(target=lambda: answers.append(running.ask("/asleep/sized", "2.1.1")))
        sleeper.start()
        _wait_for(lambda: running.records("fault"))
        os.kill(running.process.pid, signal.SIGURG)
        sleeper.join(timeout=10)
        assert answers[0][0].startswith(b"HTTP/1.")
        assert (tmp_path / "kill").exists()
        assert running.ask("/reset/sized", "2.1.2")[0].startswith(b"HTTP/1.")
        (suppressed,) = running.records("suppressed")
        assert (suppressed["id"], suppressed["reason"]) == ("2.1.2:reset", "killed")
        assert "kill switch" in running.records("note")[0]["text"]
    finally:
        running.stop()


def _wait_for(condition, seconds=10):
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.01)
