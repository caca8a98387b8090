"""Travellers who use the Orbital Travel Planner: they browse, open a destination, book, look at their bookings, cancel.

Every task sends the same number of requests whatever the answers are: a step that an earlier failure makes impossible
is replaced by another look, under a label of its own. So a replay plans the same requests, and a branch shifts no
keys. Answers are checked for their content: a 200 that says the wrong thing is a failure, sold out and declined are
not.

    locust -f locustfiles/travellers.py --host http://127.0.0.1:5000

`--chaos-smoke` sends exactly 50 requests to destinations and 50 to bookings instead, with any number of users.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from locust import FastHttpUser, between, events, task

from chaos_locust import current, step, steps

if TYPE_CHECKING:
    from collections.abc import Callable

BODIES = ("Earth", "Moon", "Mars", "Ceres", "Jupiter", "Saturn")
FAMILIAR = "skyhook-station"  # what a traveller opens who was shown nothing
SOLD_OUT, DECLINED = 409, 402
SMOKE_REQUESTS = 100

Json = dict[str, Any]


class PlannerUser(FastHttpUser):
    """The planner's API as a client sees it. A method returns the answer, or None where there was no good one."""

    abstract = True

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
        return self._ask(label, "POST", "/api/bookings", "/api/bookings", complain, order=order, fair=fair)

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
        booking = self.book("book", {"traveller": traveller, "destination": slug, "seats": seats})
        self.list_bookings("mine", traveller, booking)
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
        booking = self.book("book", {"traveller": traveller, "destination": FAMILIAR, "seats": seats})
        if booking is None:
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


events.init_command_line_parser.add_listener(_add_option)
events.init.add_listener(_smoke)
