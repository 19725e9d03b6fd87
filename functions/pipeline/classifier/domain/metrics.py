"""What one invocation measures, added up wherever it arises and logged once when it ends."""

from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar

_current: ContextVar[dict[str, float] | None] = ContextVar("measures", default=None)


@contextmanager
def measured() -> Generator[dict[str, float]]:
    """Collects what is added while it is open, by name; each task of the event loop has its own."""
    values: dict[str, float] = {}
    token = _current.set(values)
    try:
        yield values
    finally:
        _current.reset(token)


def add(name: str, amount: float = 1) -> None:
    """Adds to a measure of the invocation that is running; without one, to nothing."""
    values = _current.get()
    if values is not None:
        values[name] = round(values.get(name, 0) + amount, 3)


def put(name: str, value: float) -> None:
    """Sets a measure of the invocation that is running, in the place of what it was."""
    values = _current.get()
    if values is not None:
        values[name] = value
