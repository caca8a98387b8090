"""The payment provider knows a repetition by its idempotency key."""

from __future__ import annotations

import requests

PAYMENT = {"traveller": "Ada", "amount": 1200, "currency": "EUR"}


def _authorise(url: str, *, key: str | None = None, **changed: object) -> requests.Response:
    headers = {"Idempotency-Key": key} if key else None
    return requests.post(f"{url}/authorisations", json=PAYMENT | changed, headers=headers, timeout=5)


def test_a_payment_that_is_asked_for_again_with_its_key_is_the_same(suppliers_url: str) -> None:
    """Another key is another payment, and so is each request without one."""
    answers = [_authorise(suppliers_url, key=key) for key in ("a", "a", "b", None, None)]
    assert [answer.status_code for answer in answers] == [201] * 5
    first, again, *others = (answer.json()["authorisation"] for answer in answers)
    assert first == again
    assert len({first, *others}) == 4


def test_a_declined_payment_stays_declined_under_its_key(suppliers_url: str) -> None:
    """The key makes no payment of what was refused."""
    assert [_authorise(suppliers_url, key="c", traveller="declined").status_code for _ in range(2)] == [402, 402]


def test_a_payment_with_a_key_can_be_refunded_as_often_as_it_is_asked_for(suppliers_url: str) -> None:
    """A refund repeated says the same."""
    paid = _authorise(suppliers_url, key="d").json()
    refunds = [requests.post(f"{suppliers_url}/refunds", json=paid, timeout=5) for _ in range(2)]
    assert [(refund.status_code, refund.json()) for refund in refunds] == [(201, {"status": "refunded"})] * 2
