"""What a stack may be configured to: read once, checked whole, the only reader of Pulumi config."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Network
from typing import Any, cast

import pulumi

from infra.sizing import Sizing, SizingError, derive

# https://learn.microsoft.com/azure/ai-services/computer-vision/overview-image-analysis (regions, 2026 copy)
CAPTION_REGIONS = frozenset(
    {"eastus", "westus", "francecentral", "northeurope", "westeurope", "southeastasia", "eastasia", "koreacentral"}
)
ANALYSIS_REGIONS = CAPTION_REGIONS | {"westus2", "swedencentral", "switzerlandnorth", "australiaeast", "japaneast"}
# `az functionapp list-flexconsumption-locations` prints the current list; this one is of 2026-11.
FLEX_REGIONS = frozenset(
    {
        "northeurope", "westeurope", "southeastasia", "eastasia", "eastus", "eastus2", "southcentralus", "westus2",
        "westus3", "uksouth", "swedencentral", "australiaeast", "brazilsouth", "canadaeast", "koreacentral",
    }
)  # fmt: skip
FEATURES = ("tags", "objects", "people", "read", "smartCrops", "caption", "denseCaptions")
CAPTION_FEATURES = frozenset({"caption", "denseCaptions"})
_TEXTS = frozenset({"location", "namePrefix", "alertEmail", "networkAccess", "addressSpace"})
# Room for both subnets; Azure's own limit is /29: https://learn.microsoft.com/azure/virtual-network/virtual-networks-faq
_SMALLEST_NETWORK = 24
# https://www.rfc-editor.org/rfc/rfc1918
_PRIVATE_RANGES = tuple(map(IPv4Network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")))
_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


class SettingsError(pulumi.RunError):
    """Every setting that is wrong, one line each: its key, its value and what is allowed.

    Pulumi shows a RunError's text alone, without a stack trace.
    """


@dataclass(frozen=True, kw_only=True)
class Settings:
    """One stack's settings, already checked."""

    location: str
    name_prefix: str
    features: tuple[str, ...]
    min_confidence: float
    uploaders: tuple[str, ...]
    sizing: Sizing
    cache_days: int
    image_retention_days: int | None
    record_retention_days: int | None
    log_retention_days: int
    alert_email: str | None
    monthly_budget: int
    private: bool
    address_space: IPv4Network
    protect_data: bool
    zone_redundant: bool
    role_propagation_seconds: int
    tags: Mapping[str, str]

    @staticmethod
    def load() -> "Settings":
        """The settings of the stack being deployed; raises SettingsError naming every wrong one."""
        return Settings.parse(_from_pulumi)

    @staticmethod
    def parse(read: Callable[[str], Any]) -> "Settings":
        """Settings out of `read(key)`, which gives a decoded value or None when the key is absent."""
        reader = _Reader(read)
        location = reader.text("location", r"[a-z0-9]+", "an Azure region in lower case, such as northeurope")
        features = reader.texts("features", lambda item: item in FEATURES, f"a list out of {', '.join(FEATURES)}")
        if location and location not in ANALYSIS_REGIONS & FLEX_REGIONS:
            allowed = ", ".join(sorted(ANALYSIS_REGIONS & FLEX_REGIONS))
            reader.refuse("location", location, f"a region with Image Analysis 4.0 and Flex Consumption: {allowed}")
        elif CAPTION_FEATURES & set(features) and location not in CAPTION_REGIONS:
            allowed = ", ".join(sorted(CAPTION_REGIONS & FLEX_REGIONS))
            reader.refuse("features", list(features), f"no captions in {location}; regions that have them: {allowed}")
        if not features:
            reader.refuse("features", [], f"at least one of {', '.join(FEATURES)}")
        settings = Settings(
            location=location,
            name_prefix=reader.text(
                "namePrefix", r"[a-z][a-z0-9]{1,9}", "2 to 10 lower-case letters and digits, a letter first"
            ),
            features=features,
            min_confidence=reader.integer("minConfidencePercent", 0, 100) / 100,
            uploaders=reader.texts(
                "uploaders", lambda item: bool(_GUID.fullmatch(item)), "a list of object ids (GUIDs)"
            ),
            sizing=reader.sizing(),
            cache_days=reader.integer("cacheDays", 1, 3650),
            image_retention_days=reader.integer("imageRetentionDays", 0, 3650) or None,
            record_retention_days=reader.integer("recordRetentionDays", 0, 3650) or None,
            log_retention_days=reader.integer("logRetentionDays", 30, 730),
            alert_email=reader.text("alertEmail", r"([^@\s]+@[^@\s]+\.[^@\s]+)?", "an e-mail address, or nothing")
            or None,
            monthly_budget=reader.integer("monthlyBudget", 1, 100_000_000),
            private=reader.text("networkAccess", "public|private", "public or private") == "private",
            address_space=reader.network("addressSpace"),
            protect_data=reader.boolean("protectData"),
            zone_redundant=reader.boolean("zoneRedundant"),
            role_propagation_seconds=reader.integer("rolePropagationSeconds", 0, 900),
            tags=reader.tags("tags"),
        )
        reader.finish()
        return settings


