import pytest
from markdown_it import MarkdownIt

from chaos_analysis.report.markdown import Markdown, code, fence, one_line, reference, slug, table, text

NASTY = [
    "<script>alert(1)</script>",
    "GET /a|b|c",
    "lone ` tick",
    "**bold** _it_ ~~gone~~ [x](javascript:alert(1)) ![i](http://evil.example/x.png)",
    "line\nbreak\r\n# heading\n| a | b |",
    "back\\slash \\| \\` \\<b>",
    "&lt;b&gt; &#60; & AT&T",
    "$x^2$ ^ {curly} <https://evil.example>",
    "- item",
    "1. item",
    "12) item",
    "# heading",
    "> quote",
    "=====",
    "---",
    "+ plus",
    "```",
    "[x]: http://evil.example",
    "snake_case __init__ _a_",
    "日本語 ünïcode",
    "|",
    "``",
    "\\",
]


def _html(markdown: str) -> str:
    return str(MarkdownIt("commonmark", {"html": False}).enable("table").render(markdown))


def _shown(markdown: str) -> list[str]:
    """The texts of all inline tokens, as a reader sees them."""
    tokens = MarkdownIt("commonmark", {"html": False}).enable("table").parse(markdown)
    return ["".join(part.content for part in token.children or ()) for token in tokens if token.type == "inline"]


@pytest.mark.parametrize("nasty", NASTY)
def test_escaped_text_is_one_paragraph_that_reads_as_it_was(nasty: str) -> None:
    """Nothing in a text from a run becomes Markdown, wherever in a line it starts."""
    tokens = MarkdownIt("commonmark").enable("table").parse(text(nasty))
    assert [token.type for token in tokens] == ["paragraph_open", "inline", "paragraph_close"]
    assert {part.type for part in tokens[1].children or ()} <= {"text", "text_special"}
    assert _shown(text(nasty)) == [" ".join(nasty.split())]


def test_what_backticks_enclose_is_code() -> None:
    """A finder may write `timeout=`; a pipe or a bracket in there cannot do harm either."""
    made = table(["a"], [["set `a|b](x)` at ``c``"]])
    tokens = MarkdownIt("commonmark").enable("table").parse(made)
    inline = [token for token in tokens if token.type == "inline"][-1]
    spans = [part.content for part in inline.children or () if part.type == "code_inline"]
    assert spans == ["a|b](x)", "c"]
    assert _shown(made)[-1] == "set a|b](x) at `c`"


@pytest.mark.parametrize("nasty", NASTY)
def test_a_code_span_shows_any_text(nasty: str) -> None:
    """Backticks in a text cannot end the span that it stands in."""
    tokens = MarkdownIt("commonmark").enable("table").parse(f"so: {code(nasty)}.")
    kinds = [part.type for part in tokens[1].children or ()]
    assert kinds == ["text", "code_inline", "text"]
    assert _shown(f"so: {code(nasty)}.") == [f"so: {' '.join(nasty.split())}."]


@pytest.mark.parametrize("nasty", NASTY)
def test_a_cell_holds_any_text(nasty: str) -> None:
    """Pipes and line breaks in a text, as prose or as code, neither add a column nor a row."""
    made = table(["a|b", "c", "d"], [[nasty, code(nasty), "end"]])
    assert _shown(made) == ["a|b", "c", "d", *[" ".join(nasty.split())] * 2, "end"]


def test_a_fence_is_longer_than_any_in_its_content() -> None:
    """A diff of a Markdown file cannot close the block that it stands in."""
    html = _html(fence("-```\n+````\n-</code></pre><b>x</b>", "diff"))
    assert html.count("<pre>") == 1
    assert "&lt;b&gt;" in html
    assert "<b>" not in html


def test_characters_that_do_not_show_are_replaced() -> None:
    """A text cannot hide what follows it, nor turn its direction."""
    assert one_line("a\x1b[31mb\u202ec") == "a\N{REPLACEMENT CHARACTER}[31mb\N{REPLACEMENT CHARACTER}c"
    assert "\u202e" not in fence("x\u202ey", "diff")


def test_an_overlong_text_is_cut() -> None:
    """A response body in an error's text does not flood the report."""
    assert len(one_line("x" * 10_000)) == 601


def test_markdown_is_not_escaped_twice() -> None:
    """What is Markdown already stays as it is."""
    assert text(Markdown("**x**")) == "**x**"


def test_web_addresses_in_a_reference_are_links() -> None:
    """The words around them stay words, and nothing else becomes a link."""
    said = reference("RFC 9110, 503: https://example.com/a#b, and <i>")
    assert said == "RFC 9110, 503: <https://example.com/a#b>, and \\<i>"
    assert _html(reference("[x](javascript:alert(1)) <javascript:x>")).count("href") == 0


def test_a_slug_is_the_anchor_that_github_gives() -> None:
    """Letters in lower case, blanks as dashes, no punctuation."""
    assert slug("Fix 1: Don't use `get()`_x-y") == "fix-1-dont-use-get_x-y"
