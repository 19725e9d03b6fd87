"""Strict JSON schemas: what Azure refuses, and which properties the emulator can fill.

https://learn.microsoft.com/azure/foundry/openai/how-to/structured-outputs#json-schema-support-and-limitations. The
texts of the errors are quoted by users of the API.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

from emulator.services.foundry.errors import CompletionError, invalid, unsupported
from emulator.services.vision.model_client import OTHER, choose_category

_MOST_PROPERTIES = 100
_DEEPEST = 5
_UNSUPPORTED_KEYWORDS = frozenset(
    {
        *("minLength", "maxLength", "pattern", "format", "minimum", "maximum", "multipleOf"),
        *("patternProperties", "unevaluatedProperties", "propertyNames", "minProperties", "maxProperties"),
        *("unevaluatedItems", "contains", "minContains", "maxContains", "minItems", "maxItems", "uniqueItems"),
    }
)
# What the packaged models can say about an image, by the names that the program gives its properties.
_TEXT = {"type": "string"}
_TEXTS = {"type": "array", "items": {"type": "string"}}
_KNOWN = {"caption": _TEXT, "category": _TEXT, "tags": _TEXTS, "lines": _TEXTS}

type Schema = Mapping[str, Any]


def check_schema(name: str, schema: Schema) -> None:
    """Raise CompletionError if Azure would refuse the schema, or if the emulator cannot fill it."""
    if schema.get("type") != "object":
        raise _invalid(name, (), f"schema must be a JSON Schema of 'type: \"object\"', got {schema.get('type')!r}.")
    objects = [*_schemas(schema, ())]
    for context, subschema in objects:
        _check_keywords(name, context, subschema)
    properties = sum(len(subschema.get("properties") or {}) for _, subschema in objects)
    if properties > _MOST_PROPERTIES:
        raise _invalid(name, (), f"{properties} properties exceed the limit of {_MOST_PROPERTIES}.")
    for key, subschema in schema["properties"].items():
        if not _is_known(key, subschema):
            raise unsupported(f"the property {key!r} with the schema {dict(subschema)}")


def fill(schema: Schema, *, tags: Sequence[str], caption: str, lines: Sequence[str]) -> dict[str, Any]:
    """Return an answer that follows a schema that `check_schema` has accepted, in its order."""
    answer: dict[str, Any] = {}
    for key, subschema in schema["properties"].items():
        match key:
            case "caption":
                answer[key] = caption
            case "tags":
                answer[key] = [*tags]
            case "lines":
                answer[key] = [*lines]
            case _:
                answer[key] = choose_category(subschema["enum"], tags)
    return answer


def _is_known(key: str, subschema: Schema) -> bool:
    described = {name: value for name, value in subschema.items() if name not in {"description", "enum"}}
    if key not in _KNOWN or described != _KNOWN[key]:
        return False
    # Without `other`, Azure's model would have to choose a category that does not fit.
    return (key == "category") == ("enum" in subschema) and OTHER in subschema.get("enum", [OTHER])


def _schemas(schema: Schema, context: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Schema]]:
    """A schema and those inside it, each with its path."""
    yield context, schema
    for name, subschema in (schema.get("properties") or {}).items():
        yield from _schemas(subschema, (*context, "properties", name))
    if isinstance(schema.get("items"), dict):
        yield from _schemas(cast("Schema", schema["items"]), (*context, "items"))


def _check_keywords(name: str, context: tuple[str, ...], schema: Schema) -> None:
    for keyword in sorted(_UNSUPPORTED_KEYWORDS & schema.keys()):
        raise _invalid(name, context, f"'{keyword}' is not permitted.")
    if len(context) // 2 > _DEEPEST:
        raise _invalid(name, context, f"the nesting exceeds the limit of {_DEEPEST}.")
    if schema.get("type") != "object":
        return
    if schema.get("additionalProperties") is not False:
        raise _invalid(name, context, "'additionalProperties' is required to be supplied and to be false.")
    missing = sorted((schema.get("properties") or {}).keys() - set(schema.get("required") or ()))
    if missing:
        sentence = "'required' is required to be supplied and to be an array including every key in properties."
        raise _invalid(name, context, f"{sentence} Missing '{missing[0]}'.")


def _invalid(name: str, context: tuple[str, ...], sentence: str) -> CompletionError:
    text = ", ".join(f"'{key}'" for key in context)
    return invalid(
        f"Invalid schema for response_format '{name}': In context=({text}), {sentence}", param="response_format"
    )
