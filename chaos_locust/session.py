"""A Locust process, and the tests that run in it: one when headless, any number in the web UI.

Three kinds of process: one `Alone` records its rows and writes Locust's tables; a `Worker` records; a `Master` writes
the tables, takes in what workers elsewhere have recorded, and ends a test when each worker's users have done their
share.
"""

from __future__ import annotations

import logging
import signal
import time
from abc import ABC, abstractmethod
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gevent
from gevent.event import Event

from chaos_locust import facts, invariants, script
from chaos_locust.checking import Checker
from chaos_locust.folder import Disk
from chaos_locust.hooks import listen
from chaos_locust.options import Options, read_options
from chaos_locust.output import Output, default_folder, folder_of_test
from chaos_locust.part import Part
from chaos_locust.plan import Plan, PlanError, make_plan, scripted

if TYPE_CHECKING:
    from locust import User
    from locust.env import Environment
    from locust.runners import Runner

    from chaos_locust.journey import Journey

logger = logging.getLogger(__name__)

_TICK = 0.1


class Session(ABC):
    """What all kinds have in common. `part` is None between tests, and always in a master."""

    def __init__(self, environment: Environment, runner: Runner) -> None:
        self.environment = environment
        self.runner = runner
        self.part: Part | None = None
        self._ticker: gevent.Greenlet | None = None
        self._concluded = Event()  # not set while a test is being completed
        self._concluded.set()
        listen(environment.events.test_start, self._test_start)
        listen(environment.events.test_stop, self._test_stop)
        listen(environment.events.quitting, self._quitting)
        gevent.signal_handler(signal.SIGINT, self.interrupted)

    @abstractmethod
    def begin(self) -> None:
        """Start a test; raises PlanError or OSError."""

    @abstractmethod
    def finish(self) -> None:
        """Complete what the test leaves; all users have stopped."""

    @abstractmethod
    def complete(self) -> bool:
        """Whether the planned requests have been sent."""

    @abstractmethod
    def end(self) -> None:
        """Do what is to be done when they have been."""

    @abstractmethod
    def sample(self) -> None:
        """Write what is written once a second."""

    @abstractmethod
    def stop_users(self) -> None:
        """Stop a test that still runs when the process is told to quit, as Locust does it later than we need it."""

    def interrupted(self) -> None:
        """Act on Ctrl-C; gevent hands the exception to the main greenlet.

        Python's own handler raises it wherever the process is, which may be in a user, in the middle of a request.
        """
        raise KeyboardInterrupt

    def board(self, user: User) -> Journey | None:
        """The journey of a new user, None where no test runs."""
        return None if self.part is None else self.part.board(user)

    def record(self, part: Part) -> None:
        """Let this part record from now on."""
        self.part = part
        listen(self.environment.events.request, part.recorder.on_request)
        listen(self.environment.events.user_error, part.on_user_error)

    def stop_recording(self) -> Part | None:
        """The part that was recording, if any."""
        part, self.part = self.part, None
        if part is not None:
            events: Any = self.environment.events
            events.request.remove_listener(part.recorder.on_request)
            events.user_error.remove_listener(part.on_user_error)
        return part

    def _test_start(self, **_: Any) -> None:
        self._concluded.wait()  # what is asked about the last test must not meet the load of this one
        try:
            self.begin()
        except (PlanError, OSError) as error:
            logger.error("This test cannot be recorded and is stopped: %s", error)  # noqa: TRY400  # an error of usage
            gevent.spawn(self.runner.stop)
            return
        self._ticker = gevent.spawn(self._tick)

    def _test_stop(self, **_: Any) -> None:
        if self._ticker is not None:
            self._ticker.kill()
            self._ticker = None
            self._concluded.clear()
            try:
                self.finish()
            finally:
                self._concluded.set()

    def _quitting(self, **_: Any) -> None:
        if self._ticker is not None:
            self.stop_users()
        self._concluded.wait()

    def _tick(self) -> None:
        due, ended = time.monotonic() + 1, False
        while True:
            gevent.sleep(_TICK)
            if not ended and self.complete():
                ended = True
                gevent.spawn(self.end)
            if time.monotonic() >= due:
                due += 1
                self.sample()


