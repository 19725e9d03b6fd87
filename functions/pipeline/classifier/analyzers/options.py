"""Options of an analyzer, validated strictly: one error names all that are missing, wrong or unknown."""

from collections.abc import Mapping, Sequence
from typing import cast

from classifier.domain.rate_limiter import Quota
from classifier.settings import SettingsError


class Options:
    """The options of the analyzer called `analyzer`; `raise_if_invalid` raises for all that are wrong."""

    def __init__(self, values: Mapping[str, object], analyzer: str) -> None:
        self._values = values
        self._analyzer = analyzer
        self._known: set[str] = set()
        self._errors: list[str] = []

    def text(self, name: str) -> str:
        """Return a non-empty string."""
        value = self._take(name)
        return value if isinstance(value, str) and value else self._add_error(name, value, "a text", "")

    def boolean(self, name: str) -> bool:
        """Return a Boolean."""
        value = self._take(name)
        return value if isinstance(value, bool) else self._add_error(name, value, "true or false", default=False)

    def number(self, name: str) -> float:
        """Return a number over 0."""
        value = self._take(name)
        if isinstance(value, int | float) and not isinstance(value, bool) and value > 0:
            return float(value)
        return self._add_error(name, value, "a number over 0", 1.0)

    def texts(self, name: str) -> list[str]:
        """Return a non-empty list of strings."""
        items = self._list(name)
        if items and all(isinstance(item, str) and item for item in items):
            return [str(item) for item in items]
        return self._add_error(name, items, "a list of texts", [""])

    def numbers(self, name: str) -> list[float]:
        """Return a list of numbers; it may be empty."""
        items = self._list(name)
        if items is not None and all(isinstance(item, int | float) for item in items):
            return [float(cast("float", item)) for item in items]
        return self._add_error(name, items, "a list of numbers", [0.0])

    def choice(self, name: str, allowed: Sequence[str]) -> str:
        """Return one of `allowed`."""
        value = self._take(name)
        return (
            str(value) if value in allowed else self._add_error(name, value, f"one of {', '.join(allowed)}", allowed[0])
        )

    def quota(self) -> Quota:
        """Return the quota of one account, which every analyzer has."""
        return Quota(calls_per_second=self.number("callsPerSecond"), instances=round(self.number("instances")))

    def raise_if_invalid(self, features: Sequence[str], supported: Sequence[str]) -> None:
        """Raise SettingsError if options are wrong, or if there are features that the analyzer does not support."""
        self._errors += [f"{name} is unknown" for name in sorted(self._values.keys() - self._known)]
        unsupported = sorted(set(features) - set(supported))
        if unsupported:
            self._errors.append(f"the features {', '.join(unsupported)} are not among {', '.join(supported)}")
        if self._errors:
            raise SettingsError(f"the analyzer {self._analyzer}: " + "; ".join(self._errors))

    def _take(self, name: str) -> object:
        self._known.add(name)
        return self._values.get(name)

    def _list(self, name: str) -> list[object] | None:
        value = self._take(name)
        return cast("list[object]", value) if isinstance(value, list) else None

    def _add_error[Value](self, name: str, value: object, allowed: str, default: Value) -> Value:
        self._errors.append(f"{name} is {value!r}, not {allowed}")
        return default
