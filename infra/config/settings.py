"""What a stack may be configured to: read once, checked whole, the only reader of Pulumi config."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network
from typing import Any

import pulumi

from infra.config.regions import (
    AVAILABILITY_ZONES,
    CAPTIONS,
    EMBEDDINGS,
    FLEX_CONSUMPTION,
    FLEX_ZONE_REDUNDANCY,
    GEO_ZONE_REDUNDANT_STORAGE,
    IMAGE_ANALYSIS,
    RegionList,
)
from infra.config.sizing import Sizing, quota_warnings
from infra.config.validation import Reader
from infra.core.principals import DirectoryPrincipal

VISUAL_FEATURES = ("tags", "objects", "people", "read", "smartCrops", "caption", "denseCaptions")
FEATURES = (*VISUAL_FEATURES, "safety", "embeddings")
ANALYZERS = ("image-analysis", "custom-vision")
CAPTION_FEATURES = frozenset({"caption", "denseCaptions"})
_TEXTS = frozenset(
    {
        "location", "namePrefix", "alertEmail", "networkAccess", "addressSpace", "analyzer", "language", "trigger",
        "reconcileSchedule", "apiAudience",
    }
)  # fmt: skip
# What a stack says of a Custom Vision project that is there: each part's pattern and what it allows.
_CUSTOM_VISION = {
    "accountId": (
        r"/subscriptions/[^/]+/resourceGroups/[^/]+/providers/Microsoft\.CognitiveServices/accounts/[^/]+",
        "the prediction account's ARM id",
    ),
    "endpoint": (r"https://[a-z0-9-]+\.cognitiveservices\.azure\.com/?", "the account's own URL"),
    "project": (r"[^/]+", "the project's id"),
    "iteration": (r"[^/]+", "the name under which the iteration is published"),
    "task": ("multiclass|multilabel|detection", "multiclass, multilabel or detection"),
}
# Six fields, seconds first; Flex Consumption takes no time spans:
# https://learn.microsoft.com/azure/azure-functions/functions-bindings-timer#ncrontab-expressions
_SCHEDULE = r"[0-9*,/A-Za-z-]+( [0-9*,/A-Za-z-]+){5}"


@dataclass(frozen=True, kw_only=True)
class Settings:
    """One stack's settings, already checked."""

    location: str
    name_prefix: str
    analyzer: str
    custom_vision: Mapping[str, str] | None
    features: tuple[str, ...]
    language: str
    gender_neutral_captions: bool
    smart_crop_aspect_ratios: tuple[float, ...]
    min_confidence: float
    scheduled: bool
    reconcile_schedule: str
    patience_hours: int
    publish_results: bool
    copy_classified: bool
    uploaders: tuple[DirectoryPrincipal, ...]
    operators: tuple[DirectoryPrincipal, ...]
    api_audience: str
    sizing: Sizing
    vision_calls_per_second: int
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
    cosmos_zone_redundant: bool
    role_definition_replication_seconds: int
    role_propagation_seconds: int
    tags: Mapping[str, str]
    warnings: tuple[str, ...]

    @property
    def vectors(self) -> bool:
        """Whether records hold embeddings."""
        return "embeddings" in self.features

    @staticmethod
    def load() -> "Settings":
        """The settings of the stack being deployed, after logging their warnings.

        Raises SettingsError naming every wrong one.
        """
        settings = Settings.parse(_from_pulumi)
        for warning in settings.warnings:
            pulumi.log.warn(warning)
        return settings

    @staticmethod
    def parse(read: Callable[[str], Any]) -> "Settings":
        """Settings out of `read(key)`, which gives a decoded value or None when the key is absent."""
        reader = Reader(read)
        location = reader.text("location", r"[a-z0-9]+", "an Azure region in lower case, such as northeurope")
        analyzer = reader.choice("analyzer", ANALYZERS)
        custom_vision = reader.parts("customVision", _CUSTOM_VISION)
        features = reader.texts("features", lambda item: item in FEATURES, f"a list out of {', '.join(FEATURES)}")
        language = reader.text("language", r"[a-z]{2,3}(-[A-Za-z]+)?", "a language code, such as en")
        zone_redundant = reader.boolean("zoneRedundant")
        cosmos_zone_redundant = reader.boolean("cosmosZoneRedundant")
        if location:
            _check_regions(
                reader,
                location,
                features if analyzer == "image-analysis" else (),
                zone_redundant=zone_redundant,
                cosmos_zone_redundant=cosmos_zone_redundant,
            )
        if not features:
            reader.refuse("features", [], f"at least one of {', '.join(FEATURES)}")
        if CAPTION_FEATURES & set(features) and language != "en":
            # https://learn.microsoft.com/azure/ai-services/computer-vision/language-support#image-analysis
            reader.refuse("language", language, "en, the only language of captions")
        if (analyzer == "custom-vision") != (custom_vision is not None):
            reader.refuse("customVision", custom_vision or {}, "the project, with analyzer custom-vision and only then")
        if custom_vision is not None:
            possible = {"tags", "objects"} if custom_vision["task"] == "detection" else {"tags"}
            if set(features) - possible:
                reader.refuse(
                    "features", list(features), f"of this Custom Vision project: {', '.join(sorted(possible))}"
                )
        calls = reader.integer("visionCallsPerSecond", 1, 100)
        cache_days = reader.integer("cacheDays", 1, 3650)
        record_retention_days = reader.integer("recordRetentionDays", 0, 3650) or None
        sizing = reader.sizing(
            vision_calls_per_second=calls,
            calls_per_image=_calls_per_image(features),
            embeddings="embeddings" in features,
            record_retention_days=record_retention_days,
            cache_days=cache_days,
        )
        for warning in quota_warnings(sizing, location=location, own_accounts=analyzer == "image-analysis"):
            reader.warn(warning)
        settings = Settings(
            location=location,
            name_prefix=reader.text(
                "namePrefix", r"[a-z][a-z0-9]{1,9}", "2 to 10 lower-case letters and digits, a letter first"
            ),
            analyzer=analyzer,
            custom_vision=custom_vision,
            features=features,
            language=language,
            gender_neutral_captions=reader.boolean("genderNeutralCaptions"),
            # https://learn.microsoft.com/azure/ai-services/computer-vision/concept-generate-thumbnails-40
            smart_crop_aspect_ratios=reader.numbers("smartCropAspectRatios", 0.75, 1.8),
            scheduled=reader.choice("trigger", ("events", "schedule")) == "schedule",
            reconcile_schedule=reader.text(
                "reconcileSchedule", _SCHEDULE, "six fields, seconds first, such as 0 */15 * * * *"
            ),
            patience_hours=reader.integer("patienceHours", 1, 8760),
            publish_results=reader.boolean("publishResults"),
            copy_classified=reader.boolean("copyClassified"),
            min_confidence=reader.integer("minConfidencePercent", 0, 100) / 100,
            uploaders=reader.principals("uploaders"),
            operators=reader.principals("operators"),
            api_audience=reader.text(
                "apiAudience", r"([a-z]+://[^\s]+|[0-9a-f-]{36})?", "an application id URI or GUID"
            ),
            sizing=sizing,
            vision_calls_per_second=calls,
            cache_days=cache_days,
            image_retention_days=reader.integer("imageRetentionDays", 0, 3650) or None,
            record_retention_days=record_retention_days,
            log_retention_days=reader.integer("logRetentionDays", 30, 730),
            alert_email=reader.text("alertEmail", r"([^@\s]+@[^@\s]+\.[^@\s]+)?", "an e-mail address, or nothing")
            or None,
            monthly_budget=reader.integer("monthlyBudget", 1, 100_000_000),
            private=reader.choice("networkAccess", ("public", "private")) == "private",
            address_space=reader.network("addressSpace"),
            protect_data=reader.boolean("protectData"),
            zone_redundant=zone_redundant,
            cosmos_zone_redundant=cosmos_zone_redundant,
            role_definition_replication_seconds=reader.integer("roleDefinitionReplicationSeconds", 0, 600),
            role_propagation_seconds=reader.integer("rolePropagationSeconds", 0, 900),
            tags=reader.tags("tags"),
            warnings=reader.warnings,
        )
        reader.finish()
        return settings


