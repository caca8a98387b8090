"""A module's text together with its syntax tree: libcst says what stands where, edits are spliced into the text itself.

Nothing outside a splice can change, so comments, odd spacing and line endings stay as they are by construction.
"""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING, TypeVar

import libcst as cst
from libcst.metadata import MetadataWrapper, ParentNodeProvider, PositionProvider, QualifiedNameProvider

from chaos_analysis.fixes._fix import Declined

if TYPE_CHECKING:
    from collections.abc import Iterable

Splice = tuple[int, int, str]  # start, end (offsets into the text), what stands there then
_Node = TypeVar("_Node", bound=cst.CSTNode)


class Source:
    """The module `text`; raises `Declined` where it cannot be parsed."""

    def __init__(self, text: str) -> None:
        try:
            module = cst.parse_module(text)
        except cst.ParserSyntaxError as error:
            raise Declined(f"the source cannot be parsed: {error.message}") from error
        wrapper = MetadataWrapper(module, unsafe_skip_copy=True)  # a parsed tree has no node twice
        self.text = text
        self.module = wrapper.module
        self.newline = module.default_newline
        self._positions = wrapper.resolve(PositionProvider)
        self._parents = wrapper.resolve(ParentNodeProvider)
        self._lines = _line_starts(text)
        names = _Names()
        wrapper.visit(names)
        self._names = names.found

    def find(self, kind: type[_Node]) -> list[_Node]:
        """Every node of a kind, in the order of the source."""
        return sorted((node for node in self._positions if isinstance(node, kind)), key=self.span)

    def qualified(self, node: cst.Call | cst.BaseExpression) -> str:
        """The full name of what is called, or given as an argument, where imports tell it: `requests.get`; else ""."""
        return self._names.get(node, "")

    def code(self, node: cst.CSTNode) -> str:
        """The node's own code, without surrounding whitespace."""
        return self.module.code_for_node(node).strip()

    def names(self) -> set[str]:
        """The names that the module binds or uses on their own: no attributes, no keywords of calls."""
        found = set()
        for name in self.find(cst.Name):
            parent = self._parents[name]
            attribute = isinstance(parent, cst.Attribute) and parent.attr is name
            keyword = isinstance(parent, cst.Arg) and parent.keyword is name
            renamed = isinstance(parent, cst.ImportAlias) and parent.asname is not None
            if not (attribute or keyword or renamed or isinstance(parent, cst.ImportFrom)):
                found.add(name.value)
        return found

    def span(self, node: cst.CSTNode) -> tuple[int, int]:
        """Offsets of the node's start and end."""
        at = self._positions[node]
        return self._lines[at.start.line - 1] + at.start.column, self._lines[at.end.line - 1] + at.end.column

    def covers(self, node: cst.CSTNode, line: int) -> bool:
        """Whether the node stands on this line, among others."""
        at = self._positions[node]
        return at.start.line <= line <= at.end.line

    def ancestors(self, node: cst.CSTNode) -> list[cst.CSTNode]:
        """What the node stands in, innermost first."""
        found: list[cst.CSTNode] = []
        while node in self._parents:
            node = self._parents[node]
            found.append(node)
        return found

    def line_start(self, offset: int) -> int:
        """Where the line of `offset` begins."""
        return self._lines[bisect_right(self._lines, offset) - 1]

    def line_end(self, offset: int) -> int:
        """Where the next line begins; the end of the text for the last."""
        line = bisect_right(self._lines, offset)
        return self._lines[line] if line < len(self._lines) else len(self.text)

    def indent(self, node: cst.CSTNode) -> str:
        """The whitespace before the first line of a statement."""
        start = self.span(node)[0]
        line = self.text[self.line_start(start) : start]
        return line[: len(line) - len(line.lstrip())]

    def after(self, node: cst.CSTNode, lines: Iterable[str], *, indent: str | None = None) -> Splice:
        """Insert whole lines after a statement, indented as it is; "" is an empty line."""
        margin = self.indent(node) if indent is None else indent
        end = self.line_end(self.span(node)[1])
        text = "".join((margin + line if line else "") + self.newline for line in lines)
        unfinished = self.text[:end] and self.text[end - 1] not in "\r\n"
        return end, end, self.newline + text if unfinished else text

    def moved(self, line: int, splices: Iterable[Splice]) -> int:
        """The number that a line has when the splices are done; those inside it do not count."""
        start = self._lines[line - 1]
        above = [splice for splice in splices if splice[0] < start or splice[:2] == (start, start)]
        return line + sum(text.count("\n") - self.text[a:b].count("\n") for a, b, text in above)

    def splice(self, splices: Iterable[Splice]) -> str:
        """The text with all splices done; two at one place stay in their order."""
        parts, reached = [], 0
        for start, end, text in sorted(splices, key=lambda splice: splice[0]):
            parts += [self.text[reached:start], text]
            reached = end
        return "".join([*parts, self.text[reached:]])


class _Names(cst.CSTVisitor):
    """Collects the full names of what is called or given as an argument. A local name that hides an import is local."""

    METADATA_DEPENDENCIES = (QualifiedNameProvider,)

    def __init__(self) -> None:
        super().__init__()
        self.found: dict[cst.CSTNode, str] = {}

    def visit_Call(self, node: cst.Call) -> None:  # noqa: N802 - libcst names it
        self._note(node, node.func)

    def visit_Arg(self, node: cst.Arg) -> None:  # noqa: N802 - libcst names it
        if isinstance(node.value, cst.Attribute | cst.Name):
            self._note(node.value, node.value)

    def _note(self, node: cst.CSTNode, named: cst.BaseExpression) -> None:
        names = self.get_metadata(QualifiedNameProvider, named, frozenset())
        imported = {name.name for name in names if name.source.name == "IMPORT"}
        if len(imported) == 1 == len(names):
            self.found[node] = imported.pop()


def _line_starts(text: str) -> list[int]:
    """Offsets of the lines' beginnings, told apart as Python does: not at a form feed or a Unicode separator."""
    starts = [0]
    for index, character in enumerate(text):
        if character == "\n" or (character == "\r" and text[index + 1 : index + 2] != "\n"):
            starts.append(index + 1)
    return starts
