"""Settings of a stack: type, default, bounds and description of each, and the rules that hold between them."""

from collections.abc import Iterator
from typing import Literal

from pydantic import Field

from infra.config.access_settings import AccessSettings
from infra.config.feature_rules import feature_violations
from infra.config.field_types import (
    AspectRatios,
    ConfidencePercent,
    CustomVision,
    FeatureList,
    Language,
    NamePrefix,
    PrivateNetwork,
    Region,
    RetentionDays,
    Schedule,
    Tags,
)
from infra.config.foundry_rules import foundry_violations, foundry_warnings
from infra.config.foundry_settings import FoundrySettings
from infra.config.monitoring_settings import MonitoringSettings
from infra.config.region_checks import RegionRequirement, region_requirements, region_violations, region_warnings
from infra.config.resilience_settings import ResilienceSettings
from infra.config.retirement_rules import current_date
from infra.config.shadow_rules import shadow_violations, shadow_warnings
from infra.config.shadow_settings import ShadowSettings
from infra.config.sign_in_rules import sign_in_violations, sign_in_warnings
from infra.config.sizing import Sizing, calls_per_image, derive_sizing, quota_warnings
from infra.config.stack_config import Violation
from infra.core.analysis import FOUNDRY_ANALYZERS, AnalyzerName, successor_features
from infra.core.errors import SizingError


