"""A clock for code that polls: whoever waits lets the time pass at once."""

from types import SimpleNamespace

import pytest


class Clock:
    """Takes the place of the time that `infra.management.until` looks at; `waits` are the pauses that were made."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.waits: list[float] = []
        self._now = 1000.0
        monkeypatch.setattr("tenacity.time", SimpleNamespace(monotonic=lambda: self._now, sleep=self._sleep))
        monkeypatch.setattr("infra.management.time", SimpleNamespace(sleep=self._sleep))

    def _sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self._now += seconds
