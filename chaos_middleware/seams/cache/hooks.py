"""Where the clients are hooked: one attempt of a command or a pipeline, below the client's own retries; and the pool,
for connections that do not come about.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial, wraps
from time import monotonic
from typing import Any, Callable

from chaos_middleware.calls import Exchange
from chaos_middleware.request import current
from chaos_middleware.seams.cache.calls import CacheCall, command_call, pipeline_call
from chaos_middleware.seams.cache.earlier import memory_of
from chaos_middleware.seams.cache.exchange import CacheExchange

Hook = Callable[[Callable[..., Any]], Callable[..., Any]]


def command(library: str) -> Hook:
    """For `_send_command_parse_response` of a client."""

    def hook(original: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(original)
        def hooked(client: Any, conn: Any, name: Any, *command: Any, **options: Any) -> Any:
            request = current.get()
            if request is None:
                return original(client, conn, name, *command, **options)
            exchange = CacheExchange(request, command_call(command, conn))
            exchange.conn = conn
            try:
                if exchange.firings or memory_of(request.injector) is not None:
                    attempt = partial(_alone, partial(original, client, conn, name, **options))
                    return exchange.watched(library, client, (command,), attempt)[0]
                return original(client, conn, name, *command, **options)
            except BaseException as error:
                exchange.error = error
                raise
            finally:
                exchange.note()

        return hooked

    return hook


def _alone(send: Callable[..., Any], sent: Sequence[Sequence[Any]]) -> list[Any]:
    return [send(*sent[0])]


def pipeline(library: str) -> Hook:
    """For `_execute_pipeline` and `_execute_transaction` of a pipeline."""

    def hook(original: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(original)
        def hooked(client: Any, conn: Any, stack: Any, *rest: Any) -> Any:
            request = current.get()
            if request is None or not stack:
                return original(client, conn, stack, *rest)

            def attempt(sent: Sequence[Sequence[Any]]) -> list[Any]:
                replies: list[Any] = original(
                    client, conn, [(c, options) for c, (_, options) in zip(sent, stack)], *rest
                )
                return replies

            commands = [command for command, _ in stack]
            exchange = CacheExchange(request, pipeline_call(commands, conn))
            exchange.conn = conn
            try:
                return exchange.watched(library, client, commands, attempt)
            except BaseException as error:
                exchange.error = error
                raise
            finally:
                exchange.note()

        return hooked

    return hook


def get_connection(original: Callable[..., Any]) -> Callable[..., Any]:
    """For a pool's `get_connection`, which connects: what fails there never becomes a command."""

    @wraps(original)
    def hooked(pool: Any, *args: Any, **kwargs: Any) -> Any:
        request = current.get()
        if request is None:
            return original(pool, *args, **kwargs)
        started = monotonic()
        try:
            return original(pool, *args, **kwargs)
        except Exception as error:
            settings = pool.connection_kwargs
            exchange = _NoConnection(request, _Connect(str(settings.get("host") or "unix")))
            exchange.failed_since(started, error, settings)
            raise

    return hooked


class _Connect(CacheCall):
    """No fault is drawn for it: pools connect when they happen to be empty."""

    __slots__ = ()

    def __init__(self, host: str) -> None:
        super().__init__(("CONNECT",), "", host)

    def takes(self, fault: str) -> bool:  # noqa: ARG002 - none
        return False


class _NoConnection(Exchange):
    depth = 2
    timeouts: tuple[Any, Any]

    def failed_since(self, started: float, error: Exception, settings: dict[str, Any]) -> None:
        """Note what was tried from then on."""
        self._clock, self.error = started, error
        self.timeouts = settings.get("socket_connect_timeout"), settings.get("socket_timeout")
        self.note()

    def timeout(self) -> Any:
        return None if self.timeouts == (None, None) else self.timeouts
