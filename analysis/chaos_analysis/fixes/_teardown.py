"""A scoped session removed at the end of each request, where the app is made."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from chaos_analysis.fixes import _apps, _transactions
from chaos_analysis.fixes._fix import AlreadyThere, Declined
from chaos_analysis.fixes._source import Source

if TYPE_CHECKING:
    from chaos_analysis.sources import Sources

_TEARDOWN = re.compile(r"\bteardown_(appcontext|request)\b")


def removed(sources: Sources, file: str, line: int) -> dict[str, str]:
    """The app's file with the session of the statement at `line` removed at teardown.

    Raises `Declined` where it is no scoped session, or where the file that makes the app does not know it by its name;
    `AlreadyThere` where a teardown removes it.
    """
    source = Source(sources.text(file) or "")
    name = _transactions.owner(source, _transactions.statement_call(source, line))
    texts = [sources.text(each) or "" for each in sources.files()]
    scoped = re.compile(rf"^{re.escape(name)}\b[^=\n]*=\s*(\w+\.)*scoped_session\(", re.MULTILINE)
    if not name.isidentifier() or not any(scoped.search(text) for text in texts):
        raise Declined(f"{name} is no scoped session")
    if any(f"{name}.remove" in text and _TEARDOWN.search(text) for text in texts):
        raise AlreadyThere("the session is removed at the end of each request")
    home = _apps.home(sources)
    text = sources.text(home.file) if home is not None else None
    if home is None or text is None:
        raise Declined("no file of the run's sources, or more than one, makes a Flask app")
    module = Source(text)
    if name not in module.names():
        raise Declined(f"{home.file} does not import {name}")
    app = _apps.made(module)
    lines = [f"{app.name}.teardown_appcontext(lambda error: {name}.remove())"]
    return {home.file: module.splice([module.after(app.line, lines)])}
