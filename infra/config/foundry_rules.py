"""Rules on the analyzer foundry-vision: what a vision model can do, where it is, and how much quota it takes."""

from collections.abc import Collection, Iterator
from datetime import date

from infra.config.foundry_settings import FoundrySettings
from infra.config.foundry_sizing import derive_capacity
from infra.config.regions import FOUNDRY_DATA_ZONE, FOUNDRY_GLOBAL
from infra.config.retirement_rules import retirement_violations, retirement_warnings
from infra.config.stack_config import Violation
from infra.core.analysis import FOUNDRY_FEATURES, AnalyzerName, Feature, FoundryModel

# The default of minConfidencePercent, by which it is known whether the setting was left out.
DEFAULT_CONFIDENCE_PERCENT = 50
_REGIONS = {"GlobalStandard": FOUNDRY_GLOBAL, "DataZoneStandard": FOUNDRY_DATA_ZONE}


def foundry_violations(
    *,
    analyzer: AnalyzerName,
    analyzers: Collection[AnalyzerName],
    settings: FoundrySettings,
    features: Collection[Feature],
    gender_neutral_captions: bool,
    min_confidence_percent: int,
    today: date,
) -> Iterator[Violation]:
    """Yield the rules that are not met.

    Args:
        analyzer: The configured analyzer.
        analyzers: All that are deployed: besides that one, the shadow and those that are kept for a rollback.
        settings: The settings of foundry-vision.
        features: The configured features.
        gender_neutral_captions: The setting of that name.
        min_confidence_percent: The setting of that name.
        today: The date on which models and services may be retired.
    """
    yield from retirement_violations(
        analyzer=analyzer,
        model=settings.foundry,
        accept_retiring_model=settings.accept_retiring_model,
        today=today,
    )
    if "foundry-vision" not in analyzers:
        unused = {
            "foundry": settings.foundry != FoundryModel(),
            "categories": bool(settings.categories),
            "acceptRetiringModel": settings.accept_retiring_model,
        }
        for setting, is_set in unused.items():
            if is_set:
                yield Violation(
                    setting=setting,
                    allowed="nothing, unless analyzer, shadow or a retained analyzer is foundry-vision",
                    other_settings=("analyzer", "shadow", "retainedAnalyzers"),
                )
    if analyzer != "foundry-vision":
        return
    without_successor = sorted(set(features) - set(FOUNDRY_FEATURES))
    if without_successor:
        yield Violation(
            setting="features",
            allowed=f"{', '.join(FOUNDRY_FEATURES)} with analyzer foundry-vision; {', '.join(without_successor)} cannot"
            " be had of a vision model",
            other_settings=("analyzer",),
        )
    if min_confidence_percent != DEFAULT_CONFIDENCE_PERCENT:
        yield Violation(
            setting="minConfidencePercent",
            allowed="to be left out, because a vision model states no confidences",
            other_settings=("analyzer",),
        )
    if gender_neutral_captions:
        yield Violation(
            setting="genderNeutralCaptions", allowed="false with analyzer foundry-vision", other_settings=("analyzer",)
        )


def foundry_warnings(
    *,
    analyzers: Collection[AnalyzerName],
    model: FoundryModel,
    stack_location: str,
    peak_rate: float,
    features: Collection[Feature],
    today: date,
) -> Iterator[str]:
    """Yield what may not work although it is deployed, and what will end.

    Args:
        analyzers: All analyzers that are deployed.
        model: The model and its deployment.
        stack_location: Region of the stack, where the account is unless the model has a region of its own.
        peak_rate: Images per second for the model in the busiest hours.
        features: What the model is asked for.
        today: The date on which models and services may be retired.
    """
    for analyzer in analyzers:
        yield from retirement_warnings(analyzer=analyzer, model=model, today=today)
    if "foundry-vision" not in analyzers:
        return
    location = model.location or stack_location
    warning = _REGIONS[model.deployment_type].warning(location, setting="foundry.location")
    if warning is not None:
        yield warning
    # What the quota is cannot be known here: it differs between subscriptions, models and regions.
    capacity = derive_capacity(model, peak_rate=peak_rate, features=features)
    yield (
        f"foundry: the deployment takes {capacity:,},000 tokens per minute of the subscription's quota for {model.name}"
        f" ({model.deployment_type}) in {location}. If Azure refuses it with InsufficientQuota, request more"
        " (https://aka.ms/oai/stuquotarequest), or set capacityKTpm to what there is; images then wait in the queue"
    )
