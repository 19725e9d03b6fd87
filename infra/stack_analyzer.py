"""The analyzers of a stack, as its settings choose them."""

from __future__ import annotations

from infra.components.analyzers import (
    Analyzer,
    create_foundry_vision,
    create_image_analysis,
    use_custom_vision,
)
from infra.config.foundry_sizing import calls_per_second, derive_capacity
from infra.config.settings import Settings
from infra.core.analysis import AnalyzerName, successor_features
from infra.core.context import DeploymentContext


def create_analyzer(name: AnalyzerName, settings: Settings, *, context: DeploymentContext) -> Analyzer:
    """Create the resources of an analyzer, and return it.

    Vision accounts of the stack, an existing Custom Vision project, or a vision model of Foundry. Logical names depend
    on the analyzer alone: one that was in the shadow, or is kept for a rollback, has the accounts that it has as the
    configured one.

    Args:
        name: The configured analyzer, the one in the shadow, or one that is kept for a rollback.
        settings: The stack's settings.
        context: Where the accounts are deployed.
    """
    sizing = settings.sizing
    if name == "foundry-vision":
        features = successor_features(settings.features)
        capacity_ktpm = derive_capacity(
            settings.foundry, peak_rate=sizing.peak_rate * settings.rate_share(name), features=features
        )
        return create_foundry_vision(
            "foundry",
            context=context,
            model=settings.foundry,
            capacity_ktpm=capacity_ktpm,
            calls_per_second=calls_per_second(capacity_ktpm, features),
            categories=settings.categories,
            language=settings.language,
            maximum_instances=sizing.maximum_instances,
        )
    if name == "custom-vision" and settings.custom_vision is not None:
        return use_custom_vision(
            "custom-vision",
            project=settings.custom_vision,
            calls_per_second=settings.vision_calls_per_second,
            maximum_instances=sizing.maximum_instances,
        )
    return create_image_analysis(
        "vision",
        context=context,
        features=settings.features,
        language=settings.language,
        gender_neutral_captions=settings.gender_neutral_captions,
        smart_crop_aspect_ratios=settings.smart_crop_aspect_ratios,
        account_count=sizing.vision_accounts,
        calls_per_second=settings.vision_calls_per_second,
        maximum_instances=sizing.maximum_instances,
    )
