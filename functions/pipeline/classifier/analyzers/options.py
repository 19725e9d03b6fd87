"""An analyser's own options, read strictly: everything that is missing, wrong or unknown is named together."""

from collections.abc import Mapping, Sequence
from typing import Any, cast

from classifier.domain.rate_limiter import Quota
from classifier.settings import SettingsError


class Options:
    """The options of the analyser called `analyzer`; `finish` raises for all that was wrong."""

    def __init__(self, values: Mapping[str, Any], analyzer: str) -> None:
        self._values = values
        self._analyzer = analyzer
        self._known: set[str] = set()
        self._errors: list[str] = []

    def text(self, name: str) -> str:
        """A text that is not empty."""
        value = self._take(name)
        return value if isinstance(value, str) and value else self._refuse(name, value, "a text", "")

    def boolean(self, name: str) -> bool:
        """True or false."""
        value = self._take(name)
        return value if isinstance(value, bool) else self._refuse(name, value, "true or false", default=False)

    def number(self, name: str) -> float:
        """A number over 0."""
        value = self._take(name)
        good = isinstance(value, int | float) and not isinstance(value, bool) and value > 0
        return float(value) if good else self._refuse(name, value, "a number over 0", 1.0)

    def texts(self, name: str) -> list[str]:
        """A list of texts, with one at least."""
        items = self._list(name)
        if items and all(isinstance(item, str) and item for item in items):
            return [str(item) for item in items]
        return self._refuse(name, items, "a list of texts", [""])

    def numbers(self, name: str) -> list[float]:
        """A list of numbers; it may be empty."""
        items = self._list(name)
        if items is not None and all(isinstance(item, int | float) for item in items):
            return [float(cast("float", item)) for item in items]
        return self._refuse(name, items, "a list of numbers", [0.0])

    def choice(self, name: str, allowed: Sequence[str]) -> str:
        """One of `allowed`."""
        value = self._take(name)
        return str(value) if value in allowed else self._refuse(name, value, f"one of {', '.join(allowed)}", allowed[0])

    def quota(self) -> Quota:
        """What one account answers, and how many instances may share it; every analyser is told."""
        return Quota(calls_per_second=self.number("callsPerSecond"), instances=round(self.number("instances")))

    def finish(self, features: Sequence[str], possible: Sequence[str]) -> None:
        """Raises SettingsError for all that was wrong, and for features that the analyser does not have."""
        self._errors += [f"{name} is unknown" for name in sorted(self._values.keys() - self._known)]
        lacking = sorted(set(features) - set(possible))
        if lacking:
            self._errors.append(f"the features {', '.join(lacking)} are not among {', '.join(possible)}")
        if self._errors:
            raise SettingsError(f"the analyser {self._analyzer}: " + "; ".join(self._errors))

    def _take(self, name: str) -> Any:
        self._known.add(name)
        return self._values.get(name)

    def _list(self, name: str) -> list[object] | None:
        value = self._take(name)
        return cast("list[object]", value) if isinstance(value, list) else None

    def _refuse[Value](self, name: str, value: object, allowed: str, default: Value) -> Value:
        self._errors.append(f"{name} is {value!r}, not {allowed}")
        return default
