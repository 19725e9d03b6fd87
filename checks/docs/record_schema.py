"""Tables of the fields that a JSON Schema (2020-12) describes, one row for each path."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from checks.docs.markdown import code, table

type Schema = Mapping[str, Any]

_REFERENCE_PREFIX = "#/$defs/"
# A definition that is used so often has a table of its own.
_SHARED_USES = 3
_COLUMNS = ("field", "type", "meaning")


def schema_table(schema: Schema) -> str:
    """Return path, type and description of each field.

    Fields of objects follow their object, as `blob.etag`; fields of the objects in a list as `tags[].name`. The fields
    of an object that is used in three or more places are in a table of their own.

    Args:
        schema: A schema with its definitions under `$defs`, as msgspec generates it.

    Raises:
        KeyError: A reference leads to no definition.
        RecursionError: A definition contains itself.
    """
    reader = _SchemaReader.create(schema)
    blocks = [table(_COLUMNS, reader.rows(schema, prefix=""))]
    for name in sorted(reader.shared):
        definition = reader.definitions[name]
        summary = " ".join(str(definition.get("description", "")).split())
        blocks += [f"{code(name)}: {summary}", table(_COLUMNS, reader.rows(definition, prefix=""))]
    return "\n\n".join(blocks)


def _references(value: Any) -> Iterator[str]:
    """Yield the name of the definition of every reference in a schema."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            if key == "$ref":
                yield _definition_name(item)
            else:
                yield from _references(item)
    elif isinstance(value, list):
        for item in value:
            yield from _references(item)


def _definition_name(reference: Any) -> str:
    return str(reference).removeprefix(_REFERENCE_PREFIX)


@dataclass(frozen=True, kw_only=True)
class _SchemaReader:
    """Reads the fields of a schema.

    Attributes:
        definitions: The schema's definitions by name.
        shared: Names of the objects that have a table of their own.
    """

    definitions: Schema
    shared: frozenset[str]

    @staticmethod
    def create(schema: Schema) -> "_SchemaReader":
        definitions: Schema = schema.get("$defs", {})
        uses = Counter(_references(schema))
        return _SchemaReader(
            definitions=definitions,
            shared=frozenset(
                name
                for name, definition in definitions.items()
                if "properties" in definition and uses[name] >= _SHARED_USES
            ),
        )

    def rows(self, schema: Schema, prefix: str) -> Iterator[Sequence[str]]:
        """Yield the fields of an object schema, each with the fields of the objects in it."""
        resolved = self._resolve(schema)
        required = set(resolved.get("required", ()))
        for name, field in resolved.get("properties", {}).items():
            path = f"{prefix}{name}"
            text = str(field.get("description") or self._resolve(field).get("description") or "")
            type_name = self._type_name(field)
            if name not in required and "default" not in field:
                type_name += ", or absent"
            yield code(path), type_name, text
            for nested, suffix in self._nested_objects(field):
                yield from self.rows(nested, prefix=f"{path}{suffix}.")

    def _resolve(self, schema: Schema) -> Schema:
        """Return the schema that a chain of references leads to."""
        while "$ref" in schema:
            schema = self.definitions[_definition_name(schema["$ref"])]
        return schema

    def _shared_name(self, schema: Schema) -> str | None:
        """Return the name of the shared object that a field refers to, or None."""
        if "$ref" in schema and _definition_name(schema["$ref"]) in self.shared:
            return _definition_name(schema["$ref"])
        return None

    def _alternatives(self, schema: Schema) -> Iterator[Schema]:
        """Yield what a field can be; references to shared objects are not resolved."""
        if self._shared_name(schema) is not None:
            yield schema
            return
        resolved = self._resolve(schema)
        if "anyOf" in resolved:
            for alternative in resolved["anyOf"]:
                yield from self._alternatives(alternative)
        else:
            yield resolved

    def _nested_objects(self, schema: Schema) -> Iterator[tuple[Schema, str]]:
        """Yield the object schemas in a field that have no table of their own, and what the path adds for them."""
        for alternative in self._alternatives(schema):
            if "properties" in alternative:
                yield alternative, ""
            elif isinstance(alternative.get("items"), Mapping):
                for nested, suffix in self._nested_objects(alternative["items"]):
                    yield nested, f"[]{suffix}"

    def _type_name(self, schema: Schema) -> str:
        names = [self._plain_type_name(alternative) for alternative in self._alternatives(schema)]
        # `null` comes last.
        ordered = sorted(dict.fromkeys(names), key=lambda name: name == "null")
        return " or ".join(ordered)

    def _plain_type_name(self, schema: Schema) -> str:
        shared_name = self._shared_name(schema)
        if shared_name is not None:
            return code(shared_name)
        if "enum" in schema:
            return " or ".join("null" if value is None else code(str(value)) for value in schema["enum"])
        if "const" in schema:
            return code(str(schema["const"]))
        name = schema.get("type", "any")
        if isinstance(name, list):
            return " or ".join(sorted(name, key=lambda item: item == "null"))
        if name == "array" and isinstance(schema.get("items"), Mapping):
            return f"list of {self._type_name(schema['items'])}"
        if name == "array":
            return "list"
        if "format" in schema:
            return f"{name} ({schema['format']})"
        return str(name)
