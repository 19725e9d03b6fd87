"""Types of settings that a bound does not describe: patterns, lists, objects, and what each allows in words."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, PlainValidator
from pydantic.alias_generators import to_camel

from infra.core.analysis import FEATURES, CustomVisionProject, Feature
from infra.core.context import PRINCIPAL_TYPES, DirectoryPrincipal, PrincipalType

# Room for both subnets; Azure's own limit is /29: https://learn.microsoft.com/azure/virtual-network/virtual-networks-faq
_SMALLEST_NETWORK = 24
# https://www.rfc-editor.org/rfc/rfc1918
_PRIVATE_RANGES = (IPv4Network("10.0.0.0/8"), IPv4Network("172.16.0.0/12"), IPv4Network("192.168.0.0/16"))
# https://learn.microsoft.com/azure/ai-services/computer-vision/concept-generate-thumbnails-40
_LOWEST_RATIO = 0.75
_HIGHEST_RATIO = 1.8
_GUID = "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"


@dataclass(frozen=True)
class AllowedValues:
    """Metadata of a field: what its setting allows, in words.

    Attributes:
        text: For error messages and documentation.
        item_type: Type of the items of a list in Pulumi.yaml.
    """

    text: str
    item_type: Literal["string", "object"] | None = None


def _none_if_empty[T](value: T) -> T | None:
    """None for 0 and for an empty string."""
    return value or None


def _none_if_negative(value: int) -> int | None:
    """None for -1."""
    return None if value < 0 else value


def require_distinct[T](items: Sequence[T]) -> Sequence[T]:
    """The items, of which none is repeated."""
    if len(set(items)) != len(items):
        raise ValueError("an item is repeated")
    return items


Region = Annotated[
    str, Field(pattern=r"^[a-z0-9]+$"), AllowedValues("an Azure region in lower case, such as northeurope")
]
NamePrefix = Annotated[
    str,
    Field(pattern=r"^[a-z][a-z0-9]{1,9}$"),
    AllowedValues("2 to 10 lower-case letters and digits, a letter first"),
]
Language = Annotated[str, Field(pattern=r"^[a-z]{2,3}(-[A-Za-z]+)?$"), AllowedValues("a language code, such as en")]
# NCRONTAB, six fields, seconds first; Flex Consumption takes no time spans:
# https://learn.microsoft.com/azure/azure-functions/functions-bindings-timer#ncrontab-expressions
Schedule = Annotated[
    str,
    Field(pattern=r"^[0-9*,/A-Za-z-]+( [0-9*,/A-Za-z-]+){5}$"),
    AllowedValues("six fields, seconds first, such as 0 */15 * * * *"),
]
# An empty string is None.
ApplicationId = Annotated[
    str | None,
    Field(pattern=f"^({_GUID})?$"),
    AfterValidator(_none_if_empty),
    AllowedValues("a GUID in lower case, or nothing"),
]
# An empty string is None.
EmailAddress = Annotated[
    str | None,
    Field(pattern=r"^([^@\s]+@[^@\s]+\.[^@\s]+)?$"),
    AfterValidator(_none_if_empty),
    AllowedValues("an e-mail address, or nothing"),
]
# -1 is None: what the analyzer is used with. 0 is a threshold.
ConfidencePercent = Annotated[int | None, Field(ge=-1, le=100), AfterValidator(_none_if_negative)]
# 0 is None: no limit.
RetentionDays = Annotated[int | None, Field(ge=0, le=3650), AfterValidator(_none_if_empty)]
# A list becomes a tuple; strict validation would reject the list.
FeatureList = Annotated[
    tuple[Feature, ...],
    Field(strict=False),
    AfterValidator(require_distinct),
    AllowedValues(f"a list out of {', '.join(FEATURES)}, each once", item_type="string"),
]
# https://learn.microsoft.com/azure/azure-resource-manager/management/tag-resources#limitations
Tags = Annotated[
    dict[
        Annotated[str, Field(min_length=1, max_length=128, pattern=r"^[^<>%&\\?/]*$")],
        Annotated[str, Field(max_length=256)],
    ],
    Field(max_length=40),
    AllowedValues(r"up to 40 texts by name; names of 1 to 128 characters without <>%&\?/"),
]


# https://www.rfc-editor.org/rfc/rfc6454#section-6.2. Browsers send an origin in lower case, without a default port and
# without a slash at its end, and it is compared as a text. A wildcard is none.
Origins = Annotated[
    tuple[Annotated[str, Field(pattern=r"^https://[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:[0-9]{2,5})?$")], ...],
    Field(strict=False, max_length=60),
    AfterValidator(require_distinct),
    AllowedValues(
        "a list of up to 60 origins, each once: https://, a host name in lower case, and a port if it is not 443",
        item_type="string",
    ),
]


def _to_ratio(value: object) -> float:
    if not isinstance(value, str) or not re.fullmatch(r"[0-9]+(\.[0-9]+)?", value):
        raise ValueError("not a number in a string")
    return float(value)


# Strings, because the numbers of Pulumi's lists have no fractions.
AspectRatios = Annotated[
    tuple[Annotated[float, BeforeValidator(_to_ratio), Field(ge=_LOWEST_RATIO, le=_HIGHEST_RATIO)], ...],
    Field(strict=False),
    AfterValidator(require_distinct),
    AllowedValues(f"a list of texts from {_LOWEST_RATIO} to {_HIGHEST_RATIO}, each once", item_type="string"),
]


def _to_network(value: object) -> IPv4Network:
    if not isinstance(value, str):
        raise ValueError("not a string")  # noqa: TRY004 (pydantic reports ValueError)
    network = IPv4Network(value)
    if network.prefixlen > _SMALLEST_NETWORK or not any(network.subnet_of(range_) for range_ in _PRIVATE_RANGES):
        raise ValueError("too small, or not private")
    return network


PrivateNetwork = Annotated[
    IPv4Network,
    PlainValidator(_to_network),
    AllowedValues(f"a private IPv4 range, /{_SMALLEST_NETWORK} or larger, such as 10.40.0.0/24"),
]


class ConfigObject(BaseModel):
    """An object in the configuration, with exactly the properties of the model."""

    model_config = ConfigDict(strict=True, extra="forbid", alias_generator=to_camel)


class _PrincipalObject(ConfigObject):
    object_id: str = Field(pattern=f"(?i)^{_GUID}$")
    principal_type: PrincipalType


def _to_principal(value: object) -> DirectoryPrincipal:
    principal = _PrincipalObject.model_validate(value)
    return DirectoryPrincipal(object_id=principal.object_id, principal_type=principal.principal_type)


def _require_distinct_object_ids(principals: tuple[DirectoryPrincipal, ...]) -> tuple[DirectoryPrincipal, ...]:
    require_distinct([principal.object_id.lower() for principal in principals])
    return principals


def _to_deployer(value: object) -> DirectoryPrincipal | None:
    return None if value == {} else _to_principal(value)


# An empty object is None.
Deployer = Annotated[
    DirectoryPrincipal | None,
    PlainValidator(_to_deployer),
    AllowedValues(
        f"nothing, or objectId: a GUID, and principalType: {' or '.join(PRINCIPAL_TYPES)}",
    ),
]


Principals = Annotated[
    tuple[Annotated[DirectoryPrincipal, PlainValidator(_to_principal)], ...],
    Field(strict=False),
    AfterValidator(_require_distinct_object_ids),
    AllowedValues(
        "a list of {objectId: <GUID>, principalType: <type>}, each object id once; the type is"
        f" {' or '.join(PRINCIPAL_TYPES)} and must be stated",
        item_type="object",
    ),
]


class _CustomVisionObject(ConfigObject):
    account_id: str = Field(
        pattern=r"^/subscriptions/[^/]+/resourceGroups/[^/]+/providers/Microsoft\.CognitiveServices/accounts/[^/]+$",
        description="the prediction account's ARM id",
    )
    endpoint: str = Field(
        pattern=r"^https://[a-z0-9-]+\.cognitiveservices\.azure\.com/?$", description="the account's own URL"
    )
    project: str = Field(pattern="^[^/]+$", description="the project's id")
    iteration: str = Field(pattern="^[^/]+$", description="the name under which the iteration is published")
    task: Literal["multiclass", "multilabel", "detection"] = Field(description="multiclass, multilabel or detection")


def _to_custom_vision(value: object) -> CustomVisionProject | None:
    if value == {}:
        return None
    project = _CustomVisionObject.model_validate(value)
    return CustomVisionProject(
        account_id=project.account_id,
        endpoint=project.endpoint,
        project_id=project.project,
        iteration=project.iteration,
        task=project.task,
    )


_CUSTOM_VISION_PROPERTIES = "; ".join(
    f"{to_camel(name)}: {field.description}" for name, field in _CustomVisionObject.model_fields.items()
)
# An empty object is None.
CustomVision = Annotated[
    CustomVisionProject | None,
    PlainValidator(_to_custom_vision),
    AllowedValues(f"nothing, or all of {_CUSTOM_VISION_PROPERTIES}"),
]
