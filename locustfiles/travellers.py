"""Travellers who use the Orbital Travel Planner: they browse, open a destination, book, look at their bookings, cancel.

Every task sends the same number of requests whatever the answers are: a step that an earlier failure makes impossible
is replaced by another look, under a label of its own. So a replay plans the same requests, and a branch shifts no
keys. Answers are checked for their content: a 200 that says the wrong thing is a failure, sold out and declined are
not. Who gets no answer to a booking presses again, once, as people do.

What must be true whatever fails stands at the end. It is checked after the load, against the live planner and what
the travellers have noted. Payments can be asked about only through the bookings that they are for: the suppliers tell
nobody what they have authorised.

    locust -f locustfiles/travellers.py --host http://127.0.0.1:5000

`--chaos-smoke` sends exactly 50 requests to destinations and 50 to bookings instead, with any number of users.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from locust import FastHttpUser, between, events, task

from chaos_locust import Fact, Facts, Service, Violation, current, invariant, note, step, steps

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

BODIES = ("Earth", "Moon", "Mars", "Ceres", "Jupiter", "Saturn")
FAMILIAR = "skyhook-station"  # what a traveller opens who was shown nothing
SOLD_OUT, DECLINED = 409, 402
SMOKE_REQUESTS = 100

Json = dict[str, Any]


class PlannerUser(FastHttpUser):
    """The planner's API as a client sees it. A method returns the answer, or None where there was no good one.

    `status` is that of the latest answer, 0 where there was none.
    """

    abstract = True
    status = 0

    def list_destinations(self, label: str, **query: str | int) -> list[Json]:
        """Destinations, filtered; an empty list also where the request failed."""

        def complain(answer: Json) -> str:
            shown = answer["destinations"]
            if answer["count"] != len(shown):
                return f"count is {answer['count']}, shown are {len(shown)}"
            if "body" in query and any(each["body"] != query["body"] for each in shown):
                return f"not all are at {query['body']}"
            if any(each["fare"]["amount"] > query.get("max_fare", each["fare"]["amount"]) for each in shown):
                return f"not all cost at most {query['max_fare']}"
            return next(filter(None, map(_complain_of_destination, shown)), "")

        path = "/api/destinations" + (f"?{urlencode(query)}" if query else "")
        answer = self._ask(label, "GET", path, "/api/destinations", complain)
        return answer["destinations"] if answer else []

    def open_destination(self, label: str, slug: str) -> Json | None:
        """One destination."""

        def complain(answer: Json) -> str:
            if answer["slug"] != slug:
                return f"asked for {slug}"
            if not answer["advisory"]:
                return "no travel advisory"
            return _complain_of_destination(answer)

        return self._ask(label, "GET", f"/api/destinations/{slug}", "/api/destinations/[slug]", complain)

    def book(self, label: str, order: Json) -> Json | None:
        """A new booking, None also where there is no seat or the payment is declined."""

        def complain(answer: Json) -> str:
            return _complain_of_booking(answer, order)

        fair = (SOLD_OUT, DECLINED)
        booking = self._ask(label, "POST", "/api/bookings", "/api/bookings", complain, order=order, fair=fair)
        if booking is None:
            note("unconfirmed", **order, status=self.status)
        else:
            note("booked", **order, id=booking["id"], amount=booking["price"]["amount"])
        return booking

    def list_bookings(self, label: str, traveller: str, expected: Json | None = None) -> list[Json]:
        """A traveller's bookings, among which the expected one must be."""

        def complain(answer: Json) -> str:
            if any(each["traveller"] != traveller for each in answer["bookings"]):
                return "there are bookings of others"
            if expected is not None and expected["id"] not in [each["id"] for each in answer["bookings"]]:
                return "the new booking is missing"
            return ""

        path = f"/api/bookings?{urlencode({'traveller': traveller})}"
        answer = self._ask(label, "GET", path, "/api/bookings", complain)
        return answer["bookings"] if answer else []

    def open_booking(self, label: str, booking: Json) -> Json | None:
        """One booking, as it was made."""

        def complain(answer: Json) -> str:
            return "it is another booking" if answer["id"] != booking["id"] else _complain_of_booking(answer, booking)

        return self._ask(label, "GET", f"/api/bookings/{booking['id']}", "/api/bookings/[id]", complain)

    def cancel(self, label: str, booking: Json) -> None:
        """Give a booking back."""
        self._ask(label, "DELETE", f"/api/bookings/{booking['id']}", "/api/bookings/[id]", None)
        told = {name: booking[name] for name in ("id", "traveller", "destination", "seats")}
        note("cancelled" if 200 <= self.status < 300 else "maybe cancelled", **told, status=self.status)

    def traveller(self) -> str:
        """A name that no other user and no other iteration has."""
        return f"Traveller {current().user}.{current().iteration}"

    def _ask(
        self,
        label: str,
        method: str,
        path: str,
        name: str,
        complain: Callable[[Json], str] | None,
        *,
        order: Json | None = None,
        fair: tuple[int, ...] = (),
    ) -> Json | None:
        """Send a step; `complain` says what is wrong with an answer's content, `fair` are refusals to be accepted."""
        step(label)
        with self.client.request(method, path, name=name, json=order, catch_response=True) as response:
            self.status = response.status_code or 0
            if response.status_code in fair:
                response.success()
                return None
            if not response.status_code or response.status_code >= 400 or complain is None:
                return None  # Locust judges by the status
            try:
                answer: Json = response.json()
                complaint = complain(answer)
            except (ValueError, TypeError, KeyError, AttributeError) as error:
                complaint = f"not an answer of the API: {type(error).__name__}: {error}"
            if complaint:
                response.failure(complaint)
                return None
            return answer