def _check_regions(
    reader: Reader, location: str, features: Sequence[str], *, zone_redundant: bool, cosmos_zone_redundant: bool
) -> None:
    """Refuses what Azure is known not to have in `location`, and warns of what it is not known to have there.

    `features` are those of Vision accounts in `location`.
    """
    needed: list[tuple[RegionList, str, object]] = [(FLEX_CONSUMPTION, "location", location)]
    if set(features) & set(VISUAL_FEATURES):
        needed.append((IMAGE_ANALYSIS, "location", location))
    if CAPTION_FEATURES & set(features):
        needed.append((CAPTIONS, "features", [*features]))
    if "embeddings" in features:
        needed.append((EMBEDDINGS, "features", [*features]))
    if zone_redundant:
        zones = (AVAILABILITY_ZONES, FLEX_ZONE_REDUNDANCY, GEO_ZONE_REDUNDANT_STORAGE)
        needed.extend((regions, "zoneRedundant", True) for regions in zones)
    if cosmos_zone_redundant:
        needed.append((AVAILABILITY_ZONES, "cosmosZoneRedundant", True))
    for regions, key, value in needed:
        refusal = regions.refusal(location)
        if refusal is not None:
            reader.refuse(key, value, refusal)
        reader.warn(regions.warning(location))


def _calls_per_image(features: Sequence[str]) -> int:
    """One for all visual features together, and one for each of the others."""
    return max(1, bool(set(features) & set(VISUAL_FEATURES)) + len(set(features) - set(VISUAL_FEATURES)))


def _from_pulumi(key: str) -> Any:
    """The value as the stack file has it: Pulumi hands over texts as they are, and everything else as JSON."""
    text = pulumi.Config().get(key)
    if text is None or key in _TEXTS:
        return text
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text  # of the wrong type; Pulumi checks some types itself, and the reader all of them
