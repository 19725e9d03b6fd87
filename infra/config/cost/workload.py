"""What the estimate depends on: the workload, and what the stack's settings make of it."""

from dataclasses import dataclass

from infra.config.content_understanding_sizing import size_content_understanding
from infra.config.settings import Settings
from infra.config.sizing import DAYS_PER_MONTH, DEFAULT_RETENTION_DAYS, Sizing, calls_per_image, derive_sizing
from infra.core.analysis import AnalyzerName, Feature, FoundryModel, successor_features

# Average size of an image in the sample cost profiles of Microsoft's image classification scenario:
# https://learn.microsoft.com/azure/architecture/ai-ml/idea/intelligent-apps-image-processing
DEFAULT_IMAGE_KB = 100.0
# Requests to the API for an image, an assumption: one for the permission to upload it, two until its record is there,
# and two for lists, searches and files in which it is found later.
DEFAULT_API_REQUESTS = 5.0
_KB_PER_GB = 1_000_000


@dataclass(frozen=True, kw_only=True)
class Workload:
    """Inputs of the estimate.

    Attributes:
        location: Azure region of the stack.
        images_per_month: Images that are uploaded in a month.
        peak_factor: Rate in the busiest hours, as a multiple of the average rate.
        vision_calls_per_second: Calls per second that one Vision account accepts.
        features: Features that are analyzed.
        custom_vision: Images are analyzed by an existing Custom Vision project.
        foundry: The vision model that analyzes the images; None with another analyzer.
        content_understanding: Content Understanding calls the model.
        image_retention_days: Days after which an image is deleted; None keeps images.
        record_retention_days: Days after which a record is deleted; None keeps records.
        cache_days: Days that an analysis is stored.
        log_retention_days: Days that Log Analytics keeps its data.
        publish_results: Every result is published to an Event Grid topic.
        copy_classified: Classified images are copied.
        scheduled: Images are analyzed at a schedule, and their uploads raise no event.
        private_networking: Services are reached through private endpoints.
        protect_data: Deleted images can be restored for some days.
        zone_redundant: Storage and the function app are spread over availability zones.
        api_app: The API app is deployed.
        log_alert_rules: Number of log alert rules, which run every five minutes.
        shadow: The vision model in the shadow; None without one.
        shadow_content_understanding: Content Understanding calls the model in the shadow.
        shadow_percent: Share of the images that it analyzes as well.
        retained_accounts: Accounts of Azure AI services besides those of the analyzer.
        image_kb: Average size of an image, in KB of 1,000 bytes.
        cache_hit_percent: Share of the images whose content was analyzed within `cache_days`; they cost no analysis.
        storage_logs: Writes and deletions of storage accounts are logged, as the program does.
        api_requests_per_image: Requests to the API app for each image.
    """

    location: str
    images_per_month: int
    peak_factor: int
    vision_calls_per_second: int
    features: tuple[Feature, ...]
    custom_vision: bool
    image_retention_days: int | None
    record_retention_days: int | None
    cache_days: int
    log_retention_days: int
    publish_results: bool
    copy_classified: bool
    scheduled: bool
    private_networking: bool
    protect_data: bool
    zone_redundant: bool
    api_app: bool
    log_alert_rules: int
    foundry: FoundryModel | None = None
    shadow: FoundryModel | None = None
    shadow_content_understanding: bool = False
    shadow_percent: float = 0.0
    retained_accounts: int = 0
    content_understanding: bool = False
    image_kb: float = DEFAULT_IMAGE_KB
    cache_hit_percent: float = 0.0
    storage_logs: bool = True
    api_requests_per_image: float = DEFAULT_API_REQUESTS

    @property
    def analyzed_images(self) -> float:
        """Images of a month that are analyzed; the others have content that was analyzed before."""
        return self.images_per_month * (1 - self.cache_hit_percent / 100)

    @property
    def shadowed_images(self) -> float:
        """Images of a month that the model in the shadow analyzes."""
        return self.analyzed_images * self.shadow_percent / 100

    @property
    def api_requests(self) -> float:
        """Requests to the API app in a month."""
        return self.images_per_month * self.api_requests_per_image if self.api_app else 0.0

    @property
    def more_deliveries(self) -> tuple[float, float]:
        """How often messages are delivered in a month, at least and at most, after they were put back into the queue.

        Content Understanding analyzes while an image's message waits there; its result is asked for once to thrice
        (docs/decisions/0047).
        """
        images = self.analyzed_images if self.content_understanding else 0.0
        if self.shadow_content_understanding:
            images += self.shadowed_images
        return images, 3 * images

    @property
    def foundry_accounts(self) -> int:
        """Foundry accounts of the stack."""
        if self.foundry is None:
            return 0
        if not self.content_understanding:
            return 1
        sizing = size_content_understanding(self.foundry, peak_rate=self.sizing.peak_rate, features=self.features)
        return sizing.accounts

    @property
    def calls_per_image(self) -> int:
        """Calls of the analyzer for an image."""
        return calls_per_image(self.features)

    @property
    def stores_embeddings(self) -> bool:
        """Whether records hold embeddings."""
        return "embeddings" in self.features

    @property
    def uploaded_gb(self) -> float:
        """GB that are uploaded in a month."""
        return self.images_per_month * self.image_kb / _KB_PER_GB

    @property
    def stored_months(self) -> float:
        """Months that an image is stored, when the oldest ones have reached their age."""
        return (self.image_retention_days or DEFAULT_RETENTION_DAYS) / DAYS_PER_MONTH

    @property
    def deleted_images(self) -> float:
        """Images that retention deletes in a month, when the oldest ones have reached their age."""
        return 0.0 if self.image_retention_days is None else float(self.images_per_month)

    @property
    def sizing(self) -> Sizing:
        """Sizes for the workload.

        Raises:
            SizingError: A limit of Azure would be exceeded.
        """
        return derive_sizing(
            images_per_month=self.images_per_month,
            peak_factor=self.peak_factor,
            vision_calls_per_second=self.vision_calls_per_second,
            calls_per_image=self.calls_per_image,
            embeddings=self.stores_embeddings,
            record_retention_days=self.record_retention_days,
            cache_days=self.cache_days,
            shadow_share=self.shadow_percent / 100,
        )