def _from_pulumi(key: str) -> Any:
    """The value as the stack file has it: Pulumi hands over texts as they are, and everything else as JSON."""
    text = pulumi.Config().get(key)
    if text is None or key in _TEXTS:
        return text
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text  # of the wrong type; Pulumi checks some types itself, and the reader all of them


class _Reader:
    """Reads values and collects complaints, so that all of them are reported together."""

    def __init__(self, read: Callable[[str], Any]) -> None:
        self._read = read
        self._errors: dict[str, str] = {}

    def refuse(self, key: str, value: object, allowed: str) -> None:
        self._errors.setdefault(key, f"{key}: {value!r} is not allowed; allowed: {allowed}")

    def text(self, key: str, pattern: str, allowed: str) -> str:
        value = self._read(key)
        if isinstance(value, str) and re.fullmatch(pattern, value):
            return value
        self.refuse(key, value, allowed)
        return ""

    def integer(self, key: str, low: int, high: int) -> int:
        value = self._read(key)
        if isinstance(value, int) and not isinstance(value, bool) and low <= value <= high:
            return value
        self.refuse(key, value, f"{low} to {high}")
        return low

    def boolean(self, key: str) -> bool:
        value = self._read(key)
        if not isinstance(value, bool):
            self.refuse(key, value, "true or false")
        return value is True

    def network(self, key: str) -> IPv4Network:
        value = self._read(key)
        try:
            network = IPv4Network(value)
        except ValueError:
            network = None
        if network and network.prefixlen <= _SMALLEST_NETWORK and any(map(network.subnet_of, _PRIVATE_RANGES)):
            return network
        self.refuse(key, value, f"a private IPv4 range, /{_SMALLEST_NETWORK} or larger, such as 10.40.0.0/24")
        return _PRIVATE_RANGES[0]

    def sizing(self) -> Sizing:
        images = self.integer("imagesPerMonth", 1, 10**12)
        peak = self.integer("peakFactor", 1, 100)
        calls = self.integer("visionCallsPerSecond", 1, 100)
        try:
            return derive(images_per_month=images, peak_factor=peak, vision_calls_per_second=calls)
        except SizingError as error:
            self.refuse("imagesPerMonth", images, f"fewer images: {error}")
            return derive(images_per_month=1, peak_factor=1, vision_calls_per_second=calls)

    def texts(self, key: str, accept: Callable[[str], bool], allowed: str) -> tuple[str, ...]:
        value: object = self._read(key)
        if isinstance(value, list):
            items = cast("list[object]", value)
            if all(isinstance(item, str) and accept(item) for item in items) and len(set(map(str, items))) == len(
                items
            ):
                return tuple(map(str, items))
        self.refuse(key, cast("object", value), f"{allowed}, each once")
        return ()

    def tags(self, key: str) -> dict[str, str]:
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

    def finish(self) -> None:
        if self._errors:
            raise SettingsError("the stack's configuration is wrong:\n  " + "\n  ".join(self._errors.values()))