class Traveller(PlannerUser):
    """Looks around more often than it books."""

    wait_time = between(0.05, 0.25)

    @task(3)
    @steps(2)
    def look_around(self) -> None:
        """Filter the list and open one of what is shown."""
        draws = current().draws
        body, most = draws.choice(BODIES), draws.choice((20_000, 100_000, 500_000))
        place = draws.random()
        query: Json = draws.choice(({}, {"body": body}, {"max_fare": most}, {"limit": 5}))
        self.open_destination("open", _pick(self.list_destinations("list", **query), place))

    @task(2)
    @steps(5)
    def plan_a_trip(self) -> None:
        """Choose, book, look whether it is there, and cancel."""
        place, seats = current().draws.random(), current().draws.randint(1, 3)
        traveller = self.traveller()
        slug = _pick(self.list_destinations("list"), place)
        self.open_destination("open", slug)
        order = {"traveller": traveller, "destination": slug, "seats": seats}
        booking = self.book("book", order)
        if self.status:
            self.list_bookings("mine", traveller, booking)
        else:
            booking = self.book("book-again", order)
        if booking is None:
            self.list_bookings("mine-again", traveller)
        else:
            self.cancel("cancel", booking)

    @task(1)
    @steps(3)
    def keep_a_trip(self) -> None:
        """Book what one knows, and look at the booking."""
        traveller, seats = self.traveller(), current().draws.randint(1, 2)
        self.open_destination("open", FAMILIAR)
        order = {"traveller": traveller, "destination": FAMILIAR, "seats": seats}
        booking = self.book("book", order)
        if not self.status:
            self.book("book-again", order)
        elif booking is None:
            self.list_bookings("mine", traveller)
        else:
            self.open_booking("booking", booking)


class SmokeTraveller(PlannerUser):
    """Sends one request an iteration, to destinations and to bookings in turn.

    Every other user begins with bookings: where the users' shares are odd, as many of them begin with the one as with
    the other, so the halves are equal for any number of users.
    """

    abstract = True  # made the only class by --chaos-smoke
    wait_time = between(0.01, 0.05)

    @task
    @steps(1)
    def in_turn(self) -> None:
        """One of the two."""
        turn = current().number + current().iteration
        if turn % 2 == 0:
            self.list_destinations("list")
        elif turn % 4 == 1:
            self.book("book", {"traveller": self.traveller(), "destination": FAMILIAR, "seats": 1})
        else:
            self.list_bookings("mine", self.traveller())


