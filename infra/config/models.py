"""The vision models that a stack may use, and when Azure retires them.

A dated table: models retire within about 18 months, and a deployment of a retired model always returns errors
(https://learn.microsoft.com/azure/foundry/openai/concepts/model-retirements). Before a row is added, look up that the
model accepts images and strict JSON schemas, its date of retirement, and its prices (infra/config/cost/foundry.py).
"""

from dataclasses import dataclass
from datetime import date

from infra.core.analysis import DeploymentType

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
    """

    name: str
    version: str
    retires: date
    deployment_types: tuple[DeploymentType, ...]


MODELS = (
    ModelVersion(
        name="gpt-5.4-mini",
        version="2026-03-17",
        retires=date(2027, 9, 21),
        deployment_types=("GlobalStandard", "DataZoneStandard"),
    ),
    ModelVersion(
        name="gpt-5.6-luna",
        version="2026-07-09",
        retires=date(2028, 1, 11),
        deployment_types=("GlobalStandard",),
    ),
)


def find_model(name: str, version: str) -> ModelVersion | None:
    """Return the row of a version; None if the table does not have it."""
    return next((row for row in MODELS if (row.name, row.version) == (name, version)), None)
