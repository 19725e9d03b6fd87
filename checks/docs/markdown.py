"""Markdown that generated parts consist of."""

from collections.abc import Iterable, Sequence


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table; a pipe character in a cell is escaped, and a line break becomes a space.

    Raises:
        ValueError: A row has another number of cells than there are columns.
    """
    lines = [_line(columns), "|" + "---|" * len(columns)]
    for row in rows:
        if len(row) != len(columns):
            raise ValueError(f"the row {row!r} does not have {len(columns)} cells")
        lines.append(_line(row))
    return "\n".join(lines)


def _line(cells: Sequence[str]) -> str:
    escaped = [" ".join(cell.split()).replace("|", "\\|") for cell in cells]
    return "|" + "|".join(f" {cell} " if cell else " " for cell in escaped) + "|"


def code(text: str) -> str:
    """Return text as code."""
    return f"`{text}`"
