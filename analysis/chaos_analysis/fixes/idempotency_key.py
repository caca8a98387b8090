"""A key that makes the repetitions of a call that changes state one operation, and a retry with it for lost answers."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

import libcst as cst

from chaos_analysis.fixes._calls import http_call
from chaos_analysis.fixes._evidence import method, summaries
from chaos_analysis.fixes._fix import AlreadyThere, Case, Declined, Fix, Spot
from chaos_analysis.fixes._keys import NAMED, carries_key, give_key
from chaos_analysis.fixes._layers import STAMINA
from chaos_analysis.fixes._operations import retry_loop, statement
from chaos_analysis.fixes._plans import bounded, planned, told
from chaos_analysis.fixes._repeatable import repeatable
from chaos_analysis.fixes._repeating import by_caller
from chaos_analysis.fixes._sessions import refuse_retried
from chaos_analysis.fixes._source import Source

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from chaos_analysis.fixes._calls import HttpCall
    from chaos_analysis.fixes._evidence import Evidence
    from chaos_analysis.model import Pattern, Proposal, Site

DECIDE = "# chaos-test: decide: does the other side know a repetition by this key?"
CHANGING = ("POST", "PATCH")
_REPEATED = 0  # `repeats` of a spot whose call the app repeats by itself


class IdempotencyKey(Fix):
    """Sends `Idempotency-Key`, made once for each operation; a call that is made once gets a retry as well."""

    name = "idempotency_key"
    title = "Let a state-changing call be repeated without being done twice"
    mends = ("non_idempotent_retry",)
    leaves = ("invariant_violated",)
    reference = (
        "IETF, The Idempotency-Key HTTP Header Field: "
        "https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/; AWS Builders' Library, Making "
        "retries safe with idempotent APIs: "
        "https://aws.amazon.com/builders-library/making-retries-safe-with-idempotent-APIs/"
    )

    CASES: ClassVar[tuple[Case, ...]] = (
        Case(
            "a loop sends it until an answer comes",
            before="""
                import time

                import requests


                def order(url, items):
                    for item in items:
                        for pause in (0.1, 0.2):
                            try:
                                return requests.post(url, json=item, timeout=1)
                            except requests.RequestException:
                                time.sleep(pause)
                """,
            after=f"""
                import time
                from uuid import uuid4

                import requests


                def order(url, items):
                    for item in items:
                        {DECIDE}
                        idempotency_key = uuid4().hex
                        for pause in (0.1, 0.2):
                            try:
                                return requests.post(
                                    url,
                                    json=item,
                                    timeout=1,
                                    headers={{"Idempotency-Key": idempotency_key}},
                                )
                            except requests.RequestException:
                                time.sleep(pause)
                """,
            at="requests.post",
            method="POST",
            known={"repeats": 0},
        ),
        Case(
            "each attempt has a key of its own",
            before="""
                import requests, uuid


                def order(url, item):
                    while True:
                        key = {'Idempotency-Key': str(uuid.uuid4())}
                        answer = requests.post(url, json=item, headers=key)
                        if answer.ok:
                            return answer
                """,
            after="""
                import requests, uuid


                def order(url, item):
                    key = {'Idempotency-Key': str(uuid.uuid4())}
                    while True:
                        answer = requests.post(url, json=item, headers=key)
                        if answer.ok:
                            return answer
                """,
            at="requests.post",
            method="POST",
            known={"repeats": 0, "keyed": True},
        ),
        Case(
            "it is made once, and gets a retry with the key",
            before="""
                import requests


                class Client:
                    def __init__(self):
                        self.session = requests.Session()

                    def order(self, item):
                        return self.session.post('/orders', json=item, headers=self.headers)
                """,
            after=f"""
                from uuid import uuid4

                import requests
                import stamina

                # A call with a key is repeated, at most twice, after a growing, jittered pause.
                RETRY = stamina.RetryingCaller(
                    attempts=3, timeout=4.4, wait_initial=0.1, wait_jitter=0.1
                ).on((requests.ConnectionError, requests.Timeout))


                class Client:
                    def __init__(self):
                        self.session = requests.Session()

                    def order(self, item):
                        {DECIDE}
                        return RETRY(
                            self.session.post,
                            '/orders',
                            json=item,
                            headers={{**self.headers, "Idempotency-Key": uuid4().hex}},
                            timeout=(1.05, 0.25),
                        )
                """,
            at="self.session.post",
            again="RETRY(",
            method="POST",
            known={"budget": 4.4},
        ),
        Case(
            "it carries a key, and is made once",
            before="""
                import httpx

                httpx.post(url, headers={"idempotency-key": order.id}, timeout=1)
                """,
            after="""
                import httpx
                import stamina

                # A call with a key is repeated, at most twice, after a growing, jittered pause.
                RETRY = stamina.RetryingCaller(
                    attempts=3, timeout=None, wait_initial=0.1, wait_jitter=0.1
                ).on(httpx.TransportError)

                RETRY(httpx.post, url, headers={"idempotency-key": order.id}, timeout=1)
                """,
            at="httpx.post",
            again="RETRY(httpx",
            method="POST",
            known={"keyed": True},
        ),
        Case(
            "the whole function is repeated",
            before="""
                import requests
                import stamina


                @stamina.retry(on=OSError)
                def order(url):
                    return requests.post(url)
                """,
            declined="in its caller",
            at="requests.post",
            method="POST",
            known={"repeats": 0},
        ),
        Case(
            "whoever repeats it is elsewhere",
            before="import requests\n\n\ndef order(url):\n    return requests.post(url)\n",
            declined="where the operation begins",
            at="requests.post",
            method="POST",
            known={"repeats": 0},
        ),
        Case(
            "the key changes with each round",
            before="""
                import requests

                for n in range(3):
                    key = {'Idempotency-Key': f'order-{n}'}
                    requests.post(url, headers=key)
                """,
            declined="changes in each round",
            at="requests.post",
            method="POST",
            known={"repeats": 0},
        ),
        Case(
            "a loop over what is to be ordered",
            before="""
                import requests

                while True:
                    item = orders.get()
                    requests.post(url, json=item)
                """,
            declined="where the operation begins",
            at="requests.post",
            method="POST",
            known={"repeats": 0},
        ),
        Case(
            "a GET needs none",
            before="import requests\n\nrequests.get(url)\n",
            declined="GET",
            at="requests.get",
        ),
        Case(
            "urllib",
            before="from urllib.request import urlopen\n\nurlopen(request)\n",
            declined="urllib",
            at="urlopen(request)",
            method="POST",
        ),
    )

    def edit(self, source: str, spot: Spot) -> str:
        """Add the key; where the app does not repeat the call, set the timeout that it lacks and repeat it."""
        if spot.method not in CHANGING:
            raise Declined(f"{spot.method or 'the call'} is idempotent by itself, or nothing is known of it")
        if spot.repeats == _REPEATED:
            return _keyed(source, spot)
        text, spot = bounded(source, spot)
        module = Source(text)
        call = _call(module, spot)
        refuse_retried(module, call)
        loop = retry_loop(module, call.node, NAMED)
        if loop is not None:
            if carries_key(module, call.node, loop):
                raise AlreadyThere("the call is repeated with an idempotency key")
            raise Declined("the call stands in a loop that makes it again")
        if not carries_key(module, call.node, None):
            splices = give_key(module, call.node, None).splices
            text, spot = module.splice(splices), replace(spot, line=module.moved(spot.line, splices))
            module = Source(text)
            call = _call(module, spot)
        splices = by_caller(module, call, spot, "A call with a key")
        return module.splice([*splices, *_mark(module, statement(module, call.node), spot)])

    def propose(self, evidence: Evidence) -> Iterable[Proposal]:
        """One proposal for each site that is repeated without a key, or whose answers were lost."""
        for site, patterns in evidence.http_sites("non_idempotent_retry"):
            keyed = _is_keyed(evidence, patterns)
            yield from self._proposal(
                evidence,
                site,
                patterns,
                Spot(line=site.line, method=method(patterns[0]), repeats=_REPEATED, keyed=keyed),
                what="Make a key once for each operation, outside of what repeats it, and send it as Idempotency-Key.",
                why=summaries(patterns),
            )
        for call in repeatable(evidence, CHANGING):
            plan, keyed = planned([call], evidence.deadline, STAMINA), _is_keyed(evidence, call.patterns)
            yield from self._proposal(
                evidence,
                call.site,
                call.patterns,
                replace(plan.spot, keyed=keyed) if plan.spot else plan.refused(evidence.deadline),
                what=f"Send an Idempotency-Key with each operation, and where no answer comes repeat it, "
                f"{_often(plan.often)}, with the same key.",
                why=" ".join([summaries(call.patterns), told(call) if call.attempt.timeout else ""]).strip(),
            )

    def _proposal(
        self, evidence: Evidence, site: Site, patterns: Iterable[Pattern], spot: Spot | str, *, what: str, why: str
    ) -> Iterable[Proposal]:
        patterns, keyed = list(patterns), isinstance(spot, Spot) and spot.keyed
        known = (
            "The run shows that such keys are sent to it; not"
            if keyed
            else "The run does not show whether it does, nor"
        )
        proposals = evidence.proposal(
            self,
            patterns,
            site,
            spot,
            what=what,
            why=why,
            automatic=keyed,
            caution=(
                "Only where the other side keeps the key under a unique constraint and answers a repetition as it "
                f"answered first: else the work is done twice. {known} for how long it keeps them: repeat within that "
                "time. What the app itself notes before the call is not covered; and a caller that asks the app again "
                "makes a new operation, unless it sends a key of its own."
            ),
        )
        violated = tuple(each.id for each in _violated(evidence, site, patterns))
        return (replace(each, patterns=each.patterns + violated) for each in proposals)


def _violated(evidence: Evidence, site: Site, patterns: Sequence[Pattern]) -> Iterator[Pattern]:
    """What must not be and came about by just what the answer was lost by: the work was done twice."""
    rules = {rule for pattern in patterns for rule in pattern.rules}
    for each in evidence.http("invariant_violated"):
        if each.site == site and rules.issuperset(each.rules):
            yield each


def _keyed(source: str, spot: Spot) -> str:
    """The source with one key for all the attempts that the app makes."""
    module = Source(source)
    call = _call(module, spot)
    loop = retry_loop(module, call.node, NAMED)
    if loop is None:
        _refuse_elsewhere(module, call)
        key = give_key(module, call.node, None)
        return module.splice([*key.splices, *_mark(module, statement(module, call.node), spot)])
    key = give_key(module, call.node, loop)
    at, margin = module.line_start(module.span(loop)[0]), module.indent(loop)
    lines = [*([] if spot.keyed else [DECIDE]), *key.made]
    return module.splice([*key.splices, (at, at, "".join(f"{margin}{line}{module.newline}" for line in lines))])


def _refuse_elsewhere(source: Source, call: HttpCall) -> None:
    """Raise where it is not the call alone that is repeated: a key made at the call would be a new one each time."""
    try:
        refuse_retried(source, call)
    except AlreadyThere as there:
        raise Declined(f"{there}: make the key in its caller, and pass it in") from there
    if not call.handed and ".mount(" not in source.text:
        raise Declined("the call is not repeated here: make the key where the operation begins, and pass it in")


def _call(source: Source, spot: Spot) -> HttpCall:
    call = http_call(source, spot)
    if call.library not in ("requests", "session", "httpx"):
        raise Declined(f"the call is made with {call.library}: put the header where its request is made")
    if isinstance(source.ancestors(call.node)[0], cst.Await):
        raise Declined("the call is asynchronous")
    return call


def _mark(source: Source, line: cst.SimpleStatementLine, spot: Spot) -> list[tuple[int, int, str]]:
    """The question that people have to answer, above the statement; none where the run answers it."""
    at = source.line_start(source.span(line)[0])
    return [] if spot.keyed else [(at, at, f"{source.indent(line)}{DECIDE}{source.newline}")]


def _is_keyed(evidence: Evidence, patterns: Iterable[Pattern]) -> bool:
    """Whether the run noted calls with a key to the same address."""
    calls, targets = evidence.tables.calls, {pattern.target for pattern in patterns}
    if "idempotency_key" not in calls:
        return False
    keyed = calls.loc[calls["idempotency_key"].notna(), "target"].unique()
    return bool({str(target).partition("?")[0] for target in keyed} & targets)


def _often(repeats: int) -> str:
    return "once" if repeats == 1 else "at most twice"
