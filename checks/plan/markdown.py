"""Markdown whose text comes from outside: it cannot break a table, mention anybody, or bring markup of its own.

Such text is always code. Escaping would not do: GitHub looks for mentions after it has resolved escapes and entities.
"""

import re
import unicodedata
from collections.abc import Iterable, Sequence

_BACKTICKS = re.compile(r"`+")


def code(text: str) -> str:
    """The text on one line as a code span for a table cell; nothing for an empty text.

    In code, neither GitHub nor Azure DevOps looks for mentions and references. A table needs `|` escaped in code, too:
    https://github.github.com/gfm/#tables-extension-
    """
    line = _one_line(text).strip()
    if not line:
        return ""
    fence = "`" * (max((len(run) for run in _BACKTICKS.findall(line)), default=0) + 1)
    # A blank on either side is not shown, and keeps backticks of the text apart from the fence.
    padding = " " if line.startswith("`") or line.endswith("`") else ""
    escaped = line.replace("|", r"\|")
    return f"{fence}{padding}{escaped}{padding}{fence}"


def code_block(text: str) -> list[str]:
    """The lines of a code block with the text."""
    longest = max((len(run) for run in _BACKTICKS.findall(text)), default=0)
    fence = "`" * max(3, longest + 1)
    return [fence, *(_one_line(line) for line in text.splitlines()), fence]


def table(headings: Sequence[str], rows: Iterable[Sequence[str]], *, right: Sequence[int] = ()) -> list[str]:
    """The lines of a table; the cells are Markdown already.

    Args:
        headings: Heading of each column.
        rows: Cells of each row.
        right: Indexes of the columns that are aligned to the right.
    """
    rules = ["--:" if index in right else "---" for index in range(len(headings))]
    return [_row(headings), _row(rules), *map(_row, rows)]


def details(summary: str, lines: Sequence[str]) -> list[str]:
    """Lines that are folded until the reader opens them; the summary is Markdown already."""
    return ["<details>", f"<summary>{summary}</summary>", "", *lines, "", "</details>"]


def cut(lines: Sequence[str], *, maximum: int, notice: str) -> str:
    """Join lines, and leave out the last ones if the text would be too long.

    Code blocks and folded parts that are open at the cut are closed.

    Args:
        lines: The lines.
        maximum: How long the text may be, in UTF-16 code units, which is the longest way of counting characters.
        notice: A line that says that something is left out.
    """
    if _length("\n".join(lines)) <= maximum:
        return "\n".join(lines)
    complete_lines: list[str] = []
    length = 0
    closing: list[str] = []
    for line in lines:
        open_after = _open_after(line, closing)
        ending = "\n".join(["", *open_after, "", notice])
        if length + _length(line) + 1 + _length(ending) > maximum:
            break
        complete_lines.append(line)
        length += _length(line) + 1
        closing = open_after
    return "\n".join([*complete_lines, *closing, "", notice])


def _open_after(line: str, closing: list[str]) -> list[str]:
    """What closes the parts that are open after a line, the innermost first."""
    if closing and line == closing[0]:
        return closing[1:]
    if line == "<details>":
        return ["</details>", *closing]
    if line.startswith("```") and not line.strip("`"):
        return [line, *closing]
    return closing


def _length(text: str) -> int:
    return len(text.encode("utf-16-le", errors="surrogatepass")) // 2


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _one_line(text: str) -> str:
    """The text without line breaks and control characters, which could reorder or hide what follows."""
    return "".join(
        " " if character.isspace() else "\N{REPLACEMENT CHARACTER}" if _is_control(character) else character
        for character in text
    ).rstrip()


def _is_control(character: str) -> bool:
    return unicodedata.category(character) in {"Cc", "Cf", "Cs"}
