"""The analyzers of a stack, as its settings choose them."""

from __future__ import annotations

from collections.abc import Sequence

import pulumi

from infra.components.analyzers import (
    Analyzer,
    create_foundry_vision,
    create_image_analysis,
    use_custom_vision,
)
from infra.components.content_understanding import (
    ContentAnalyzers,
    ContentUnderstandingAnalyzer,
    create_content_understanding,
)
from infra.components.network import PrivateNetwork
from infra.config.content_understanding_sizing import size_content_understanding
from infra.config.foundry_sizing import calls_per_second, derive_capacity
from infra.config.settings import Settings
from infra.core.analysis import FOUNDRY_ANALYZERS, AnalyzerName, successor_features
from infra.core.context import DeploymentContext


def create_analyzer(name: AnalyzerName, settings: Settings, *, context: DeploymentContext) -> Analyzer:
    """Create the resources of an analyzer, and return it.

    Vision accounts of the stack, an existing Custom Vision project, or a model of Foundry, which is called directly or
    by Content Understanding. Logical names depend on the analyzer alone: one that was in the shadow, or is kept for a
    rollback, has the accounts that it has as the configured one.

    Args:
        name: The configured analyzer, the one in the shadow, or one that is kept for a rollback.
        settings: The stack's settings.
        context: Where the accounts are deployed.
    """
    sizing = settings.sizing
    peak_rate = sizing.peak_rate * settings.rate_share(name)
    features = settings.features
    if name in FOUNDRY_ANALYZERS:
        features = successor_features(settings.features)
    if name == "content-understanding":
        accounts = size_content_understanding(settings.foundry, peak_rate=peak_rate, features=features)
        return create_content_understanding(
            "content-understanding",
            context=context,
            model=settings.foundry,
            features=features,
            categories=settings.categories,
            language=settings.language,
            account_count=accounts.accounts,
            capacity_ktpm=accounts.capacity_ktpm,
            calls_per_second=accounts.calls_per_second,
            operations_per_second=accounts.operations_per_second,
            maximum_instances=sizing.maximum_instances,
        )
    if name == "foundry-vision":
        capacity_ktpm = derive_capacity(settings.foundry, peak_rate=peak_rate, features=features)
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


def define_content_analyzers(
    settings: Settings, *, context: DeploymentContext, analyzers: Sequence[Analyzer], network: PrivateNetwork | None
) -> list[pulumi.Resource]:
    """Define the stack's analyzer in the accounts of Content Understanding, if it is one of the deployed `analyzers`.

    Returns:
        What the function app needs before it calls the analyzer.
    """
    definitions: list[pulumi.Resource] = []
    for analyzer in analyzers:
        if isinstance(analyzer, ContentUnderstandingAnalyzer):
            content_analyzers = ContentAnalyzers(
                "content-analyzers",
                context=context,
                analyzer=analyzer,
                deployer=settings.deployer,
                propagation_seconds=settings.role_propagation_seconds,
                prerequisites=[] if network is None else network.endpoints,
            )
            definitions += content_analyzers.definitions
    return definitions
