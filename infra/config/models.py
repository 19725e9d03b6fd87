"""The vision models that a stack may use, and when Azure retires them.

A dated table: models retire within about 18 months, and a deployment of a retired model always returns errors
(https://learn.microsoft.com/azure/foundry/openai/concepts/model-retirements). Before a row is added, look up that the
model accepts images and strict JSON schemas, whether Content Understanding supports it, its date of retirement, and its
prices (infra/config/cost/foundry.py).
"""

from dataclasses import dataclass
from datetime import date

from infra.core.analysis import AnalyzerName, DeploymentType

SOURCE = "https://learn.microsoft.com/azure/foundry/openai/concepts/model-retirement-schedule"
# The date of the page that the dates of retirement are from.
TABLE_DATE = date(2026, 9, 2)


@dataclass(frozen=True, kw_only=True)
class ModelVersion:
    """One version of a model.

    Attributes:
        name: Name of the model.
        version: Its version.
        retires: The day on which its deployments stop to answer.
        deployment_types: Those of which the price is known.
        content_understanding: Whether Content Understanding is documented to support it; `pulumi up` asks the service:
            https://learn.microsoft.com/azure/ai-services/content-understanding/service-limits#supported-generative-models
    """

    name: str
    version: str
    retires: date
    deployment_types: tuple[DeploymentType, ...]
    content_understanding: bool


MODELS = (
    ModelVersion(
        name="gpt-5.4-mini",
        version="2026-03-17",
        retires=date(2027, 9, 21),
        deployment_types=("GlobalStandard", "DataZoneStandard"),
        # Named in the README of azure-ai-contentunderstanding (Azure/azure-sdk-for-python, 2026).
        content_understanding=True,
    ),
    ModelVersion(
        name="gpt-5.6-luna",
        version="2026-07-09",
        retires=date(2028, 1, 11),
        deployment_types=("GlobalStandard",),
        content_understanding=False,
    ),
)


def supported_models(analyzer: AnalyzerName) -> tuple[ModelVersion, ...]:
    """Return the rows of the models that an analyzer can use."""
    return tuple(row for row in MODELS if row.content_understanding or analyzer != "content-understanding")


def find_model(analyzer: AnalyzerName, name: str, version: str) -> ModelVersion | None:
    """Return the row of a version; None if the table does not have it, or the analyzer does not support it."""
    return next((row for row in supported_models(analyzer) if (row.name, row.version) == (name, version)), None)
