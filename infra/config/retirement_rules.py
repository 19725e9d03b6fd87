"""Rules on the retirement of what analyzes the images: the retiring services, and the versions of models."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

from infra.config.models import SOURCE, TABLE_DATE, find_model, supported_models
from infra.config.stack_config import Violation
from infra.core.analysis import FOUNDRY_ANALYZERS, AnalyzerName, FoundryModel

# Image Analysis and Custom Vision end on this day:
# https://learn.microsoft.com/azure/ai-services/computer-vision/migration-options
# https://learn.microsoft.com/azure/ai-services/custom-vision-service/overview
_SERVICES_RETIRE = date(2028, 9, 25)
_WARN_FROM = date(2028, 3, 25)
_REFUSE_FROM = date(2028, 9, 1)
_RETIRING_ANALYZERS: tuple[AnalyzerName, ...] = ("image-analysis", "custom-vision")
_SUCCESSORS = " or ".join(FOUNDRY_ANALYZERS)
# Azure announces a retirement at least 60 days before it.
_WARN_DAYS = 180
_REFUSE_DAYS = 60
_TABLE_LASTS = timedelta(days=180)


def current_date() -> date:
    """Return today's date in UTC."""
    return datetime.now(UTC).date()


def retirement_violations(
    *, analyzer: AnalyzerName, model: FoundryModel, accept_retiring_model: bool, today: date
) -> Iterator[Violation]:
    """Yield the rules that are not met: an analyzer or a model that is about to end."""
    if analyzer in _RETIRING_ANALYZERS:
        if today >= _REFUSE_FROM:
            yield Violation(setting="analyzer", allowed=f"{_SUCCESSORS}; {analyzer} ends on {_SERVICES_RETIRE}")
        return
    row = find_model(analyzer, model.name, model.version)
    if row is None or model.deployment_type not in row.deployment_types:
        known = "; ".join(
            f"{row.name} {row.version} as {' or '.join(row.deployment_types)}" for row in supported_models(analyzer)
        )
        yield Violation(
            setting="foundry",
            allowed=f"a model of the table in infra/config/models.py that {analyzer} supports: {known}",
            other_settings=("analyzer",),
        )
        return
    days = (row.retires - today).days
    if days < _REFUSE_DAYS and not accept_retiring_model:
        yield Violation(
            setting="foundry",
            allowed=f"a model that does not retire within {_REFUSE_DAYS} days, such as {_latest(analyzer)}; {row.name}"
            f" {row.version} retires on {row.retires} (acceptRetiringModel deploys it all the same)",
            other_settings=("analyzer", "acceptRetiringModel"),
        )


def retirement_warnings(*, analyzer: AnalyzerName, model: FoundryModel, today: date) -> Iterator[str]:
    """Yield what ends soon, or may have changed since it was looked up."""
    if analyzer in _RETIRING_ANALYZERS:
        if today >= _WARN_FROM:
            yield (
                f"analyzer: {analyzer} ends on {_SERVICES_RETIRE}; from {_REFUSE_FROM} on it is refused. Its successors"
                f" are {_SUCCESSORS} (docs/decisions/0046 and 0047)"
            )
        return
    row = find_model(analyzer, model.name, model.version)
    if row is None:
        return
    days = (row.retires - today).days
    if days < _WARN_DAYS:
        yield (
            f"foundry: {row.name} {row.version} retires on {row.retires}, in {days} days; choose another model, such as"
            f" {_latest(analyzer)}, and classify the images again with `make backfill`"
        )
    if today - TABLE_DATE > _TABLE_LASTS:
        yield (
            f"foundry: the dates of retirement are those of {TABLE_DATE} and may have changed; compare"
            f" infra/config/models.py with {SOURCE}"
        )


def _latest(analyzer: AnalyzerName) -> str:
    latest = max(supported_models(analyzer), key=lambda row: row.retires)
    return f"{latest.name} {latest.version}"
