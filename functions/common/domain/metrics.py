"""Metrics of one invocation: summed up where they arise, and logged once when the invocation ends."""

from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar

_current: ContextVar[dict[str, float] | None] = ContextVar("metrics", default=None)


@contextmanager
def collect_metrics() -> Generator[dict[str, float]]:
    """Collect the metrics that are added while the context is open, by name; each asyncio task has its own."""
    values: dict[str, float] = {}
    token = _current.set(values)
    try:
        yield values
    finally:
        _current.reset(token)


@contextmanager
def collect_separately() -> Generator[dict[str, float]]:
    """Collect the metrics of a part of an invocation by themselves; they count for the invocation as well."""
    values: dict[str, float] = {}
    try:
        with collect_metrics() as values:
            yield values
    finally:
        for name, value in values.items():
            add(name, value)


def add(name: str, amount: float = 1) -> None:
    """Add to a metric of the current invocation. Does nothing outside of one."""
    values = _current.get()
    if values is not None:
        values[name] = round(values.get(name, 0) + amount, 3)


def put(name: str, value: float) -> None:
    """Set a metric of the current invocation, replacing its value. Does nothing outside of one."""
    values = _current.get()
    if values is not None:
        values[name] = value
