"""What repeats a call, declared below a module's imports: urllib3's policy, or stamina's caller for other libraries."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from chaos_analysis.fixes._callers import hand_to
from chaos_analysis.fixes._calls import has_star, keyword
from chaos_analysis.fixes._edits import add_import, add_keyword, end_of_imports, free_name, imported_as
from chaos_analysis.fixes._fix import AlreadyThere, Declined
from chaos_analysis.fixes._sessions import mount, mounts, own_session

if TYPE_CHECKING:
    from chaos_analysis.fixes._calls import HttpCall
    from chaos_analysis.fixes._fix import Spot
    from chaos_analysis.fixes._source import Source, Splice

STATUSES = (502, 503, 504)
_POLICY = (
    "# What is safe to repeat is repeated, at most {often}, after a growing, jittered pause.",
    "{name} = Retry(",
    "    total={repeats},",
    "    other=0,",
    "    backoff_factor=0.1,",
    "    backoff_jitter=0.1,",
    f"    status_forcelist={STATUSES},",
    '    allowed_methods=("GET", "HEAD", "OPTIONS"),',
    "    raise_on_status=False,  # the last answer is handed back, as without retries",
    "    respect_retry_after_header=False,  # it may ask for minutes",
    ")",
)
# Of each library, the errors of a call that got no answer.
ERRORS = {
    "httpx": ("httpx", ("TransportError",)),
    **dict.fromkeys(("requests", "session"), ("requests", ("ConnectionError", "Timeout"))),
}
_OFTEN = {1: "once", 2: "twice"}


def policy(name: str, repeats: int) -> list[str]:
    """The lines that declare urllib3's."""
    return [line.format(name=name, repeats=repeats, often=_OFTEN[repeats]) for line in _POLICY]


def by_adapter(source: Source, call: HttpCall, spot: Spot) -> list[Splice]:
    """Mounted on the session of requests, or on one that is made for a bare call."""
    name = free_name(source, "RETRY")
    declared = ["", *policy(name, spot.repeats)]
    splices: list[Splice] = []
    if call.library == "session":
        splices.append(mount(source, call, name))
    else:
        session = free_name(source, "SESSION")
        made, replaced = own_session(source, call, session)
        forget = "cookies.set_policy(DefaultCookiePolicy(allowed_domains=()))  # not shared"
        declared += ["", f"{session} = {made}", f"{session}.{forget}", *mounts(session, name)]
        splices += [*add_import(source, "http.cookiejar", "DefaultCookiePolicy"), *replaced]
    splices += add_import(source, "requests.adapters", "HTTPAdapter")
    splices += add_import(source, "urllib3.util", "Retry")
    return [*splices, source.after(end_of_imports(source), declared, indent="")]


def by_keyword(source: Source, call: HttpCall, spot: Spot) -> list[Splice]:
    """`retries=` at a call of urllib3, in place of its default: three at once, on no status."""
    if keyword(call.node, "retries") is not None:
        raise AlreadyThere("the call says how it is retried")
    if star := has_star(call.node):
        raise Declined(f"the call unpacks arguments with {star}, and `retries` may be among them")
    name = free_name(source, "RETRY")
    return [
        *add_keyword(source, call.node, f"retries={name}"),
        *add_import(source, "urllib3.util", "Retry"),
        source.after(end_of_imports(source), ["", *policy(name, spot.repeats)], indent=""),
    ]


def by_caller(source: Source, call: HttpCall, spot: Spot, what: str = "What is safe to repeat") -> list[Splice]:
    """Handed to stamina, which makes it again on the errors of its library that may pass."""
    for by in map(source.code, call.makers):
        if re.search(rf"^{re.escape(by)} *= *(\w+\.)*RetryingCaller\(", source.text, re.MULTILINE):
            raise AlreadyThere(f"{by} makes the call, again and again")
    name = free_name(source, "RETRY")
    splices, lines = hand_to(source, call, name), []
    if call.library == "urllib":
        on = free_name(source, "_passing")
        lines = ["", "", *_passing(source, on), ""]
    else:
        library, errors = ERRORS[call.library]
        module = imported_as(source, library) or library
        on = ", ".join(f"{module}.{error}" for error in errors)
        on = f"({on})" if len(errors) > 1 else on
        splices += () if imported_as(source, library) else add_import(source, library)
    within = f", timeout={spot.budget:g}" if spot.budget else ", timeout=None"
    waits = "wait_initial=0.1, wait_jitter=0.1"
    lines += [
        "",
        f"# {what} is repeated, at most {_OFTEN[spot.repeats]}, after a growing, jittered pause.",
        f"{name} = stamina.RetryingCaller(",
        f"{source.module.default_indent}attempts={spot.repeats + 1}{within}, {waits}",
        f").on({on})",
    ]
    stamina = add_import(source, "stamina")
    return [*splices, *stamina, source.after(end_of_imports(source), lines, indent="")]


def _passing(source: Source, name: str) -> list[str]:
    """urllib's errors are all of OSError; those that are answers have a `code`."""
    indent = source.module.default_indent
    return [
        f"def {name}(error):",
        f'{indent}"""Whether there was no answer, or one that says that it passes."""',
        f'{indent}return isinstance(error, OSError) and getattr(error, "code", 503) in {STATUSES}',
    ]
