"""`noop`."""

from __future__ import annotations


def test_it_fires_and_changes_nothing(wrap):
    """The placebo is recorded like any fault, and the answer is the app's own."""

    def app(environ, start_response):
        start_response("200 OK", [("Content-Length", "2")])
        return [b"ok"]

    served = wrap(app, {"fault": {"type": "noop"}})
    reply = served.get()
    assert (reply.status, reply.body) == ("200 OK", b"ok")
    assert [event["fault"] for event in served.records("fault")] == ["noop"]
    assert served.records("end")[0]["measured"]["did"] == "done"


def test_it_asks_nothing_of_its_place(read_fault, target):
    """No verb of the target is used."""
    read_fault("noop").act(target)
    assert target.asked == []
