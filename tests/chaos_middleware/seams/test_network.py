"""The `network` seam as an experiment has it: its links, and what its rules may match on."""

from __future__ import annotations

import pytest

from chaos_middleware import ExperimentError
from chaos_middleware.experiment import parse

LINKS = {"links": [{"name": "fares", "env": "FARES_URL"}, {"name": "client"}]}
RULE = {"name": "late", "seam": "network", "rate": 0.1, "fault": {"type": "latency", "seconds": 1}}


def test_links_are_named_by_the_variable_of_the_app():
    """One without a variable is the link between the clients and the app. Such an experiment cannot be replayed: a
    connection has no identity but its number, which depends on who came first.
    """
    experiment = parse({"version": 1, "network": LINKS, "rules": [{**RULE, "match": {"link": ["fares"]}}]})
    assert [(link.name, link.env) for link in experiment.links] == [("fares", "FARES_URL"), ("client", None)]
    assert not experiment.replayable


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            {"network": {}},
            r'rules\[0\]\.match\.link: "\*" is not allowed; expected links of this experiment: there are none',
        ),
        (
            {"rules": [{**RULE, "match": {"link": ["fare"]}}]},
            r'match\.link: "fare" .* links of this experiment: fares, client',
        ),
        ({"rules": [{**RULE, "match": {"route": ["/x"]}}]}, r"match\.route"),
        ({"rules": [{**RULE, "phase": "after"}]}, r"phase: .after. is not allowed"),
        ({"network": {"links": [{"name": "a b"}]}}, r"network\.links\[0\]\.name"),
        ({"network": {"links": [{"name": "a"}, {"name": "a"}]}}, r"names that occur only once"),
    ],
)
def test_what_cannot_be_is_refused(change, said):
    """By its path, with the value and what is allowed."""
    with pytest.raises(ExperimentError, match=said):
        parse({"version": 1, "network": LINKS, "rules": [RULE], **change})