def _add_option(parser: Any, **_: Any) -> None:
    parser.add_argument(
        "--chaos-smoke",
        action="store_true",
        include_in_web_ui=False,
        help=f"travellers.py: {SMOKE_REQUESTS // 2} requests to destinations and as many to bookings, then stop",
    )


def _smoke(environment: Any, **_: Any) -> None:
    if environment.parsed_options and environment.parsed_options.chaos_smoke:
        environment.user_classes[:] = [SmokeTraveller]
        environment.parsed_options.chaos_requests = SMOKE_REQUESTS


def _pick(shown: list[Json], place: float) -> str:
    """One of the destinations shown; the same one for the same place in the same list."""
    return str(shown[int(place * len(shown))]["slug"]) if shown else FAMILIAR


def _complain_of_destination(destination: Json) -> str:
    amount = destination["fare"]["amount"]
    if not isinstance(amount, int | float) or amount <= 0:
        return f"the fare to {destination['slug']} is {amount!r}"
    return "" if destination["name"] and destination["seats_left"] >= 0 else f"{destination['slug']} is incomplete"


def _complain_of_booking(booking: Json, order: Json) -> str:
    for key in ("traveller", "destination", "seats"):
        if booking[key] != order[key]:
            return f"{key} is {booking[key]!r}, ordered was {order[key]!r}"
    if booking["status"] != "confirmed" or booking["price"]["amount"] <= 0:
        return f"it is {booking['status']} for {booking['price']['amount']!r}"
    return ""


@dataclass(frozen=True, eq=False)
class Shelf:
    """The planner at one moment: its newest booking's id, and the free seats to each destination."""

    newest: int
    free: dict[str, int]


def _look(service: Service) -> Shelf:
    newest = service.json("/api/bookings?limit=1")["bookings"]
    shown = service.json("/api/destinations?limit=100")["destinations"]
    return Shelf(newest[0]["id"] if newest else 0, {each["slug"]: each["seats_left"] for each in shown})


@lru_cache(1)
def _made(service: Service, before: Shelf) -> list[Json]:
    """The bookings that were made in this test and still exist."""
    made: list[Json] = []
    older = ""
    while page := service.json(f"/api/bookings?limit=100{older}")["bookings"]:
        made += [booking for booking in page if booking["id"] > before.newest]
        older = f"&before={page[-1]['id']}"
        if page[-1]["id"] <= before.newest:
            break
    return made


@invariant("every acknowledged booking exists exactly once", before=_look)
def exactly_once(service: Service, facts: Facts, before: Shelf) -> Iterator[Violation]:
    """As it was confirmed, unless it was given back; and no second one for the same order."""
    given_back = {_which(fact) for name in ("cancelled", "maybe cancelled") for fact in facts[name]}
    made, unconfirmed = _by_traveller(_made(service, before)), _by_traveller(facts["unconfirmed"])
    for fact in facts["booked"]:
        mine = made.get(fact["traveller"], [])
        found = next((each for each in mine if each["id"] == fact["id"]), None)
        others = [each["id"] for each in mine if each["id"] != fact["id"]]
        if others:
            has = " and ".join(map(str, sorted(others)))
            text = f"{fact['traveller']} ordered once, was given booking {fact['id']}, and has {has} too"
            yield Violation(text, *unconfirmed.get(fact["traveller"], []), fact)
        if found is None and _which(fact) not in given_back:
            yield Violation(f"booking {fact['id']} of {fact['traveller']} was confirmed and does not exist", fact)
        elif found is not None and (complaint := _complain_of_booking(found, fact.values)):
            yield Violation(f"booking {fact['id']} is not as it was confirmed: {complaint}", fact)


@invariant("nobody is charged twice", before=_look)
def charged_once(service: Service, facts: Facts, before: Shelf) -> Iterator[Violation]:
    """Each booking is a payment, also one that was given back: one order must have led to one of them."""
    made, orders = _by_traveller(_made(service, before)), _orders(facts)
    for traveller, attempts in orders.items():
        payments = {each["id"]: each["price"]["amount"] for each in made.get(traveller, [])}
        payments |= {each["id"]: each["amount"] for each in attempts if each.name == "booked"}
        if len(payments) > 1:
            each = " and ".join(f"{amount} for booking {number}" for number, amount in sorted(payments.items()))
            yield Violation(f"{traveller} was charged {len(payments)} times for one order: {each}", *attempts)


