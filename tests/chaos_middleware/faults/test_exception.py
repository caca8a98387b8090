"""`exception`."""

from __future__ import annotations

import builtins

import pytest

from chaos_middleware import ExperimentError
from chaos_middleware.faults.exception import ALLOWED


def test_it_throws_the_class_and_message_asked_for(read_fault, target):
    """The place gets an instance to raise."""
    read_fault("exception", **{"class": "KeyError", "message": "no such seat"}).act(target)
    ((verb, error),) = target.asked
    assert verb == "throw"
    assert type(error) is KeyError
    assert error.args == ("no such seat",)


@pytest.mark.parametrize("name", ["SystemExit", "os.system", "builtins.eval", "KeyboardInterrupt"])
def test_only_listed_classes_are_accepted(read_fault, name):
    """Nothing is looked up by a name from the file, and nothing that would stop a worker is raised."""
    with pytest.raises(ExperimentError, match="is not allowed; expected one of ArithmeticError"):
        read_fault("exception", **{"class": name})


def test_every_listed_class_can_be_made_of_a_message():
    """A class that needs more arguments would fail when it fires."""
    for name in ALLOWED:
        assert isinstance(getattr(builtins, name)("text"), Exception)