class Owner(Session):
    """A process that owns the run folder: alone, or the master."""

    def __init__(self, environment: Environment, runner: Runner) -> None:
        super().__init__(environment, runner)
        self.output: Output | None = None
        self._checker: Checker | None = None
        assert environment.parsed_options is not None
        self._parsed = environment.parsed_options
        self._default = default_folder()

    def check(self) -> None:
        """Refuse a headless run that cannot be planned, before it starts; raises PlanError."""
        if self._parsed.headless:
            options = read_options(self._parsed, self._parsed.num_users or 1)
            self.plan(options)
            folder_of_test(self._base(options), numbered=False)

    def plan(self, options: Options) -> Plan:
        """The plan of a test with these options."""
        if options.requests and self.environment.shape_class:
            raise PlanError(
                "--chaos-requests cannot be shared by users that a LoadTestShape starts and stops: use stages"
            )
        if options.script:
            if not isinstance(self, Alone):
                raise PlanError("--chaos-script is for one Locust process, without --processes and --master")
            if self.environment.shape_class:
                raise PlanError("--chaos-script names users, which a LoadTestShape would start and stop")
            return scripted(script.read(Path(options.script)), options.users)
        return make_plan(
            options.stages,
            requests=options.requests,
            run_time=options.run_time,
            users=options.users,
            deal=options.deal,
        )

    def open(self) -> tuple[Options, Plan, Output]:
        """Plan the next test, and make its folder."""
        options = read_options(self._parsed, self.runner.target_user_count)
        plan = self.plan(options)
        folder = folder_of_test(self._base(options), numbered=not self._parsed.headless).resolve()
        if not float(self._parsed.stop_timeout):  # Locust's default drops the requests that are under way
            self.environment.stop_timeout = options.deadline + 1
        self.output = Output(self.environment, folder, options)
        logger.info("Recording to %s", folder)
        self._checker = Checker(invariants.stated(), self._host())
        self._checker.begin()
        return options, plan, self.output

    def conclude(self) -> None:
        """Check the invariants, then complete the folder; a test that another one follows soon keeps its own."""
        output, checker = self.output, self._checker
        if output is None or checker is None:
            return
        try:
            output.judge(checker.finish(facts.read(output.folder / "requests")))
        finally:
            output.close()

    def end(self) -> None:
        """Stop the test, and a headless process with it."""
        if self._parsed.headless:
            self.runner.quit()
        else:
            self.runner.stop()

    def sample(self) -> None:
        """Add to the tables."""
        assert self.output is not None
        self.output.sample()

    def _host(self) -> str | None:
        """The service that the users call; the first one where they call several."""
        hosts = (self.environment.host, *(user.host for user in self.environment.user_classes))
        return next((host for host in hosts if host), None)

    def _base(self, options: Options) -> Path:
        return Path(options.run_dir or self._default)


class Alone(Owner):
    """The only process."""

    def begin(self) -> None:
        """Record here."""
        options, plan, output = self.open()
        disk = Disk(output.folder / "requests")
        self.record(Part("local", "", 0, 1, plan=plan, options=options, folder=disk))

    def finish(self) -> None:
        """Close the part and the tables."""
        part = self.stop_recording()
        if part is not None:
            part.sample(self.runner.user_count)
            entries = self.environment.stats.entries.values()
            part.close({f"{e.method} {e.name}": [e.num_requests, e.num_failures] for e in entries})
            self.conclude()

    def complete(self) -> bool:
        """Whether all users are through."""
        return self.part is not None and self.part.done()

    def sample(self) -> None:
        """Add to the tables and the load."""
        super().sample()
        if self.part is not None:
            self.part.sample(self.runner.user_count)

    def stop_users(self) -> None:
        """Stop them."""
        self.runner.stop()