@invariant("no booking holds a seat that was never confirmed", before=_look)
def confirmed(service: Service, facts: Facts, before: Shelf) -> Iterator[Violation]:
    """Seats of an order that was refused, that failed or whose answer was lost are free again."""
    made = _by_traveller(_made(service, before))
    for traveller, attempts in _orders(facts).items():
        if all(each.name == "unconfirmed" for each in attempts):
            for booking in made.get(traveller, []):
                seats = f"{booking['seats']} seat(s) to {booking['destination']}"
                yield Violation(f"booking {booking['id']} holds {seats}; {traveller} was never told", *attempts)


@invariant("no destination is oversold", before=_look)
def not_oversold(service: Service, facts: Facts, before: Shelf) -> Iterator[Violation]:
    """No more seats are booked than were taken off the free ones."""
    for slug, (gone, booked, free) in _balance(service, before).items():
        if free < 0 or booked > gone:
            text = f"{booked} seat(s) to {slug} booked, {gone} taken off the free ones, {free} left"
            yield Violation(text, suspects=_half_done(facts, slug, _made(service, before)))


@invariant("no seat is taken that nobody has booked", before=_look)
def no_seat_lost(service: Service, facts: Facts, before: Shelf) -> Iterator[Violation]:
    """What an order that came to nothing had taken, and what was cancelled, is given back."""
    for slug, (gone, booked, _) in _balance(service, before).items():
        if gone > booked:
            half = _half_done(facts, slug, _made(service, before))
            text = f"{gone - booked} seat(s) to {slug} neither free nor booked"
            if sum(fact["seats"] for fact in half) == gone - booked:  # it was all of them
                yield Violation(text, *half)
            else:
                yield Violation(text, suspects=half)


@invariant("cancelled bookings are gone", before=_look)
def gone(service: Service, facts: Facts, before: Shelf) -> Iterator[Violation]:
    """A number is used again for somebody else's booking: both are compared."""
    there = {(booking["id"], booking["traveller"]) for booking in _made(service, before)}
    for fact in facts["cancelled"]:
        if _which(fact) in there:
            yield Violation(f"booking {fact['id']} of {fact['traveller']} was cancelled and still exists", fact)


def _which(fact: Fact) -> tuple[int, str]:
    return fact["id"], fact["traveller"]


def _orders(facts: Facts) -> dict[str, list[Fact]]:
    """What became of each traveller's one order, every attempt."""
    return _by_traveller([fact for fact in facts if fact.name in ("booked", "unconfirmed")])


def _by_traveller(made: list[Any]) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    for each in made:
        found.setdefault(each["traveller"], []).append(each)
    return found


def _balance(service: Service, before: Shelf) -> dict[str, tuple[int, int, int]]:
    """For each destination: seats that are no longer free, seats booked, seats left."""
    booked: Counter[str] = Counter()
    for booking in _made(service, before):
        booked[booking["destination"]] += booking["seats"]
    now = _look(service).free
    return {slug: (free - now[slug], booked[slug], now[slug]) for slug, free in before.free.items() if slug in now}


def _half_done(facts: Facts, slug: str, made: list[Json]) -> list[Fact]:
    """Orders and cancellations that may have gone half way; not of who has a booking for each attempt."""
    there = Counter(booking["traveller"] for booking in made)
    tried = Counter(fact["traveller"] for fact in facts if fact.name in ("booked", "unconfirmed"))
    failed = [fact for fact in facts["unconfirmed"] if fact["status"] not in (SOLD_OUT, DECLINED)]
    doubtful = [fact for fact in [*failed, *facts["maybe cancelled"]] if fact["destination"] == slug]
    return [fact for fact in doubtful if there[fact["traveller"]] < tried[fact["traveller"]]]


events.init_command_line_parser.add_listener(_add_option)
events.init.add_listener(_smoke)
