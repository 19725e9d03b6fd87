"""Names that the code defines, and the names and words that docs/glossary.md rules out."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
# Type tokens and logical names: words that are joined by hyphens, colons or slashes.
_RESOURCE_NAME = re.compile(r"[A-Za-z0-9:/_-]+")


@dataclass(frozen=True, kw_only=True)
class DefinedName:
    """A name that a file defines, with the line of its definition; the line of a file's own name is 0."""

    name: str
    path: str
    line: int


@dataclass(frozen=True, kw_only=True)
class Glossary:
    """What docs/glossary.md rules out, as stated there; letter case matters in `names` only.

    Attributes:
        names: Not a name as a whole.
        words: Not a word of any name.
        vague_words: Not a word of a name, except in names of tests.
        participles: Not a name as a whole, whatever its case.
    """

    names: frozenset[str]
    words: frozenset[str]
    vague_words: frozenset[str]
    participles: frozenset[str]

    def violates(self, name: str) -> bool:
        """Whether a name is ruled out."""
        bare_name = name.strip("_")
        words = set(split_words(name))
        if bare_name in self.names or bare_name.lower() in self.participles:
            return True
        if words & self.words:
            return True
        return not name.startswith("test_") and bool(words & self.vague_words)


def read_glossary(text: str) -> Glossary:
    """Read the four tables of the section "Names that are not used", in their order.

    Raises:
        ValueError: The section or one of its tables is missing.
    """
    section = text.partition("\n## Names that are not used\n")[2].partition("\n## ")[0]
    tables = re.findall(r"\| not used \| use \|\n\|---\|---\|\n((?:\|.*\n?)+)", section)
    names, words, vague_words, participles = (_first_column(table) for table in tables)
    return Glossary(names=names, words=words, vague_words=vague_words, participles=participles)


def _first_column(table: str) -> frozenset[str]:
    cells = [row.split("|")[1] for row in table.splitlines()]
    return frozenset(name for cell in cells for name in re.findall(r"`(\w+)`", cell))


def split_words(name: str) -> list[str]:
    """The words of a name in snake_case, CamelCase or kebab-case, in lower case."""
    return [word.lower() for word in _WORD.findall(name)]


def defined_names(path: Path, relative_path: str, *, resource_names: bool = False) -> Iterator[DefinedName]:
    """Every name that a Python file defines, and the name of the file itself.

    Args:
        path: The file.
        relative_path: Its path in the reports.
        resource_names: Include logical names and type tokens of Pulumi resources: texts without spaces among the first
            two arguments of a call. Of a type token, each member is a name.
    """
    yield DefinedName(name=path.stem, path=relative_path, line=0)
    for node in ast.walk(ast.parse(path.read_text())):
        for name in _names_of_node(node):
            yield DefinedName(name=name, path=relative_path, line=getattr(node, "lineno", 0))
        if resource_names and isinstance(node, ast.Call):
            for name in _resource_names(node):
                yield DefinedName(name=name, path=relative_path, line=node.lineno)


def _names_of_node(node: ast.AST) -> Iterator[str]:
    match node:
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            yield name
        case ast.arg(arg=name) | ast.Name(id=name, ctx=ast.Store()) | ast.Attribute(attr=name, ctx=ast.Store()):
            yield name
        case ast.alias(asname=str(name)) | ast.ExceptHandler(name=str(name)):
            yield name
        case ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)) | ast.MatchMapping(rest=str(name)):
            yield name
        case ast.TypeVar(name=name) | ast.ParamSpec(name=name) | ast.TypeVarTuple(name=name):
            yield name
        case _:
            pass


def _resource_names(call: ast.Call) -> Iterator[str]:
    for argument in call.args[:2]:
        texts = argument.values if isinstance(argument, ast.JoinedStr) else [argument]
        for text in texts:
            if isinstance(text, ast.Constant) and isinstance(text.value, str) and _RESOURCE_NAME.fullmatch(text.value):
                yield from filter(None, re.split(r"[:/]|^-|-$", text.value))
