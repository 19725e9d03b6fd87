"""Rules on the successor in the shadow, and on the analyzers that are kept for a rollback."""

from collections.abc import Collection, Iterator
from datetime import date

from infra.config.retirement_rules import retirement_violations
from infra.config.shadow_settings import ShadowSettings
from infra.config.stack_config import Violation
from infra.core.analysis import (
    FOUNDRY_FEATURES,
    AgreementFloors,
    AnalyzerName,
    Feature,
    FoundryModel,
    successor_features,
)

# A rollback within this time, after images of a quarter were analyzed by the successor.
_ROLLBACK_DAYS = 180


def shadow_violations(
    *,
    analyzer: AnalyzerName,
    settings: ShadowSettings,
    features: Collection[Feature],
    model: FoundryModel,
    accept_retiring_model: bool,
    today: date,
) -> Iterator[Violation]:
    """Yield the rules that are not met.

    Args:
        analyzer: The configured analyzer.
        settings: The settings of the shadow.
        features: The configured features.
        model: The model that a successor uses.
        accept_retiring_model: The setting of that name.
        today: The date on which models and services may be retired.
    """
    shadow = settings.shadow
    retained = settings.retained_analyzers
    if shadow is not None:
        if shadow.analyzer == analyzer:
            yield Violation(setting="shadow", allowed=f"another analyzer than {analyzer}", other_settings=("analyzer",))
        if not successor_features(features):
            yield Violation(
                setting="shadow",
                allowed=f"with at least one of the features {', '.join(FOUNDRY_FEATURES)}, which are all that"
                f" {shadow.analyzer} can analyze",
                other_settings=("features",),
            )
        if shadow.analyzer in retained:
            yield Violation(
                setting="retainedAnalyzers",
                allowed=f"without {shadow.analyzer}, which is in the shadow",
                other_settings=("shadow",),
            )
    elif settings.agreement != AgreementFloors():
        yield Violation(setting="agreement", allowed="nothing, unless there is a shadow", other_settings=("shadow",))
    if analyzer in retained:
        yield Violation(
            setting="retainedAnalyzers",
            allowed=f"without {analyzer}, which is the analyzer",
            other_settings=("analyzer",),
        )
    for other in settings.other_analyzers:
        for violation in retirement_violations(
            analyzer=other, model=model, accept_retiring_model=accept_retiring_model, today=today
        ):
            setting = "retainedAnalyzers" if violation.setting == "analyzer" else violation.setting
            yield Violation(
                setting=setting,
                allowed=violation.allowed,
                other_settings=(*violation.other_settings, "shadow", "retainedAnalyzers"),
            )


def shadow_warnings(*, settings: ShadowSettings, cache_days: int, operators: Collection[object]) -> Iterator[str]:
    """Yield what may not work although it is deployed.

    Args:
        settings: The settings of the shadow.
        cache_days: Days that an analysis is stored.
        operators: The principals that may read the comparisons.
    """
    if settings.retained_analyzers and cache_days < _ROLLBACK_DAYS:
        yield (
            f"cacheDays: a rollback to {', '.join(settings.retained_analyzers)} pays again for each image whose"
            f" analysis is older than {cache_days} days; set {_ROLLBACK_DAYS} or more before the cut-over, as analyses"
            " that are deleted do not come back"
        )
    if settings.shadow is not None and not operators:
        yield "shadow: nobody may read the comparisons, as there are no operators; make agreement will be refused"
