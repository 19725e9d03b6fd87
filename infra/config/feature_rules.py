"""Rules on features, analyzer and language."""

from collections.abc import Collection, Iterator

from infra.config.stack_config import Violation
from infra.core.analysis import (
    CAPTION_FEATURES,
    FEATURES,
    FOUNDRY_ANALYZERS,
    AnalyzerName,
    CustomVisionProject,
    Feature,
)


def feature_violations(
    *,
    features: Collection[Feature],
    language: str,
    analyzer: AnalyzerName,
    custom_vision: CustomVisionProject | None,
) -> Iterator[Violation]:
    """Yield the rules that are not met."""
    if not features:
        yield Violation(setting="features", allowed=f"at least one of {', '.join(FEATURES)}")
    if CAPTION_FEATURES & set(features) and language != "en" and analyzer not in FOUNDRY_ANALYZERS:
        # https://learn.microsoft.com/azure/ai-services/computer-vision/language-support#image-analysis
        yield Violation(
            setting="language", allowed="en, the only language of captions", other_settings=("features", "analyzer")
        )
    if (analyzer == "custom-vision") != (custom_vision is not None):
        yield Violation(
            setting="customVision",
            allowed="the project, with analyzer custom-vision and only then",
            other_settings=("analyzer",),
        )
    if custom_vision is not None:
        possible = {"tags", "objects"} if custom_vision.task == "detection" else {"tags"}
        if set(features) - possible:
            yield Violation(
                setting="features",
                allowed=f"of this Custom Vision project: {', '.join(sorted(possible))}",
                other_settings=("customVision",),
            )