class Settings(ResilienceSettings, MonitoringSettings, ShadowSettings, FoundrySettings, AccessSettings):
    """Settings of one stack. infra/config/reference.py generates the configuration block of Pulumi.yaml from them."""

    location: Region = Field(
        default="northeurope",
        description="Azure region of every resource; infra/config/regions.json has what each is known to offer.",
    )
    name_prefix: NamePrefix = Field(default="imgpipe", description="Start of every resource name.")
    analyzer: AnalyzerName = Field(
        default="image-analysis",
        description=(
            "Analyzer of the images: Azure AI Vision (image-analysis), an existing project (custom-vision), a model of"
            " Microsoft Foundry (foundry-vision), or Content Understanding with such a model (content-understanding)."
        ),
    )
    custom_vision: CustomVision = Field(
        default={}, validate_default=True, description="Existing Custom Vision project, for analyzer custom-vision."
    )
    features: FeatureList = Field(
        default=("tags", "objects", "people", "read", "caption"),
        description="Features to analyze; each is billed as one transaction per image.",
    )
    language: Language = Field(
        default="en", description="Language of tags, objects and captions; captions exist in English only."
    )
    gender_neutral_captions: bool = Field(
        default=False, description="Write person and child in captions instead of man, woman, boy and girl."
    )
    smart_crop_aspect_ratios: AspectRatios = Field(
        default=(),
        description="Aspect ratios of smart crops, width divided by height; if empty, the service chooses one.",
    )
    min_confidence_percent: ConfidencePercent = Field(
        default=-1,
        description="Tags with at least this confidence become labels; -1: 50, or all without confidences.",
    )
    trigger: Literal["events", "schedule"] = Field(
        default="events",
        description="When images are analyzed: each at its upload (events), or all new ones at reconcileSchedule.",
    )
    reconcile_schedule: Schedule = Field(
        default="0 */15 * * * *",
        description="When to look for images without a record; NCRONTAB expression, in UTC.",
    )
    max_retry_age_hours: int = Field(
        default=168,
        ge=1,
        le=8760,
        description="Hours that a message is retried after transient errors before its image is recorded as failed.",
    )
    publish_results: bool = Field(
        default=True, description="Publish every result as a CloudEvent to an Event Grid topic."
    )
    copy_classified: bool = Field(
        default=False,
        description="Copy every classified image to the container classified, into a folder for its category.",
    )
    images_per_month: int = Field(
        default=5000,
        ge=1,
        le=10**12,
        description="Expected images per month; sizes the Vision accounts, Cosmos DB and the function app.",
    )
    peak_factor: int = Field(
        default=4,
        ge=1,
        le=100,
        description="Rate in the busiest hours, as a multiple of the average rate. Faster uploads wait in the queue.",
    )
    vision_calls_per_second: int = Field(
        default=10,
        ge=1,
        le=100,
        description="Calls per second that one Vision account accepts; 10 unless Microsoft has raised the limit.",
    )
    cache_days: int = Field(
        default=90,
        ge=1,
        le=3650,
        description="Days that an analysis is stored; until then, an identical image is not analyzed again.",
    )
    image_retention_days: RetentionDays = Field(
        default=0, description="Days after which an image is deleted; 0 keeps images without limit."
    )
    record_retention_days: RetentionDays = Field(
        default=0,
        description="Days after which a record is deleted; 0 keeps records without limit (and sizes for 365 days).",
    )
    network_access: Literal["public", "private"] = Field(
        default="public",
        description="Access from any network by Microsoft Entra identities (public), or by private endpoints.",
    )
    address_space: PrivateNetwork = Field(
        default="10.40.0.0/24",
        validate_default=True,
        description="Address space of the virtual network when networkAccess is private.",
    )
    tags: Tags = Field(default={}, description="Tags of every taggable resource, in addition to the program's own.")

    @property
    def min_confidence(self) -> float:
        """Tags with at least this confidence, 0 to 1, become labels; of a model that states none, all do."""
        default = 0 if self.deploys_model else 50
        return (default if self.min_confidence_percent is None else self.min_confidence_percent) / 100

    @property
    def deploys_model(self) -> bool:
        """Whether the analyzer deploys a model of Foundry."""
        return self.analyzer in FOUNDRY_ANALYZERS

    @property
    def analyzers(self) -> tuple[AnalyzerName, ...]:
        """The analyzer, and the others that are deployed beside it."""
        return (self.analyzer, *self.other_analyzers)

    @property
    def scheduled(self) -> bool:
        """Whether images are analyzed at `reconcile_schedule` instead of when they are uploaded."""
        return self.trigger == "schedule"

    @property
    def private_networking(self) -> bool:
        """Whether services are reached through private endpoints only."""
        return self.network_access == "private"

    @property
    def stores_embeddings(self) -> bool:
        """Whether records hold embeddings."""
        return "embeddings" in self.features

    @property
    def sizing(self) -> Sizing:
        """Sizes for the expected workload.

        Raises:
            SizingError: A limit of Azure would be exceeded; never for settings from `load` or `parse`.
        """
        return derive_sizing(
            images_per_month=self.images_per_month,
            peak_factor=self.peak_factor,
            vision_calls_per_second=self.vision_calls_per_second,
            calls_per_image=calls_per_image(self.features),
            embeddings=self.stores_embeddings,
            record_retention_days=self.record_retention_days,
            cache_days=self.cache_days,
            shadow_share=0.0 if self.shadow is None else self.shadow.percent / 100,
        )

    @property
    def warnings(self) -> tuple[str, ...]:
        """What may not work although it is deployed: regions that no list knows, default quotas, no sign-in."""
        quotas = quota_warnings(
            self.sizing,
            location=self.location,
            own_accounts="image-analysis" in self.analyzers,
            api_app=self.sign_in != "none",
        )
        sign_in = sign_in_warnings(sign_in=self.sign_in, application_id=self.api_application_id)
        foundry = foundry_warnings(
            analyzers=self.analyzers,
            model=self.foundry,
            stack_location=self.location,
            peak_rates={name: self.sizing.peak_rate * self.rate_share(name) for name in self.analyzers},
            features=successor_features(self.features),
            today=current_date(),
        )
        shadow = shadow_warnings(settings=self, cache_days=self.cache_days, operators=self.operators)
        regions = region_warnings(self._region_requirements, self.location)
        # Services that are in the same list of regions give the same warning.
        return tuple(dict.fromkeys([*regions, *quotas, *sign_in, *foundry, *shadow]))

    def violations(self) -> Iterator[Violation]:
        """Yield the rules between settings that are not met."""
        yield from region_violations(self._region_requirements, self.location)
        yield from feature_violations(
            features=self.features,
            language=self.language,
            analyzer=self.analyzer,
            custom_vision=self.custom_vision,
        )
        yield from foundry_violations(
            analyzer=self.analyzer,
            analyzers=self.analyzers,
            settings=self,
            features=self.features,
            gender_neutral_captions=self.gender_neutral_captions,
            min_confidence_percent=self.min_confidence_percent,
            today=current_date(),
        )
        yield from shadow_violations(
            analyzer=self.analyzer,
            settings=self,
            features=self.features,
            model=self.foundry,
            accept_retiring_model=self.accept_retiring_model,
            today=current_date(),
        )
        yield from sign_in_violations(
            sign_in=self.sign_in,
            application_id=self.api_application_id,
            redirect_uris=self.spa_redirect_uris,
            readers=self.readers,
            operators=self.operators,
        )
        try:
            _ = self.sizing
        except SizingError as error:
            yield Violation(
                setting="imagesPerMonth",
                allowed=f"fewer images, or shorter retention: {error}",
                other_settings=("peakFactor", "visionCallsPerSecond", "features", "recordRetentionDays", "cacheDays"),
            )

    @property
    def _region_requirements(self) -> list[RegionRequirement]:
        return region_requirements(
            vision_features=self.features if "image-analysis" in self.analyzers else (),
            zone_redundant=self.zone_redundant,
            cosmos_zone_redundant=self.cosmos_zone_redundant,
        )