def create_workload(settings: Settings, *, log_alert_rules: int) -> Workload:
    """Create the workload that a stack's settings describe.

    Args:
        settings: The stack's settings.
        log_alert_rules: Number of log alert rules that the program creates.
    """
    return Workload(
        location=settings.location,
        images_per_month=settings.images_per_month,
        peak_factor=settings.peak_factor,
        vision_calls_per_second=settings.vision_calls_per_second,
        features=tuple(settings.features),
        custom_vision=settings.analyzer == "custom-vision",
        image_retention_days=settings.image_retention_days,
        record_retention_days=settings.record_retention_days,
        cache_days=settings.cache_days,
        log_retention_days=settings.log_retention_days,
        publish_results=settings.publish_results,
        copy_classified=settings.copy_classified,
        scheduled=settings.scheduled,
        private_networking=settings.private_networking,
        protect_data=settings.protect_data,
        zone_redundant=settings.zone_redundant,
        api_app=settings.sign_in != "none",
        log_alert_rules=log_alert_rules,
        shadow=settings.foundry if settings.shadow is not None else None,
        shadow_content_understanding=settings.shadow is not None
        and settings.shadow.analyzer == "content-understanding",
        shadow_percent=settings.shadow.percent if settings.shadow is not None else 0.0,
        retained_accounts=sum(_account_count(name, settings) for name in settings.other_analyzers),
        foundry=settings.foundry if settings.deploys_model else None,
        content_understanding=settings.analyzer == "content-understanding",
    )


def _account_count(name: AnalyzerName, settings: Settings) -> int:
    """The accounts of an analyzer that is deployed beside the configured one: see infra/stack_analyzer.py."""
    sizing = settings.sizing
    match name:
        case "image-analysis":
            return sizing.vision_accounts
        case "content-understanding":
            return size_content_understanding(
                settings.foundry,
                peak_rate=sizing.peak_rate * settings.rate_share(name),
                features=successor_features(settings.features),
            ).accounts
        case _:
            return 1
