"""Deployments of models: which Azure makes, and when it refuses them."""

from collections.abc import Iterator
from datetime import UTC, date, datetime

from emulator.core.resource_store import Properties

# Version and date of retirement: https://learn.microsoft.com/azure/foundry/openai/concepts/model-retirement-schedule
# (2026-09-02). Every other model is refused, because the emulator does not know until when it can be deployed.
_MODELS = {
    ("gpt-5.4-mini", "2026-03-17"): date(2027, 9, 21),
    ("gpt-5.6-luna", "2026-07-09"): date(2028, 1, 11),
}
_DEPLOYMENT_TYPES = ("GlobalStandard", "DataZoneStandard")
_UPGRADE_OPTIONS = ("NoAutoUpgrade", "OnceCurrentVersionExpired", "OnceNewDefaultVersionAvailable")
# Azure's own; a policy of the account's own would be another resource.
_CONTENT_FILTERS = ("Microsoft.Default", "Microsoft.DefaultV2")


def deployment_problems(inputs: Properties, *, today: date | None = None) -> Iterator[tuple[str, str]]:
    """Every (property, reason) for which a deployment would be refused."""
    today = today or datetime.now(UTC).date()
    properties: Properties = inputs.get("properties") or {}
    model: Properties = properties.get("model") or {}
    name = model.get("name")
    version = model.get("version")
    label = f"Format:OpenAI,Name:{name},Version:{version}"
    retires = _MODELS.get((str(name), str(version)))
    if model.get("format") != "OpenAI" or retires is None:
        yield "properties.model", f"the emulator does not know the model {model}"
    elif today >= retires:
        yield (
            "properties.model",
            f"ServiceModelDeprecated: The model '{label}' has been deprecated since {retires:%m/%d/%Y}",
        )
    sku: Properties = inputs.get("sku") or {}
    if sku.get("name") not in _DEPLOYMENT_TYPES:
        yield "sku.name", f"InvalidResourceProperties: the emulator has {' and '.join(_DEPLOYMENT_TYPES)} only"
    capacity = sku.get("capacity")
    if not isinstance(capacity, int | float) or capacity < 1 or capacity != int(capacity):
        yield "sku.capacity", f"InvalidCapacity: {capacity!r} is no number of thousands of tokens per minute"
    if properties.get("versionUpgradeOption", _UPGRADE_OPTIONS[2]) not in _UPGRADE_OPTIONS:
        yield "properties.versionUpgradeOption", f"it must be one of {', '.join(_UPGRADE_OPTIONS)}"
    if properties.get("raiPolicyName", _CONTENT_FILTERS[0]) not in _CONTENT_FILTERS:
        yield "properties.raiPolicyName", f"the emulator has the content filters {' and '.join(_CONTENT_FILTERS)} only"
    known = {"model", "versionUpgradeOption", "raiPolicyName"}
    for extra in sorted(properties.keys() - known):
        yield f"properties.{extra}", f"the emulator does not support {extra} of a deployment"
