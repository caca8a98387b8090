"""`statement_error`."""

from __future__ import annotations

import pytest

from chaos_middleware import ExperimentError
from chaos_middleware.faults.statement_error import KINDS
from chaos_middleware.seams.database.engines.mysql import _ERRORS as MYSQL
from chaos_middleware.seams.database.engines.postgresql import _ERRORS as POSTGRESQL
from chaos_middleware.seams.database.engines.sqlite import _ERRORS as SQLITE


def test_it_fails_with_the_kind_asked_for(read_fault, target):
    """The kind is what the ledger shows."""
    fault = read_fault("statement_error", seam="database", kind="deadlock")
    fault.act(target)
    assert target.asked == [("error", "deadlock")]
    assert fault.asked() == {"kind": "deadlock"}


def test_a_kind_that_is_not_known_is_refused(read_fault):
    """With the kinds that there are."""
    with pytest.raises(ExperimentError, match="expected one of serialization_failure, deadlock"):
        read_fault("statement_error", seam="database", kind="oops")


def test_every_engine_knows_every_kind():
    """A server's `disconnect` is none that it raises: its connection is broken."""
    assert set(SQLITE) == set(KINDS)
    assert set(POSTGRESQL) == set(MYSQL) == set(KINDS) - {"disconnect"}
