"""Validation of configuration values; errors are collected, so that all of them are reported together."""

import re
from collections.abc import Callable, Mapping
from ipaddress import IPv4Network
from typing import Any, cast

from infra.config.sizing import Sizing, derive_sizing
from infra.core.context import PRINCIPAL_TYPES, DirectoryPrincipal
from infra.core.errors import SettingsError, SizingError

# Room for both subnets; Azure's own limit is /29: https://learn.microsoft.com/azure/virtual-network/virtual-networks-faq
_SMALLEST_NETWORK = 24
_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
# https://www.rfc-editor.org/rfc/rfc1918
_PRIVATE_RANGES = (IPv4Network("10.0.0.0/8"), IPv4Network("172.16.0.0/12"), IPv4Network("192.168.0.0/16"))


class ConfigValidator:
    """Reads and checks configuration values.

    Each method returns the value of a key, or a placeholder when the value is not allowed; `raise_if_invalid` then
    raises.

    Args:
        read: Returns the decoded value of a key, or None when it is absent.
    """

    def __init__(self, read: Callable[[str], Any]) -> None:
        self._read = read
        self._errors: dict[str, str] = {}
        self._warnings: list[str] = []

    def add_error(self, key: str, value: object, allowed: str) -> None:
        """Record that a value is not allowed; the first error of a key is reported."""
        self._errors.setdefault(key, f"{key}: {value!r} is not allowed; allowed: {allowed}")

    def string(self, key: str, pattern: str, allowed: str) -> str:
        """A string that matches `pattern`."""
        value = self._read(key)
        if isinstance(value, str) and re.fullmatch(pattern, value):
            return value
        self.add_error(key, value, allowed)
        return ""

    def integer(self, key: str, low: int, high: int) -> int:
        """A whole number from `low` to `high`."""
        value = self._read(key)
        if isinstance(value, int) and not isinstance(value, bool) and low <= value <= high:
            return value
        self.add_error(key, value, f"{low} to {high}")
        return low

    def boolean(self, key: str) -> bool:
        """True or false."""
        value = self._read(key)
        if not isinstance(value, bool):
            self.add_error(key, value, "true or false")
        return value is True

    def network(self, key: str) -> IPv4Network:
        """A private IPv4 range."""
        value = self._read(key)
        try:
            network = IPv4Network(value)
        except ValueError:
            network = None
        if (
            network
            and network.prefixlen <= _SMALLEST_NETWORK
            and any(network.subnet_of(range_) for range_ in _PRIVATE_RANGES)
        ):
            return network
        self.add_error(key, value, f"a private IPv4 range, /{_SMALLEST_NETWORK} or larger, such as 10.40.0.0/24")
        return _PRIVATE_RANGES[0]

    def sizing(
        self,
        *,
        vision_calls_per_second: int,
        calls_per_image: int,
        embeddings: bool,
        record_retention_days: int | None,
        cache_days: int,
    ) -> Sizing:
        """The sizes for the expected workload."""
        images = self.integer("imagesPerMonth", 1, 10**12)
        peak = self.integer("peakFactor", 1, 100)
        try:
            return derive_sizing(
                images_per_month=images,
                peak_factor=peak,
                vision_calls_per_second=vision_calls_per_second,
                calls_per_image=calls_per_image,
                embeddings=embeddings,
                record_retention_days=record_retention_days,
                cache_days=cache_days,
            )
        except SizingError as error:
            self.add_error("imagesPerMonth", images, f"fewer images, or shorter retention: {error}")
            return derive_sizing(images_per_month=1, peak_factor=1, vision_calls_per_second=vision_calls_per_second)

    def choice(self, key: str, allowed: tuple[str, ...]) -> str:
        """One of `allowed`."""
        return self.string(key, "|".join(map(re.escape, allowed)), " or ".join(allowed)) or allowed[0]

    def numbers(self, key: str, low: float, high: float) -> tuple[float, ...]:
        """A list of numbers from `low` to `high`, as strings: Pulumi's lists hold no fractions. It may be empty."""

        def is_allowed(item: str) -> bool:
            return re.fullmatch(r"\d+(\.\d+)?", item) is not None and low <= float(item) <= high

        strings = self.string_list(key, is_allowed, f"a list of texts from {low} to {high}")
        return tuple(float(item) for item in strings)

    def string_object(self, key: str, patterns: Mapping[str, tuple[str, str]]) -> dict[str, str] | None:
        """An object with exactly the properties of `patterns`: name, pattern, and what it allows. None when empty."""
        value: object = self._read(key)
        properties = cast("dict[object, object]", value) if isinstance(value, dict) else None
        if properties == {}:
            return None
        if properties is not None and properties.keys() == patterns.keys():
            strings = {str(name): str(text) for name, text in properties.items()}
            if all(re.fullmatch(patterns[name][0], text) for name, text in strings.items()):
                return strings
        allowed = "; ".join(f"{name}: {meaning}" for name, (_, meaning) in patterns.items())
        self.add_error(key, cast("object", value), f"nothing, or all of {allowed}")
        return None

    def string_list(self, key: str, is_allowed: Callable[[str], bool], allowed: str) -> tuple[str, ...]:
        """A list of strings that `is_allowed` accepts, each once."""
        value: object = self._read(key)
        if isinstance(value, list):
            items = cast("list[object]", value)
            strings = tuple(str(item) for item in items)
            all_allowed = all(isinstance(item, str) and is_allowed(item) for item in items)
            if all_allowed and len(set(strings)) == len(strings):
                return strings
        self.add_error(key, cast("object", value), f"{allowed}, each once")
        return ()

    def principals(self, key: str) -> tuple[DirectoryPrincipal, ...]:
        """A list of users, groups and service principals, each once, with their types."""
        value: object = self._read(key)
        items = cast("list[object]", value) if isinstance(value, list) else None
        parsed = [_parse_principal(item) for item in items or ()]
        principals = tuple(principal for principal in parsed if principal is not None)
        if items is not None and len({principal.object_id.lower() for principal in principals}) == len(items):
            return principals
        self.add_error(
            key,
            cast("object", value),
            "a list of {objectId: <GUID>, principalType: <type>}, each object id once; the type is"
            f" {' or '.join(PRINCIPAL_TYPES)} and must be stated",
        )
        return ()

    def tags(self, key: str) -> dict[str, str]:
        """Names and values that Azure accepts as a resource's tags."""
        value: object = self._read(key)
        if isinstance(value, dict):
            pairs = cast("dict[object, object]", value)
            # https://learn.microsoft.com/azure/azure-resource-manager/management/tag-resources#limitations
            if len(pairs) <= 40 and all(
                isinstance(name, str)
                and 1 <= len(name) <= 128
                and not re.search(r"[<>%&\\?/]", name)
                and isinstance(text, str)
                and len(text) <= 256
                for name, text in pairs.items()
            ):
                return {str(name): str(text) for name, text in pairs.items()}
        self.add_error(
            key, cast("object", value), r"up to 40 texts by name; names of 1 to 128 characters without <>%&\?/"
        )
        return {}

    def add_warning(self, warning: str | None) -> None:
        """Record a warning, which does not stop the deployment; None is ignored."""
        if warning is not None:
            self._warnings.append(warning)

    @property
    def warnings(self) -> tuple[str, ...]:
        """The recorded warnings, each once."""
        return tuple(dict.fromkeys(self._warnings))

    def raise_if_invalid(self) -> None:
        """Raise SettingsError if an error was recorded."""
        if self._errors:
            raise SettingsError("the stack's configuration is wrong:\n  " + "\n  ".join(self._errors.values()))


def _parse_principal(item: object) -> DirectoryPrincipal | None:
    """The principal that an item of a list describes; None when it does not describe one."""
    fields = cast("dict[object, object]", item) if isinstance(item, dict) else {}
    if fields.keys() != {"objectId", "principalType"}:
        return None
    object_id = fields["objectId"]
    if not isinstance(object_id, str) or not _GUID.fullmatch(object_id):
        return None
    for principal_type in PRINCIPAL_TYPES:
        if fields["principalType"] == principal_type:
            return DirectoryPrincipal(object_id=object_id, principal_type=principal_type)
    return None
