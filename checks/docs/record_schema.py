"""A table of the fields that a JSON Schema (2020-12) describes, one row for each path."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from checks.docs.markdown import code, table

type Schema = Mapping[str, Any]

_REFERENCE_PREFIX = "#/$defs/"


def schema_table(schema: Schema) -> str:
    """Return path, type and description of each field.

    Fields of objects follow their object, as `blob.etag`; fields of the objects in a list as `tags[].name`.

    Args:
        schema: A schema with its definitions under `$defs`, as msgspec generates it.

    Raises:
        KeyError: A reference leads to no definition.
        RecursionError: A definition contains itself.
    """
    definitions: Schema = schema.get("$defs", {})
    return table(("field", "type", "meaning"), _rows(schema, definitions, prefix=""))


def _rows(schema: Schema, definitions: Schema, prefix: str) -> Iterator[Sequence[str]]:
    """Yield the fields of an object schema, each with the fields of the objects in it."""
    resolved = _resolve(schema, definitions)
    required = set(resolved.get("required", ()))
    for name, field in resolved.get("properties", {}).items():
        path = f"{prefix}{name}"
        target = _resolve(field, definitions)
        text = str(field.get("description") or target.get("description") or "")
        type_name = _type_name(field, definitions)
        if name not in required and "default" not in field:
            type_name += ", or absent"
        yield code(path), type_name, text
        for nested, suffix in _nested_objects(field, definitions):
            yield from _rows(nested, definitions, prefix=f"{path}{suffix}.")


def _resolve(schema: Schema, definitions: Schema) -> Schema:
    """Return the schema that a chain of references leads to."""
    while "$ref" in schema:
        schema = definitions[str(schema["$ref"]).removeprefix(_REFERENCE_PREFIX)]
    return schema


def _alternatives(schema: Schema, definitions: Schema) -> Iterator[Schema]:
    resolved = _resolve(schema, definitions)
    if "anyOf" in resolved:
        for alternative in resolved["anyOf"]:
            yield from _alternatives(alternative, definitions)
    else:
        yield resolved


def _nested_objects(schema: Schema, definitions: Schema) -> Iterator[tuple[Schema, str]]:
    """Yield the object schemas in a field, and what its path adds for them."""
    for alternative in _alternatives(schema, definitions):
        if "properties" in alternative:
            yield alternative, ""
        elif isinstance(alternative.get("items"), Mapping):
            for nested, suffix in _nested_objects(alternative["items"], definitions):
                yield nested, f"[]{suffix}"


def _type_name(schema: Schema, definitions: Schema) -> str:
    names = [_plain_type_name(alternative, definitions) for alternative in _alternatives(schema, definitions)]
    # `null` is the least of what a field can be.
    ordered = sorted(dict.fromkeys(names), key=lambda name: name == "null")
    return " or ".join(ordered)


def _plain_type_name(schema: Schema, definitions: Schema) -> str:
    if "enum" in schema:
        return " or ".join("null" if value is None else code(str(value)) for value in schema["enum"])
    if "const" in schema:
        return code(str(schema["const"]))
    name = schema.get("type", "any")
    if isinstance(name, list):
        return " or ".join(sorted(name, key=lambda item: item == "null"))
    if name == "array" and isinstance(schema.get("items"), Mapping):
        return f"list of {_type_name(schema['items'], definitions)}"
    if name == "array":
        return "list"
    if "format" in schema:
        return f"{name} ({schema['format']})"
    return str(name)
