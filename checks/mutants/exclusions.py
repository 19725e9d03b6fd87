"""What is not mutated: documentation, annotations, imports, interfaces, and texts that only people read.

A text is for people when it contains a space and is written where messages are: in a `raise`, in a call that makes an
error or writes to a log, or as an argument with a name such as `description`. Anywhere else it is for people when it
has three words of small letters in a row and no `|`, which queries have.
"""

import ast
import re
from collections.abc import Iterator

from checks.mutants.replacement import Position

# What the type checker reads, and a run does not.
_TYPING_CALLS = {"NewType", "ParamSpec", "TypeVar", "cast"}
_DECORATORS = {"dataclass", "final", "override", "overload", "runtime_checkable"}
_CLASS_KEYWORDS = {"eq", "frozen", "gc", "kw_only", "order", "slots"}
_LOG_METHODS = {"critical", "debug", "error", "exception", "info", "log", "warn", "warning"}
_MESSAGE_ARGUMENTS = {"advice", "description", "help", "message", "reason", "title"}
_SENTENCE = re.compile(r"\b[A-Za-z']+,?\s+[a-z']+,?\s+[a-z']+\b")


class Exclusions:
    """The parts of a module's source that are not mutated."""

    def __init__(self, source: str) -> None:
        tree = ast.parse(source)
        lines = source.splitlines()
        self._ranges = [
            (_position(lines, node.lineno, node.col_offset), _position(lines, _end_line(node), _end_column(node)))
            for node in _excluded_nodes(tree)
        ]
        # parso's decorators begin with `@` and end with the line.
        self._ranges += [((node.lineno, 0), (_end_line(node) + 1, 0)) for node in _excluded_decorators(tree)]

    def contain(self, start: Position, end: Position) -> bool:
        """Return whether a position lies in an excluded part."""
        return any(first <= start and end <= last for first, last in self._ranges)


def _position(lines: list[str], line: int, utf8_column: int) -> Position:
    """Return a position of `ast`, which counts bytes of UTF-8, in characters."""
    return line, len(lines[line - 1].encode()[:utf8_column].decode())


def _end_line(node: ast.stmt | ast.expr | ast.keyword | ast.type_param) -> int:
    assert node.end_lineno is not None
    return node.end_lineno


def _end_column(node: ast.stmt | ast.expr | ast.keyword | ast.type_param) -> int:
    assert node.end_col_offset is not None
    return node.end_col_offset


def _excluded_nodes(tree: ast.Module) -> Iterator[ast.stmt | ast.expr | ast.keyword | ast.type_param]:
    for node in ast.walk(tree):
        match node:
            case ast.Expr(value=ast.Constant()) | ast.Import() | ast.ImportFrom() | ast.TypeAlias():
                yield node
            case ast.Assign(targets=[ast.Name(id="__all__")]):
                yield node
            case ast.If(test=ast.Compare(left=ast.Name(id="__name__"))):
                yield node.test
            case ast.AnnAssign(annotation=annotation) | ast.arg(annotation=ast.expr() as annotation):
                yield annotation
            case ast.ClassDef() if any(_name(base) == "Protocol" for base in node.bases):
                yield node
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                yield from _declarations(node)
            case ast.Raise():
                yield from _texts_with_spaces(node)
            case ast.Call():
                yield from _of_call(node)
            case ast.Constant(value=str()) | ast.JoinedStr() if _is_sentence(_text(node)):
                yield node
            case _:
                pass


def _declarations(
    node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef,
) -> Iterator[ast.expr | ast.keyword | ast.type_param]:
    yield from node.type_params
    if isinstance(node, ast.ClassDef):
        yield from (keyword for keyword in node.keywords if keyword.arg in _CLASS_KEYWORDS)
    elif node.returns is not None:
        yield node.returns


def _excluded_decorators(tree: ast.Module) -> Iterator[ast.expr]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield from (decorator for decorator in node.decorator_list if _name(decorator) in _DECORATORS)


def _of_call(node: ast.Call) -> Iterator[ast.expr | ast.keyword]:
    name = _name(node.func)
    if name in _TYPING_CALLS and node.args:
        yield node.args[0]
    is_log = isinstance(node.func, ast.Attribute) and name in _LOG_METHODS
    if is_log or name.endswith(("Error", "Warning")):
        yield from _texts_with_spaces(node)
    for keyword in node.keywords:
        if keyword.arg in _MESSAGE_ARGUMENTS:
            if " " in _text(keyword.value):
                yield keyword
            yield from _texts_with_spaces(keyword.value)


def _texts_with_spaces(tree: ast.AST) -> Iterator[ast.expr]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant | ast.JoinedStr) and " " in _text(node):
            yield node


def _name(node: ast.expr) -> str:
    """Return the last part of a dotted name, also of one that is called; empty for another expression."""
    if isinstance(node, ast.Call):
        return _name(node.func)
    if isinstance(node, ast.Attribute):
        return node.attr
    if isinstance(node, ast.Name):
        return node.id
    return ""


def _text(node: ast.expr) -> str:
    """Return a text, without the values of an f-string; empty for another expression."""
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else ""
    if isinstance(node, ast.JoinedStr):
        return "".join(_text(value) for value in node.values)
    return ""


def _is_sentence(text: str) -> bool:
    return "|" not in text and _SENTENCE.search(text) is not None
