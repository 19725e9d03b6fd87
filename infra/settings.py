"""What a stack may be configured to: read once, checked whole, the only reader of Pulumi config."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network
from typing import Any

import pulumi

from infra.reader import Reader
from infra.sizing import Sizing

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
    uploaders: tuple[str, ...]
    operators: tuple[str, ...]
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
    role_definition_replication_seconds: int
    role_propagation_seconds: int
    tags: Mapping[str, str]

    @property
    def vectors(self) -> bool:
        """Whether records hold embeddings."""
        return "embeddings" in self.features

    @staticmethod
    def load() -> "Settings":
        """The settings of the stack being deployed; raises SettingsError naming every wrong one."""
        return Settings.parse(_from_pulumi)

    @staticmethod
    def parse(read: Callable[[str], Any]) -> "Settings":
        """Settings out of `read(key)`, which gives a decoded value or None when the key is absent."""
        reader = Reader(read)
        location = reader.text("location", r"[a-z0-9]+", "an Azure region in lower case, such as northeurope")
        analyzer = reader.choice("analyzer", ANALYZERS)
        custom_vision = reader.parts("customVision", _CUSTOM_VISION)
        features = reader.texts("features", lambda item: item in FEATURES, f"a list out of {', '.join(FEATURES)}")
        language = reader.text("language", r"[a-z]{2,3}(-[A-Za-z]+)?", "a language code, such as en")
        if location and location not in ANALYSIS_REGIONS & FLEX_REGIONS:
            allowed = ", ".join(sorted(ANALYSIS_REGIONS & FLEX_REGIONS))
            reader.refuse("location", location, f"a region with Image Analysis 4.0 and Flex Consumption: {allowed}")
        elif CAPTION_FEATURES & set(features) and location not in CAPTION_REGIONS:
            allowed = ", ".join(sorted(CAPTION_REGIONS & FLEX_REGIONS))
            reader.refuse("features", list(features), f"no captions in {location}; regions that have them: {allowed}")
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
            uploaders=reader.object_ids("uploaders"),
            operators=reader.object_ids("operators"),
            api_audience=reader.text(
                "apiAudience", r"([a-z]+://[^\s]+|[0-9a-f-]{36})?", "an application id URI or GUID"
            ),
            sizing=reader.sizing(vision_calls_per_second=calls, calls_per_image=_calls_per_image(features)),
            vision_calls_per_second=calls,
            cache_days=reader.integer("cacheDays", 1, 3650),
            image_retention_days=reader.integer("imageRetentionDays", 0, 3650) or None,
            record_retention_days=reader.integer("recordRetentionDays", 0, 3650) or None,
            log_retention_days=reader.integer("logRetentionDays", 30, 730),
            alert_email=reader.text("alertEmail", r"([^@\s]+@[^@\s]+\.[^@\s]+)?", "an e-mail address, or nothing")
            or None,
            monthly_budget=reader.integer("monthlyBudget", 1, 100_000_000),
            private=reader.choice("networkAccess", ("public", "private")) == "private",
            address_space=reader.network("addressSpace"),
            protect_data=reader.boolean("protectData"),
            zone_redundant=reader.boolean("zoneRedundant"),
            role_definition_replication_seconds=reader.integer("roleDefinitionReplicationSeconds", 0, 600),
            role_propagation_seconds=reader.integer("rolePropagationSeconds", 0, 900),
            tags=reader.tags("tags"),
        )
        reader.finish()
        return settings


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
