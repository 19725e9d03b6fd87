"""A clock for code that polls: a wait moves its time forward and returns at once."""

from types import SimpleNamespace

import pytest


class Clock:
    """Replaces the clock of `infra.dynamic.arm_client.poll_until`; `waits` holds the seconds of each wait."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.waits: list[float] = []
        self._now = 1000.0
        monkeypatch.setattr("tenacity.time", SimpleNamespace(monotonic=lambda: self._now, sleep=self._sleep))
        monkeypatch.setattr("infra.dynamic.arm_client.time", SimpleNamespace(sleep=self._sleep))

    def _sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self._now += seconds
