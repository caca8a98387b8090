"""What a call asks for: two calls may share an answer only where all of it is equal."""

from __future__ import annotations

import libcst as cst
import pytest

from chaos_analysis.fixes._calls import http_call
from chaos_analysis.fixes._fix import Declined, Spot
from chaos_analysis.fixes._question import question
from chaos_analysis.fixes._source import Source

SOURCE = """\
import os
from urllib.parse import quote

import requests
from flask import request

from shop.users import current_user

PATHS = {{"a": "/a"}}


def ask(self, slug, page, HOST=None):
    requests.get({})
"""


def _asked(arguments: str) -> tuple[str, ...]:
    source = Source(SOURCE.format(arguments))
    return question(source, http_call(source, Spot(line=13, method="GET")))


@pytest.mark.parametrize(
    ("arguments", "asked"),
    [
        ('os.environ["URL"] + "/all", timeout=TIMEOUT', ()),
        ('f"{self.url}/{slug}", params={"page": page}', ("self.url", "slug", "page")),
        ('URL, params={"q": request.args["q"]}', ('request.args["q"]',)),
        ("PATHS[slug]", ("slug",)),
        ("PATHS[self.names[slug].lower()]", ("self.names[slug]",)),
        ("os.environ[slug]", ("slug",)),
        ("f'{HOST}/{slug:>{page}}'", ("HOST", "slug", "page")),
        ("quote(slug) % (page, slug)", ("slug", "page")),
        ("PATHS.get(slug, current_user.path)", ("slug", "current_user.path")),
        ('URL, headers={"Accept": "text/plain"}', ()),
        ("self.pages[page + 1]", ("self.pages", "page")),
    ],
)  # fmt: skip
def test_all_that_varies_is_in_the_question(arguments: str, asked: tuple[str, ...]) -> None:
    """Arguments, attributes, and what an index picks; not constants, nor how long the call may take."""
    assert _asked(arguments) == asked
    for each in asked:
        cst.parse_expression(each)


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ("token()", "token()"),
        ("URL, auth=self.auth", "auth"),
        ("URL, cookies=COOKIES", "cookies"),
        ('URL, headers={"Authorization": slug}', "headers"),
        ("URL, stream=True", "stream"),
        ("*page", "unpacks"),
        ("URL, **page", "unpacks"),
        ("[each for each in page]", "in place"),
    ],
)
def test_an_answer_that_may_be_for_one_user_alone_is_nobody_elses(arguments: str, why: str) -> None:
    """Credentials, and what is worked out anew each time, cannot be told apart by a question."""
    with pytest.raises(Declined, match=why.replace("(", r"\(").replace(")", r"\)")):
        _asked(arguments)
