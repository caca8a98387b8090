"""The Markdown report as one HTML page, with its table of contents, its styles and its pictures inside.

Raw HTML in the Markdown is not passed through, and the page's own policy forbids it to load or run anything.
"""

from __future__ import annotations

import re
from html import escape
from importlib import resources
from typing import TYPE_CHECKING, NamedTuple

import jinja2
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML

from chaos_analysis.outcomes.words import OUTCOMES
from chaos_analysis.report.markdown import slug

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from markdown_it.token import Token
    from markdown_it.utils import EnvType, OptionsDict

    from chaos_analysis.report.pictures import Picture

_ALERT = re.compile(r"\[!([A-Z]+)\]\s*")
_UNIT = re.compile(r"(?<=\d) (?=%|(?:ms|s|min)\b)")  # where a line must not break
# Words in bold that have a colour of their own.
_TONED = frozenset(
    (
        "critical",
        "high",
        "medium",
        "low",
        "held",
        "broken",
        "undecided",
        "passed",
        "failed",
        "unknown",
        "warning",
        "improved",
        "worse",
        "no difference",
        "inconclusive",
        "not comparable",
        *OUTCOMES,
    )
)


class Section(NamedTuple):
    """What stands below a heading of the second level; the first one has what comes before any."""

    id: str
    title: str
    html: str


def render(title: str, markdown: str, pictures: Mapping[str, Picture]) -> str:
    """The page. `pictures` are put in where `markdown` names their files."""
    environment = jinja2.Environment(loader=jinja2.PackageLoader("chaos_analysis.report", ""), autoescape=True)
    styles = resources.files("chaos_analysis.report").joinpath("page.css").read_text("utf-8")
    template = environment.get_template("page.html.j2")
    return template.render(title=title, styles=styles, sections=_sections(markdown, pictures))


def _sections(markdown: str, pictures: Mapping[str, Picture]) -> list[Section]:
    parser = MarkdownIt("commonmark", {"html": False, "highlight": _highlight}, renderer_cls=_Renderer).enable(
        ["table", "strikethrough"]
    )
    tokens = parser.parse(markdown)
    _mark_alerts(tokens)
    starts = [at for at, token in enumerate(tokens) if token.type == "heading_open" and token.tag == "h2"]
    uris = {picture.file: picture.uri for picture in pictures.values()}
    made = []
    for start, end in zip([0, *starts], [*starts, len(tokens)], strict=True):
        title = tokens[start + 1].content if start else "Verdict"
        html = parser.renderer.render(tokens[start:end], parser.options, {"uris": uris})
        made.append(Section(slug(title), title, html))
    return made


def _mark_alerts(tokens: Sequence[Token]) -> None:
    """GitHub's alerts: a quotation that begins with `[!KIND]` becomes one of the class `kind`."""
    for quote, inline in zip(tokens, tokens[2:], strict=False):
        found = _ALERT.match(inline.content) if quote.type == "blockquote_open" else None
        if found and inline.children:
            quote.attrSet("class", f"alert {found[1].lower()}")
            quote.attrSet("role", "alert" if found[1] == "CAUTION" else "note")
            inline.children = inline.children[2:]  # the mark and the end of its line


def _highlight(content: str, language: str, _: str) -> str:
    """A diff's lines, each in its colour; "" leaves other languages to the renderer."""
    if language != "diff":
        return ""
    return "\n".join(f'<span class="{_kind(line)}">{escape(line)}</span>' for line in content.rstrip("\n").split("\n"))


def _kind(line: str) -> str:
    if line.startswith(("+++", "---", "diff ", "index ")):
        return "file"
    return {"+": "added", "-": "removed", "@": "hunk"}.get(line[:1], "same")


class _Renderer(RendererHTML):
    """HTML as markdown-it makes it, but headings have anchors, wide tables scroll, and toned words have their class."""

    def heading_open(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        if tokens[idx].tag != "h2":  # there the section has it
            tokens[idx].attrSet("id", slug(_plain(tokens[idx + 1])))
        return self.renderToken(tokens, idx, options, env)

    def table_open(self, *_: object) -> str:
        return '<div class="scroll" tabindex="0"><table>\n'

    def table_close(self, *_: object) -> str:
        return "</table></div>\n"

    def strong_open(self, tokens: Sequence[Token], idx: int, *_: object) -> str:
        word = tokens[idx + 1].content
        return f'<strong class="tone {word.replace(" ", "-")}">' if word in _TONED else "<strong>"

    def text(self, tokens: Sequence[Token], idx: int, *_: object) -> str:
        return _UNIT.sub("&nbsp;", escape(tokens[idx].content, quote=False))

    def image(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        source = env["uris"].get(str(tokens[idx].attrGet("src")), "")
        alt = self.renderInlineAsText(tokens[idx].children, options, env)
        return f'<img src="{source}" alt="{escape(alt)}">'


def _plain(inline: Token) -> str:
    """A heading's text without its marks."""
    return "".join(child.content for child in inline.children or ())
