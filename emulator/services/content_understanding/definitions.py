"""Definitions of analyzers: what Azure refuses, and which fields the emulator cannot fill.

https://learn.microsoft.com/azure/ai-services/content-understanding/service-limits#field-schema-limits and
https://learn.microsoft.com/azure/ai-services/content-understanding/concepts/analyzer-reference.
"""

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

from emulator.services.content_understanding.errors import invalid, unsupported
from emulator.services.vision.model_client import OTHER

BASE_ANALYZER = "prebuilt-image"
READ_ANALYZER = "prebuilt-read"
# Named by the documentation and the SDK in 2026, for those that can still be deployed: emulator/provider.
SUPPORTED_MODELS = ("gpt-5.2", "gpt-5.4-mini")
_MOST_FIELDS = 1_000
_MOST_CATEGORIES = 300
_LONGEST_DESCRIPTION = 1024
_FIELD_NAME = re.compile(r"[\w.-]{1,64}")
_CUSTOM_ID = re.compile(r"[a-zA-Z0-9._]{1,64}")
# What the packaged models can say about an image, by the names that the program gives its fields.
_KNOWN = {("caption", "string", "generate"), ("tags", "array", "generate"), ("category", "string", "classify")}

_Description = Annotated[str, Meta(max_length=_LONGEST_DESCRIPTION)]


class Field(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A field of the schema."""

    type: Literal["string", "array", "number", "integer", "boolean", "date", "time", "object"]
    method: Literal["generate", "classify", "extract"] = "generate"
    description: _Description = ""
    items: "Field | None" = None
    enum: tuple[str, ...] | None = None


class _FieldSchema(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    fields: dict[str, Field]
    name: str = ""
    description: _Description = ""


class _Models(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    completion: str


class Definition(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """The supported part of a definition."""

    base_analyzer_id: str
    field_schema: _FieldSchema
    models: _Models
    description: _Description = ""
    processing_location: Literal["geography", "dataZone", "global"] = "global"

    @property
    def fields(self) -> Mapping[str, Field]:
        """The fields by name."""
        return self.field_schema.fields


def parse_definition(analyzer_id: str, body: bytes) -> Definition:
    """Return the definition in a body.

    Raises:
        ContentUnderstandingError: Azure would refuse it, or the emulator cannot fill one of its fields.
    """
    if not _CUSTOM_ID.fullmatch(analyzer_id):
        raise invalid(f"The analyzer {analyzer_id} is one of the service.", inner="InvalidAnalyzerId")
    try:
        definition = msgspec.json.decode(body, type=Definition)
    except msgspec.ValidationError as error:
        # A property that Azure has and the emulator has not, or a value that neither has.
        raise unsupported(f"this definition: {error}") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise invalid(f"The body is no JSON: {error}", inner="InvalidJsonRequest") from error
    _check(definition)
    for name, field in definition.fields.items():
        if not _is_known(name, field):
            raise unsupported(f"the field {name!r} ({field.type}, {field.method}): its models cannot fill it")
    return definition


def _check(definition: Definition) -> None:
    if definition.base_analyzer_id != BASE_ANALYZER:
        raise unsupported(f"analyzers with the base {definition.base_analyzer_id}, only with {BASE_ANALYZER}")
    if definition.models.completion not in SUPPORTED_MODELS:
        raise invalid(
            f"The model {definition.models.completion} is not supported by {BASE_ANALYZER}; supported:"
            f" {', '.join(SUPPORTED_MODELS)}.",
            inner="ModelNotSupported",
        )
    fields = definition.fields
    if not 0 < len(fields) <= _MOST_FIELDS:
        raise invalid(
            f"The schema has {len(fields)} fields; 1 to {_MOST_FIELDS} are allowed.", inner="InvalidFieldSchema"
        )
    if sum(len(field.enum or ()) for field in fields.values() if field.method == "classify") > _MOST_CATEGORIES:
        raise invalid(f"The schema has more than {_MOST_CATEGORIES} categories.", inner="InvalidFieldSchema")
    for name, field in fields.items():
        if not _FIELD_NAME.fullmatch(name):
            raise invalid(f"The field name {name!r} is not allowed.", inner="InvalidFieldSchema")
        if field.method == "extract":
            raise invalid(f"The field {name} cannot be extracted from an image.", inner="InvalidFieldSchema")
        if (field.method == "classify") != (field.enum is not None):
            raise invalid(f"The field {name} needs an enum if it classifies.", inner="InvalidFieldSchema")
        if (field.type == "array") != (field.items is not None):
            raise invalid(f"The field {name} needs items if it is an array.", inner="InvalidFieldSchema")


def _is_known(name: str, field: Field) -> bool:
    if (name, field.type, field.method) not in _KNOWN:
        return False
    # Without `other`, Azure's model would have to choose a category that does not fit.
    if field.enum is not None and OTHER not in field.enum:
        return False
    return field.items is None or (field.items.type, field.items.method) == ("string", "generate")


def describe_prebuilt(analyzer_id: str) -> dict[str, Any] | None:
    """Return an analyzer of the service as it describes it; None if the emulator does not have it.

    The one for images needs no embedding model. As in a recording of the service, of all its analyzers:
    https://github.com/Azure/azure-sdk-assets (js/sdk/contentunderstanding, sample_listanalyzers).
    """
    common = {
        "analyzerId": analyzer_id,
        "status": "ready",
        "createdAt": "2025-11-01T00:00:00Z",
        "processingLocation": "geography",
        "warnings": [],
    }
    match analyzer_id:
        case "prebuilt-image":
            return {**common, "supportedModels": {"completion": [*SUPPORTED_MODELS]}}
        case "prebuilt-read":
            return common
        case _:
            return None
