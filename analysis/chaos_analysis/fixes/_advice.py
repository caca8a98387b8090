"""Fixes in words, where there is no line of source to patch: plain Locust statistics, findings without a codemod."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from chaos_analysis.fixes._evidence import summaries
from chaos_analysis.model import Proposal
from chaos_analysis.patterns.collateral import OWN

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from chaos_analysis.model import Pattern


@dataclass(frozen=True)
class _Words:
    title: str
    what: str
    reference: str
    caution: str


_SRE = "Google, Site Reliability Engineering, "
ADVICE = {
    "error_rate": _Words(
        "Find out which errors these are, and answer each as what it is",
        "Log every 5xx with its traceback and group by exception and line. Bound outbound calls with timeouts, "
        "repeat idempotent ones with backoff, and answer a dependency's outage with 503 and Retry-After.",
        f"{_SRE}Addressing Cascading Failures: https://sre.google/sre-book/addressing-cascading-failures/",
        "Retries multiply load on a service that is already in trouble: cap them and add jitter.",
    ),
    "tail_latency": _Words(
        "Bound what one request may wait for",
        "Give every outbound call, pool and lock a timeout below the caller's budget; measure queue time apart from "
        "service time; limit the requests in flight and refuse the rest early with 503.",
        f"{_SRE}Handling Overload: https://sre.google/sre-book/handling-overload/",
        "Locust's percentiles mix failures with successes and are rounded: a timeout's value needs the calls' own "
        "timings.",
    ),
    "exceptions": _Words(
        "Handle the exception where it is understood",
        "Catch the specific class at the call that raises it, answer with a status that says whose fault it is, and "
        "let everything else reach one handler that logs and answers 500 in the API's own format.",
        "Flask, Handling Application Errors: https://flask.palletsprojects.com/en/stable/errorhandling/",
        "An exception in Locust's own user class says something about the test, not about the service. A broad "
        "except hides bugs.",
    ),
    "unhandled_exception": _Words(
        "Answer unexpected exceptions in the API's own format",
        "Register one handler for the unexpected (`@app.errorhandler(Exception)` or 500) that logs the traceback "
        "and answers a JSON 500 without internals, and release what the request held (rollback, locks) at teardown.",
        "Flask, Handling Application Errors: https://flask.palletsprojects.com/en/stable/errorhandling/",
        "It tells the failure better and does not prevent it. Let HTTPException through unchanged.",
    ),
    "own_bug": _Words(
        "Mend what fails without any fault",
        "Reproduce it without chaos: call the endpoint as the example requests do, read the traceback in app.log, and "
        "mend it with a test before anything about resilience.",
        "Principles of Chaos Engineering, Build a Hypothesis around Steady State Behavior: "
        "https://principlesofchaos.org/",
        "Until then the steady state is not steady: what faults do to this endpoint cannot be told apart from it.",
    ),
    "collateral": _Words(
        "Keep one request's trouble from another's",
        "Look at what requests share: connection pools, worker threads, locks, database sessions, caches. Bound "
        "each per dependency, roll back and release in teardown, and fail fast when one is used up.",
        "Microsoft, Azure Architecture, Bulkhead pattern: "
        "https://learn.microsoft.com/en-us/azure/architecture/patterns/bulkhead",
        "What is shared is a guess until it was looked at: the run shows that requests disturb one another, not how.",
    ),
    "wrong_content": _Words(
        "Do not answer 200 with content that is not there",
        "Narrow the except that hides the error; answer an optional part's outage as openly degraded (a marker in "
        "the body) and a required part's as 503.",
        "RFC 9110, 503 Service Unavailable: https://www.rfc-editor.org/rfc/rfc9110#section-15.6.4",
        "Clients that only look at the status will see more failures: the ones that were hidden.",
    ),
    "retry_storm": _Words(
        "Repeat at one layer, three attempts in all",
        "Keep the repetition nearest to the call and take the others out (a loop around a client that repeats "
        "already, an adapter below a decorator). Three attempts with exponential backoff and jitter, inside the "
        "caller's budget; answer 503 with Retry-After when they are used up.",
        f"{_SRE}Addressing Cascading Failures, Retries: https://sre.google/sre-book/addressing-cascading-failures/",
        "Fewer attempts let more passing faults through: measure both. A circuit breaker caps what all requests "
        "together send.",
    ),
    "no_retry": _Words(
        "Ask again after a fault that may pass",
        "Put the call, the check of its status and the reading of its body into one function, and repeat that: up to "
        "three attempts in all, with growing, jittered pauses, on errors of the connection and on 429, 502, 503 and "
        "504 only (stamina.retry takes a function that says which errors these are).",
        "AWS Builders' Library, Timeouts, retries, and backoff with jitter: "
        "https://aws.amazon.com/builders-library/timeouts-retries-and-backoff-with-jitter/",
        "A caller by errors alone does not see an error status, which is an answer to the library until it is checked. "
        "Bound each attempt, and keep all of them inside the caller's budget.",
    ),
    "missing_backoff": _Words(
        "Pause between repetitions, longer each time, with jitter",
        "With urllib3: Retry(2, backoff_factor=0.1, backoff_jitter=0.1) on a mounted adapter; else "
        "stamina.retry(attempts=3, wait_initial=0.1, timeout=budget). Their backoff is 0 where nothing is said "
        "(urllib3), or their attempts last longer than a caller waits (stamina: 45 s).",
        "AWS Builders' Library, Timeouts, retries, and backoff with jitter: "
        "https://aws.amazon.com/builders-library/timeouts-retries-and-backoff-with-jitter/",
        "The pauses count in the caller's latency: their sum must lie below its timeout.",
    ),
    "unchecked_body": _Words(
        "Check status and body before using an answer",
        "Call raise_for_status() behind the call, read it in a place that catches the decoder's error, check "
        "that what you need is in it (a schema or a dataclass), and answer 502 where it is not.",
        "RFC 9110, 502 Bad Gateway: https://www.rfc-editor.org/rfc/rfc9110#section-15.6.3",
        "A check that is stricter than the use refuses answers that would have done.",
    ),
    "cache_on_critical_path": _Words(
        "Take a cache's error for a miss",
        "Catch the client's own error (redis.RedisError) around the read and around the write, log it, and go on as "
        "after a miss; give the client a short socket_timeout and socket_connect_timeout, and few retries.",
        "AWS Builders' Library, Caching challenges and strategies: "
        "https://aws.amazon.com/builders-library/caching-challenges-and-strategies/",
        "Without its cache the source gets all the load: limit the requests in flight to it. Keep failing where the "
        "cache is the only place that knows (locks, counters, sessions).",
    ),
    "no_transaction_retry": _Words(
        "Make the whole transaction again, on these errors only",
        "Put the transaction into a function of its own and call it again from its beginning, in a new transaction, up "
        "to three times with a short pause and jitter, when it fails with a serialization failure or a deadlock "
        "(SQLSTATE 40001, 40P01) or, in SQLite, with SQLITE_BUSY.",
        "PostgreSQL, Serialization Failure Handling: "
        "https://www.postgresql.org/docs/current/mvcc-serialization-failure-handling.html",
        "A single statement made again is not enough: what was read before it may be different now. What the "
        "transaction does outside the database (mails, calls) happens again, too.",
    ),
    "resource_leak": _Words(
        "Close what was opened, where it failed as well",
        "Open connections, responses and files in a `with` block, or close them in `finally`; give a connection that "
        "failed back to its pool as broken, and look at error paths first: what works is closed already.",
        "Python, The with statement: https://docs.python.org/3/reference/compound_stmts.html#the-with-statement",
        "A pool that grows to its limit and stays there is no leak: look whether the count goes on rising.",
    ),
    "n_plus_one": _Words(
        "Ask once for all of them, or for several at a time",
        "Use the other side's bulk call (`?ids=1,2,3`) where it has one; else make the calls with a bounded pool and "
        "one deadline for all, and answer with the part that came.",
        "Google, Site Reliability Engineering, Handling Overload: https://sre.google/sre-book/handling-overload/",
        "Calls made together are a burst to the other side: bound how many are under way, over all requests.",
    ),
    "n_plus_one_sql": _Words(
        "Ask by one statement for all of them",
        "Where an ORM loads what belongs to each item when it is first looked at, have it loaded with the items: "
        "select(Order).options(selectinload(Order.lines)) for lists, joinedload for single objects. In plain SQL: one "
        "statement with WHERE order_id IN (…) or a join, and the rows put to their items in the app. Rows to be "
        "written: all of them by one execute.",
        "SQLAlchemy, Relationship Loading Techniques: "
        "https://docs.sqlalchemy.org/en/20/orm/queryguide/relationships.html",
        "A list that is joined repeats its owner's row for each element. An IN has limits, too: ask for a few hundred "
        "at a time. relationship(…, lazy='raise') names the other places that do so.",
    ),
    "non_idempotent_retry": _Words(
        "Give each operation an idempotency key, and repeat it with that",
        "Make the key once for each thing that a user wants done (outside the loop that repeats), send it as "
        "Idempotency-Key, and have the other side keep it under a unique constraint and answer a repetition as it "
        "answered first. Where it cannot, do not repeat: ask whether it was done.",
        "IETF, The Idempotency-Key HTTP Header Field: "
        "https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/",
        "A key helps only where the other side looks at it.",
    ),
    "head_of_line_blocking": _Words(
        "Keep nothing that others need while a call is under way",
        "Release locks, database connections and transactions before the call; bound how many requests may wait for "
        "this dependency at a time (a semaphore that is tried without waiting, else 503), so that they never take all "
        "threads; and give the call a short timeout.",
        "Microsoft, Azure Architecture, Bulkhead pattern: "
        "https://learn.microsoft.com/en-us/azure/architecture/patterns/bulkhead",
        "The run shows who waits for whom, not what for: look at the lines around the call.",
    ),
    "invariant_violated": _Words(
        "Make what belongs together happen together, or be made good",
        "Follow one of the requests named: what had been written when it failed? Keep all that must agree in one "
        "transaction; undo what cannot be in it (release the seat, refund the payment) where a later step fails; and "
        "give operations that a client repeats an idempotency key under a unique constraint.",
        "Microsoft, Azure Architecture, Compensating Transaction pattern: "
        "https://learn.microsoft.com/en-us/azure/architecture/patterns/compensating-transaction",
        "An undo can fail as well: note what is to be undone before it is done, and let something look after it.",
    ),
    "no_statement_timeout": _Words(
        "Have the database end a statement that takes too long",
        "PostgreSQL: statement_timeout and lock_timeout below the caller's budget, by the connection's options or for "
        "a role (ALTER ROLE … SET statement_timeout), and SET LOCAL for what may take longer. SQLite: its busy timeout "
        "for locks, a progress handler for statements. Answer the error with 503 and Retry-After.",
        "PostgreSQL, Client Connection Defaults: https://www.postgresql.org/docs/current/runtime-config-client.html",
        "Migrations and reports need a limit of their own. A limit of the server does not end a wait for the network: "
        "see tcp_user_timeout and keepalives of libpq.",
    ),
    "pool_wait": _Words(
        "Wait for a connection for less time than the caller does",
        "create_engine(…, pool_timeout=1): below the caller's budget. Answer SQLAlchemy's TimeoutError with 503 and "
        "Retry-After, keep transactions short, and make no outbound call while a connection is held.",
        "SQLAlchemy, Connection Pooling: https://docs.sqlalchemy.org/en/20/core/pooling.html",
        "A larger pool moves the wait into the database: its max_connections is shared by all processes.",
    ),
    "stale_pool": _Words(
        "Ask whether a pooled connection still lives",
        "create_engine(…, pool_pre_ping=True), and pool_recycle below what firewalls and proxies allow a connection to "
        "be idle.",
        "SQLAlchemy, Dealing with Disconnects: "
        "https://docs.sqlalchemy.org/en/20/core/pooling.html#dealing-with-disconnects",
        "It costs a round trip a checkout, and does not save a transaction that is under way: what fails there is to "
        "be made again as a whole.",
    ),
    "no_rollback": _Words(
        "Roll a failed transaction back before anybody else gets its connection",
        "Let a block own the transaction (`with session.begin():`, `with engine.begin() as connection:`, psycopg's "
        "`with connection.transaction():`); else roll back in an except or finally, and close or remove the session at "
        "teardown (`@app.teardown_appcontext`: session.remove()).",
        "SQLAlchemy, Session Basics, Framing out a begin / commit / rollback block: "
        "https://docs.sqlalchemy.org/en/20/orm/session_basics.html",
        "A rollback in a handler for one class of errors leaves the others: put it where every way out passes.",
    ),
    "no_fallback": _Words(
        "Show the page without the part that is missing",
        "Catch this client's errors around this call only, leave the part out or use the last value known, mark the "
        "answer (`degraded: true`), and log it. Give the call a timeout that the page can afford.",
        "Google, Site Reliability Engineering, Addressing Cascading Failures, Load Shedding and Graceful Degradation: "
        "https://sre.google/sre-book/addressing-cascading-failures/",
        "Only where the part is optional: an answer that is wrong without it should be a 503.",
    ),
    "work_after_client_left": _Words(
        "Pass the time that is left on to each call, and stop when there is none",
        "Take the deadline at the edge (a header such as X-Request-Deadline, or a budget for each endpoint), give "
        "every call min(its own timeout, what is left), and answer 503 as soon as nothing is left.",
        f"{_SRE}Addressing Cascading Failures, Latency and Deadlines: "
        "https://sre.google/sre-book/addressing-cascading-failures/",
        "What was begun and changes state must be ended or undone: look at the deadline before such a step and not in "
        "the middle of it.",
    ),
    "fault_window": _Words(
        "Bound what one process may take, and have another one at hand",
        "Limit the requests in flight and refuse the rest early with 503; bound caches, queues and bodies "
        "(MAX_CONTENT_LENGTH); close what is opened (`with`); give processes a limit and a restart with jitter "
        "(gunicorn's max_requests and max_requests_jitter).",
        f"{_SRE}Handling Overload: https://sre.google/sre-book/handling-overload/",
        "What a process has in hand when it is killed is lost: clients must be able to ask again.",
    ),
    "slow_recovery": _Words(
        "Shed what piled up when the fault ends",
        "Bound queues and requests in flight, drop work whose caller has left, and cap retries, so that normal "
        "service returns with the dependency and not minutes later.",
        f"{_SRE}Addressing Cascading Failures: https://sre.google/sre-book/addressing-cascading-failures/",
        "Needs a recovery stage that is long enough to see the end.",
    ),
    "lasting_damage": _Words(
        "Keep only what came of a call that went well",
        "Look at where the answer, or the part that is gone, is kept: a cache, a module's variable, a record. Write to "
        "it after the status and the body were checked, never in the handler of an error; remember for seconds only "
        "that something could not be had, and write a record whole in one transaction. Then clear what is kept by now.",
        "Microsoft, Azure Architecture, Cache-Aside pattern: "
        "https://learn.microsoft.com/en-us/azure/architecture/patterns/cache-aside",
        "Where nothing is kept of a failure, each request asks again: bound that by a timeout and a circuit breaker.",
    ),
}


def in_words(patterns: Iterable[Pattern], why_no_diff: str) -> Iterator[Proposal]:
    """One proposal, not numbered, for each kind of pattern that has advice, with the reason for having no diff."""
    groups: dict[str, list[Pattern]] = {}
    for pattern in patterns:
        kind = _kind(pattern)
        if kind in ADVICE:
            groups.setdefault(kind, []).append(pattern)
    for kind, found in groups.items():
        words = ADVICE[kind]
        worst = sorted(found, key=lambda pattern: -pattern.failures)
        site = next((pattern.site for pattern in worst if pattern.site is not None), None)
        yield Proposal(
            number=0,
            fix=kind,
            title=words.title,
            patterns=tuple(pattern.id for pattern in worst),
            file=site.file if site else None,
            line=site.line if site else None,
            function=site.function if site else None,
            what=words.what,
            why=summaries(worst),
            reference=words.reference,
            caution=words.caution,
            diff="",
            automatic=False,
            failures=sum(pattern.failures for pattern in worst),
            why_no_diff=why_no_diff,
        )


def _kind(pattern: Pattern) -> str:
    if pattern.id.startswith(OWN):
        return "own_bug"
    return "n_plus_one_sql" if pattern.finder == "n_plus_one" and pattern.seam == "database" else pattern.finder
