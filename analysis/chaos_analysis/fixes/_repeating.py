"""What repeats a call, declared below a module's imports: urllib3's policy, or stamina's caller for other libraries."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import libcst as cst

from chaos_analysis.fixes._callers import hand_to
from chaos_analysis.fixes._calls import has_star, http_call, keyword, makers
from chaos_analysis.fixes._declare import imports
from chaos_analysis.fixes._edits import MIN_WIDTH, add_import, add_keyword, end_of_imports, free_name, imported_as
from chaos_analysis.fixes._fix import AlreadyThere, Declined
from chaos_analysis.fixes._sessions import mount, mounts, own_session, refuse_retried

if TYPE_CHECKING:
    from collections.abc import Sequence

    from chaos_analysis.fixes._calls import HttpCall
    from chaos_analysis.fixes._fix import Spot
    from chaos_analysis.fixes._source import Source, Splice

IDEMPOTENT = ("GET", "HEAD", "OPTIONS")
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
# And that of an answer whose body is cut short, where it is none of these.
_CUT_SHORT = {"requests": ("exceptions.ChunkedEncodingError",)}
_OFTEN = {1: "once", 2: "twice"}


def refuse_unsafe(spot: Spot) -> None:
    """Raise where a repetition may do the work twice."""
    if spot.method not in IDEMPOTENT:
        raise Declined(f"{spot.method or 'the call'} is not safe to repeat without an idempotency key")


def call_at(source: Source, spot: Spot) -> HttpCall:
    """The call at the spot; raises `Declined` where it is repeated already, or cannot be by itself."""
    call = http_call(source, spot)
    refuse_retried(source, call)
    if isinstance(source.ancestors(call.node)[0], cst.Await):
        raise Declined("the call is asynchronous: give it to stamina's AsyncRetryingCaller")
    if call.library == "http.client":
        raise Declined("each attempt needs a connection of its own: make it, ask and read in one function")
    return call


def reads_body(source: Source, call: HttpCall) -> bool:
    """Whether the call reads the answer's body, too; arguments that are unpacked may say otherwise."""
    if call.library in ("urllib", "http.client"):
        return False
    name, usual = ("preload_content", "True") if call.library == "urllib3" else ("stream", "False")
    given = keyword(call.node, name)
    return not has_star(call.node) and (given is None or source.code(given.value) == usual)


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
    splices = imports(source, splices, ("requests.adapters", "HTTPAdapter"), ("urllib3.util", "Retry"))
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


def by_caller(
    source: Source,
    call: HttpCall,
    spot: Spot,
    what: str = "What is safe to repeat",
    *,
    also: Sequence[HttpCall] = (),
    whole: bool = False,
) -> list[Splice]:
    """Handed to stamina, which makes it again on the errors of its library that may pass.

    also: further calls of the library for the same caller. whole: an answer whose body is cut short is repeated, too.
    """
    refuse_handed(source, call)
    name = free_name(source, "RETRY")
    splices, lines = [splice for each in (call, *also) for splice in hand_to(source, each, name)], []
    if call.library == "urllib":
        on = [free_name(source, "_passing")]
        lines = ["", "", *_passing(source, on[0]), ""]
    else:
        library, errors = ERRORS[call.library]
        module = imported_as(source, library) or library
        on = [f"{module}.{error}" for error in (*errors, *(_CUT_SHORT.get(library, ()) if whole else ()))]
        splices += () if imported_as(source, library) else add_import(source, library)
    indent = source.module.default_indent
    within = f", timeout={spot.budget:g}" if spot.budget else ", timeout=None"
    lines += [
        "",
        f"# {what} is repeated, at most {_OFTEN[spot.repeats]}, after a growing, jittered pause.",
        f"{name} = stamina.RetryingCaller(",
        f"{indent}attempts={spot.repeats + 1}{within}, wait_initial=0.1, wait_jitter=0.1",
        *_on(on, indent),
    ]
    return [*imports(source, splices, ("stamina",)), source.after(end_of_imports(source), lines, indent="")]


def refuse_handed(source: Source, call: HttpCall) -> None:
    """Raise where one of stamina's callers makes the call."""
    for by in map(source.code, call.makers):
        if re.search(rf"^{re.escape(by)} *= *(\w+\.)*RetryingCaller\(", source.text, re.MULTILINE):
            raise AlreadyThere(f"{by} makes the call, again and again")


def refuse_mounted(source: Source, call: HttpCall) -> None:
    """Raise where the call's session has an adapter of its own, or may have one: two layers multiply."""
    if call.library == "session" and call.maker is None:
        raise Declined("the session is made elsewhere, and may be given retries there")
    for name in (made for made, maker in makers(source, "session") if maker is call.maker):
        if any(source.code(each.func) == f"{name}.mount" for each in source.find(cst.Call)):
            raise AlreadyThere(f"{name} mounts an adapter already: see whether that retries")


def _on(errors: Sequence[str], indent: str) -> list[str]:
    """The end of the caller's declaration: in one line, or an error a line."""
    told = errors[0] if len(errors) == 1 else f"({', '.join(errors)})"
    if len(line := f").on({told})") <= MIN_WIDTH:
        return [line]
    return [").on(", f"{indent}(", *(f"{indent * 2}{error}," for error in errors), f"{indent})", ")"]


def _passing(source: Source, name: str) -> list[str]:
    """urllib's errors are all of OSError; those that are answers have a `code`."""
    indent = source.module.default_indent
    return [
        f"def {name}(error):",
        f'{indent}"""Whether there was no answer, or one that says that it passes."""',
        f'{indent}return isinstance(error, OSError) and getattr(error, "code", 503) in {STATUSES}',
    ]
