"""Settings of a stack: the only reader of Pulumi config; all values are checked before the first resource."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network
from typing import Any

import pulumi

from infra.config.region_checks import check_regions
from infra.config.sizing import Sizing, quota_warnings
from infra.config.validation import ConfigValidator
from infra.core.analysis import ANALYZERS, CAPTION_FEATURES, FEATURES, VISUAL_FEATURES, CustomVisionProject
from infra.core.context import DirectoryPrincipal

# Keys whose values are strings; Pulumi passes all others as JSON.
_STRING_KEYS = frozenset(
    {
        "location",
        "namePrefix",
        "alertEmail",
        "networkAccess",
        "addressSpace",
        "analyzer",
        "language",
        "trigger",
        "reconcileSchedule",
        "apiAudience",
    }
)
# Properties of `customVision`: pattern, and what it allows.
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
    """Checked settings of one stack; Pulumi.yaml describes them."""

    location: str
    name_prefix: str
    analyzer: str
    custom_vision: CustomVisionProject | None
    features: tuple[str, ...]
    language: str
    gender_neutral_captions: bool
    smart_crop_aspect_ratios: tuple[float, ...]
    min_confidence: float
    scheduled: bool
    reconcile_schedule: str
    max_retry_age_hours: int
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
    private_networking: bool
    address_space: IPv4Network
    protect_data: bool
    zone_redundant: bool
    cosmos_zone_redundant: bool
    role_definition_replication_seconds: int
    role_propagation_seconds: int
    tags: Mapping[str, str]
    warnings: tuple[str, ...]

    @property
    def stores_embeddings(self) -> bool:
        """Whether records hold embeddings."""
        return "embeddings" in self.features

    @staticmethod
    def load() -> "Settings":
        """Read the settings of the stack being deployed, and log their warnings.

        Raises:
            SettingsError: At least one is not allowed; the text names all of them.
        """
        settings = Settings.parse(_from_pulumi)
        for warning in settings.warnings:
            pulumi.log.warn(warning)
        return settings

    @staticmethod
    def parse(read: Callable[[str], Any]) -> "Settings":
        """Parse settings.

        Args:
            read: Returns the decoded value of a key, or None when it is absent.

        Raises:
            SettingsError: At least one is not allowed; the text names all of them.
        """
        validator = ConfigValidator(read)
        location = validator.string("location", r"[a-z0-9]+", "an Azure region in lower case, such as northeurope")
        analyzer = validator.choice("analyzer", ANALYZERS)
        custom_vision = _parse_custom_vision(validator)
        features = validator.string_list(
            "features", lambda item: item in FEATURES, f"a list out of {', '.join(FEATURES)}"
        )
        language = validator.string("language", r"[a-z]{2,3}(-[A-Za-z]+)?", "a language code, such as en")
        zone_redundant = validator.boolean("zoneRedundant")
        cosmos_zone_redundant = validator.boolean("cosmosZoneRedundant")
        if location:
            check_regions(
                validator,
                location,
                features if analyzer == "image-analysis" else (),
                zone_redundant=zone_redundant,
                cosmos_zone_redundant=cosmos_zone_redundant,
            )
        if not features:
            validator.add_error("features", [], f"at least one of {', '.join(FEATURES)}")
        if CAPTION_FEATURES & set(features) and language != "en":
            # https://learn.microsoft.com/azure/ai-services/computer-vision/language-support#image-analysis
            validator.add_error("language", language, "en, the only language of captions")
        if (analyzer == "custom-vision") != (custom_vision is not None):
            validator.add_error(
                "customVision", read("customVision"), "the project, with analyzer custom-vision and only then"
            )
        if custom_vision is not None:
            possible = {"tags", "objects"} if custom_vision.task == "detection" else {"tags"}
            if set(features) - possible:
                validator.add_error(
                    "features", list(features), f"of this Custom Vision project: {', '.join(sorted(possible))}"
                )
        calls = validator.integer("visionCallsPerSecond", 1, 100)
        cache_days = validator.integer("cacheDays", 1, 3650)
        record_retention_days = validator.integer("recordRetentionDays", 0, 3650) or None
        sizing = validator.sizing(
            vision_calls_per_second=calls,
            calls_per_image=_calls_per_image(features),
            embeddings="embeddings" in features,
            record_retention_days=record_retention_days,
            cache_days=cache_days,
        )
        for warning in quota_warnings(sizing, location=location, own_accounts=analyzer == "image-analysis"):
            validator.add_warning(warning)
        settings = Settings(
            location=location,
            name_prefix=validator.string(
                "namePrefix", r"[a-z][a-z0-9]{1,9}", "2 to 10 lower-case letters and digits, a letter first"
            ),
            analyzer=analyzer,
            custom_vision=custom_vision,
            features=features,
            language=language,
            gender_neutral_captions=validator.boolean("genderNeutralCaptions"),
            # https://learn.microsoft.com/azure/ai-services/computer-vision/concept-generate-thumbnails-40
            smart_crop_aspect_ratios=validator.numbers("smartCropAspectRatios", 0.75, 1.8),
            scheduled=validator.choice("trigger", ("events", "schedule")) == "schedule",
            reconcile_schedule=validator.string(
                "reconcileSchedule", _SCHEDULE, "six fields, seconds first, such as 0 */15 * * * *"
            ),
            max_retry_age_hours=validator.integer("maxRetryAgeHours", 1, 8760),
            publish_results=validator.boolean("publishResults"),
            copy_classified=validator.boolean("copyClassified"),
            min_confidence=validator.integer("minConfidencePercent", 0, 100) / 100,
            uploaders=validator.principals("uploaders"),
            operators=validator.principals("operators"),
            api_audience=validator.string(
                "apiAudience", r"([a-z]+://[^\s]+|[0-9a-f-]{36})?", "an application id URI or GUID"
            ),
            sizing=sizing,
            vision_calls_per_second=calls,
            cache_days=cache_days,
            image_retention_days=validator.integer("imageRetentionDays", 0, 3650) or None,
            record_retention_days=record_retention_days,
            log_retention_days=validator.integer("logRetentionDays", 30, 730),
            alert_email=validator.string("alertEmail", r"([^@\s]+@[^@\s]+\.[^@\s]+)?", "an e-mail address, or nothing")
            or None,
            monthly_budget=validator.integer("monthlyBudget", 1, 100_000_000),
            private_networking=validator.choice("networkAccess", ("public", "private")) == "private",
            address_space=validator.network("addressSpace"),
            protect_data=validator.boolean("protectData"),
            zone_redundant=zone_redundant,
            cosmos_zone_redundant=cosmos_zone_redundant,
            role_definition_replication_seconds=validator.integer("roleDefinitionReplicationSeconds", 0, 600),
            role_propagation_seconds=validator.integer("rolePropagationSeconds", 0, 900),
            tags=validator.tags("tags"),
            warnings=validator.warnings,
        )
        validator.raise_if_invalid()
        return settings


def _parse_custom_vision(validator: ConfigValidator) -> CustomVisionProject | None:
    """The existing project that `customVision` names; None when it is empty."""
    properties = validator.string_object("customVision", _CUSTOM_VISION)
    if properties is None:
        return None
    return CustomVisionProject(
        account_id=properties["accountId"],
        endpoint=properties["endpoint"],
        project_id=properties["project"],
        iteration=properties["iteration"],
        task=properties["task"],
    )


def _calls_per_image(features: Sequence[str]) -> int:
    """One for all visual features together, and one for each of the others."""
    calls = len(set(features) - set(VISUAL_FEATURES))
    if set(features) & set(VISUAL_FEATURES):
        calls += 1
    return max(1, calls)


def _from_pulumi(key: str) -> Any:
    """The value as the stack file has it: Pulumi passes strings as they are, and everything else as JSON."""
    text = pulumi.Config().get(key)
    if text is None or key in _STRING_KEYS:
        return text
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text  # of the wrong type; Pulumi checks some types itself, and the validator all of them
