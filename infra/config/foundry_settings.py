"""Settings of the analyzers that deploy a model of Microsoft Foundry: foundry-vision and content-understanding."""

from typing import Annotated

from pydantic import AfterValidator, Field, PlainValidator, StringConstraints

from infra.config.field_types import AllowedValues, ConfigObject, Deployer, require_distinct
from infra.config.stack_config import StackConfig
from infra.core.analysis import (
    DEPLOYMENT_TYPES,
    DeploymentType,
    FoundryModel,
)

# The category of an image that no configured one fits; the code adds it.
_OTHER = "other"
_DEFAULT_MODEL = FoundryModel()


class _FoundryObject(ConfigObject):
    model: str = Field(default=_DEFAULT_MODEL.name, pattern=r"^[a-z0-9.-]{2,40}$")
    version: str = Field(default=_DEFAULT_MODEL.version, pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$")
    deployment_type: DeploymentType = _DEFAULT_MODEL.deployment_type
    capacity_k_tpm: int = Field(default=0, ge=0, le=100_000)
    location: str = Field(default="", pattern=r"^[a-z0-9]*$")


def _to_model(value: object) -> FoundryModel:
    model = _FoundryObject.model_validate(value)
    return FoundryModel(
        name=model.model,
        version=model.version,
        deployment_type=model.deployment_type,
        capacity_ktpm=model.capacity_k_tpm or None,
        location=model.location or None,
    )


Foundry = Annotated[
    FoundryModel,
    PlainValidator(_to_model),
    AllowedValues(
        f"any of model: its name, {_DEFAULT_MODEL.name} by default; version: {_DEFAULT_MODEL.version} by default;"
        f" deploymentType: {' or '.join(DEPLOYMENT_TYPES)}, the second by default; capacityKTpm: thousands of tokens"
        " per minute, 0 for what imagesPerMonth needs; location: region of the account, empty for that of the stack"
    ),
]


def _require_no_other(categories: tuple[str, ...]) -> tuple[str, ...]:
    if _OTHER in categories:
        raise ValueError(f"{_OTHER} is added by the program")
    return categories


# A schema may have 1,000 values in all its lists (https://platform.openai.com/docs/guides/structured-outputs), and an
# analyzer definition 300, with `other`:
# https://learn.microsoft.com/azure/ai-services/content-understanding/service-limits#field-schema-limits
MAX_CATEGORIES = 300
# The folder of a copy is its category.
Categories = Annotated[
    tuple[Annotated[str, StringConstraints(pattern=r"^[^/\\\x00-\x1f]{1,60}$")], ...],
    Field(strict=False, max_length=MAX_CATEGORIES),
    AfterValidator(require_distinct),
    AfterValidator(_require_no_other),
    AllowedValues(
        f"a list of up to {MAX_CATEGORIES} texts of 1 to 60 characters without slashes, each once; {_OTHER} is added",
        item_type="string",
    ),
]


class FoundrySettings(StackConfig):
    """The settings of those analyzers; `infra.Settings` has them all."""

    foundry: Foundry = Field(
        default={},
        validate_default=True,
        description="Vision model of Microsoft Foundry, for analyzers foundry-vision and content-understanding.",
    )
    categories: Categories = Field(
        default=(),
        description=(
            "Categories of which the model chooses one for each image, for analyzers foundry-vision and"
            " content-understanding; if empty, the category is the first tag."
        ),
    )
    deployer: Deployer = Field(
        default={},
        validate_default=True,
        description=(
            "Identity that runs pulumi up, which may define analyzers of analyzer content-understanding; if empty, the"
            " one that is signed in."
        ),
    )
    accept_retiring_model: bool = Field(
        default=False,
        description="Deploy a model although it retires within 60 days, for the analyzers that deploy one.",
    )
