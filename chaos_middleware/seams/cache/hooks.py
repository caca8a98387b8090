"""Where the clients are hooked: one attempt of a command or a pipeline, below the client's own retries; and the pool,
for connections that do not come about.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import wraps
from time import monotonic
from typing import TYPE_CHECKING, Any, Callable

from chaos_middleware.calls import Exchange
from chaos_middleware.request import current
from chaos_middleware.seams.cache.exchange import CacheCall, CacheExchange

if TYPE_CHECKING:
    from chaos_middleware.request import Request

Hook = Callable[[Callable[..., Any]], Callable[..., Any]]


def command(library: str) -> Hook:
    """For `_send_command_parse_response` of a client."""

    def hook(original: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(original)
        def hooked(client: Any, conn: Any, name: Any, *command: Any, **options: Any) -> Any:
            request = current.get()
            if request is None:
                return original(client, conn, name, *command, **options)

            def attempt(sent: Sequence[Sequence[Any]]) -> list[Any]:
                return [original(client, conn, name, *sent[0], **options)]

            return CacheExchange(request, library, client, conn, (command,), attempt=attempt, pipeline=False).run()[0]

        return hooked

    return hook


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

            commands = [args for args, _ in stack]
            return CacheExchange(request, library, client, conn, commands, attempt=attempt, pipeline=True).run()

        return hooked

    return hook


def get_connection(original: Callable[..., Any]) -> Callable[..., Any]:
    """For a pool's `get_connection`, which connects: what fails there never becomes a command."""

    @wraps(original)
    def hooked(pool: Any, *args: Any, **kwargs: Any) -> Any:
        request = current.get()
        if request is None:
            return original(pool, *args, **kwargs)
        clock = monotonic()
        try:
            return original(pool, *args, **kwargs)
        except Exception as error:
            _NoConnection(request, pool.connection_kwargs, clock, error).note()
            raise

    return hooked


class _Connect(CacheCall):
    """No fault is drawn for it: pools connect when they happen to be empty."""

    def takes(self, fault: str) -> bool:  # noqa: ARG002 - none
        return False


class _NoConnection(Exchange):
    depth = 3

    def __init__(self, request: Request, settings: dict[str, Any], clock: float, error: Exception) -> None:
        host = "unix" if "path" in settings else str(settings.get("host", "localhost"))
        super().__init__(request, _Connect(["CONNECT"], "", host))
        self._clock, self.error = clock, error
        self._timeouts = settings.get("socket_connect_timeout"), settings.get("socket_timeout")

    def timeout(self) -> Any:
        return None if self._timeouts == (None, None) else self._timeouts
