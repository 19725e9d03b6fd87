"""Reading settings: values are checked one by one, and complaints collected, so that all are reported together."""

import re
from collections.abc import Callable, Mapping
from ipaddress import IPv4Network
from typing import Any, cast

import pulumi

from infra.config.sizing import Sizing, SizingError, derive
from infra.core.principals import PRINCIPAL_TYPES, DirectoryPrincipal

# Room for both subnets; Azure's own limit is /29: https://learn.microsoft.com/azure/virtual-network/virtual-networks-faq
_SMALLEST_NETWORK = 24
_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
# https://www.rfc-editor.org/rfc/rfc1918
_PRIVATE_RANGES = tuple(map(IPv4Network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")))


class SettingsError(pulumi.RunError):
    """Every setting that is wrong, one line each: its key, its value and what is allowed.

    Pulumi shows a RunError's text alone, without a stack trace.
    """


class Reader:
    """Reads settings by `read(key)`, which gives a decoded value or None when the key is absent."""

    def __init__(self, read: Callable[[str], Any]) -> None:
        self._read = read
        self._errors: dict[str, str] = {}
        self._warnings: list[str] = []

    def refuse(self, key: str, value: object, allowed: str) -> None:
        """Notes that a value is not allowed; the first complaint about a key counts."""
        self._errors.setdefault(key, f"{key}: {value!r} is not allowed; allowed: {allowed}")

    def text(self, key: str, pattern: str, allowed: str) -> str:
        """A text that matches `pattern`."""
        value = self._read(key)
        if isinstance(value, str) and re.fullmatch(pattern, value):
            return value
        self.refuse(key, value, allowed)
        return ""

    def integer(self, key: str, low: int, high: int) -> int:
        """A whole number from `low` to `high`."""
        value = self._read(key)
        if isinstance(value, int) and not isinstance(value, bool) and low <= value <= high:
            return value
        self.refuse(key, value, f"{low} to {high}")
        return low

    def boolean(self, key: str) -> bool:
        """True or false."""
        value = self._read(key)
        if not isinstance(value, bool):
            self.refuse(key, value, "true or false")
        return value is True

    def network(self, key: str) -> IPv4Network:
        """A private range of addresses."""
        value = self._read(key)
        try:
            network = IPv4Network(value)
        except ValueError:
            network = None
        if network and network.prefixlen <= _SMALLEST_NETWORK and any(map(network.subnet_of, _PRIVATE_RANGES)):
            return network
        self.refuse(key, value, f"a private IPv4 range, /{_SMALLEST_NETWORK} or larger, such as 10.40.0.0/24")
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
        """What the expected workload needs."""
        images = self.integer("imagesPerMonth", 1, 10**12)
        peak = self.integer("peakFactor", 1, 100)
        try:
            return derive(
                images_per_month=images,
                peak_factor=peak,
                vision_calls_per_second=vision_calls_per_second,
                calls_per_image=calls_per_image,
                embeddings=embeddings,
                record_retention_days=record_retention_days,
                cache_days=cache_days,
            )
        except SizingError as error:
            self.refuse("imagesPerMonth", images, f"fewer images, or shorter retention: {error}")
            return derive(images_per_month=1, peak_factor=1, vision_calls_per_second=vision_calls_per_second)

    def choice(self, key: str, allowed: tuple[str, ...]) -> str:
        """One of `allowed`."""
        return self.text(key, "|".join(map(re.escape, allowed)), " or ".join(allowed)) or allowed[0]

    def numbers(self, key: str, low: float, high: float) -> tuple[float, ...]:
        """A list of numbers from `low` to `high`, as texts: Pulumi's lists hold no fractions. It may be empty."""

        def accept(item: str) -> bool:
            return re.fullmatch(r"\d+(\.\d+)?", item) is not None and low <= float(item) <= high

        return tuple(map(float, self.texts(key, accept, f"a list of texts from {low} to {high}")))

    def parts(self, key: str, patterns: Mapping[str, tuple[str, str]]) -> dict[str, str] | None:
        """An object of exactly these texts, by name: the pattern of each and what it allows. None when it is empty."""
        value: object = self._read(key)
        given = cast("dict[object, object]", value) if isinstance(value, dict) else None
        if given == {}:
            return None
        if given is not None and given.keys() == patterns.keys():
            parts = {str(name): str(part) for name, part in given.items()}
            wrong = [name for name, part in parts.items() if not re.fullmatch(patterns[name][0], part)]
            if not wrong:
                return parts
        allowed = "; ".join(f"{name}: {meaning}" for name, (_, meaning) in patterns.items())
        self.refuse(key, cast("object", value), f"nothing, or all of {allowed}")
        return None

    def texts(self, key: str, accept: Callable[[str], bool], allowed: str) -> tuple[str, ...]:
        """A list of texts that `accept` takes, each once."""
        value: object = self._read(key)
        if isinstance(value, list):
            items = cast("list[object]", value)
            if all(isinstance(item, str) and accept(item) for item in items) and len(set(map(str, items))) == len(
                items
            ):
                return tuple(map(str, items))
        self.refuse(key, cast("object", value), f"{allowed}, each once")
        return ()

    def principals(self, key: str) -> tuple[DirectoryPrincipal, ...]:
        """A list of users, groups and service principals, each once, with their types."""
        value: object = self._read(key)
        items = cast("list[object]", value) if isinstance(value, list) else None
        principals = [_principal(item) for item in items or ()]
        found = tuple(principal for principal in principals if principal is not None)
        if items is not None and len({principal.object_id.lower() for principal in found}) == len(items):
            return found
        self.refuse(
            key,
            cast("object", value),
            "a list of {objectId: <GUID>, principalType: <type>}, each object id once; the type is"
            f" {' or '.join(PRINCIPAL_TYPES)} and must be stated",
        )
        return ()

    def tags(self, key: str) -> dict[str, str]:
        """Names and values that Azure takes as a resource's tags."""
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
        self.refuse(key, cast("object", value), r"up to 40 texts by name; names of 1 to 128 characters without <>%&\?/")
        return {}

    def warn(self, warning: str | None) -> None:
        """Notes something that does not stop the deployment; None is nothing."""
        if warning is not None:
            self._warnings.append(warning)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What has been noted by `warn`, each once."""
        return tuple(dict.fromkeys(self._warnings))

    def finish(self) -> None:
        """Raises SettingsError if there were complaints."""
        if self._errors:
            raise SettingsError("the stack's configuration is wrong:\n  " + "\n  ".join(self._errors.values()))


def _principal(item: object) -> DirectoryPrincipal | None:
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
