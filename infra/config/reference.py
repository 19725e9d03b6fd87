"""Generated text about the settings: the configuration block of Pulumi.yaml, and a table for the documentation."""

import json

from pydantic.fields import FieldInfo

from infra.config.field_types import AllowedValues
from infra.config.settings import Settings
from infra.config.stack_config import allowed_values, config_type


def pulumi_config_block() -> str:
    """The block `config` of Pulumi.yaml, with which the engine checks types and fills in defaults.

    Its values are JSON, which is valid YAML: https://yaml.org/spec/1.2.2/#12-relation-to-json
    """
    lines = ["config:"]
    for key, field in Settings.fields_by_key().items():
        lines.append(f"  {key}:")
        lines.append(f"    type: {config_type(field)}")
        if config_type(field) == "array":
            lines.append("    items:")
            lines.append(f"      type: {_item_type(field)}")
        lines.append(f"    default: {json.dumps(field.default)}")
        lines.append(f"    description: {json.dumps(_description_with_allowed_values(field))}")
    return "\n".join(lines) + "\n"


def settings_table() -> str:
    """A Markdown table of all settings: key, type, what it allows, default, and description."""
    rows = ["| Setting | Type | Allowed | Default | Description |", "|---|---|---|---|---|"]
    for key, field in Settings.fields_by_key().items():
        cells = (
            f"`{key}`",
            config_type(field),
            _escape(allowed_values(field)),
            f"`{json.dumps(field.default)}`",
            _escape(field.description or ""),
        )
        rows.append(f"| {' | '.join(cells)} |")
    return "\n".join(rows) + "\n"


def _item_type(field: FieldInfo) -> str:
    """The type of a list's items in Pulumi.yaml.

    Raises:
        TypeError: The field's type does not state it.
    """
    for item in field.metadata:
        if isinstance(item, AllowedValues) and item.item_type is not None:
            return item.item_type
    raise TypeError(f"{field.annotation} does not state the type of its items")


def _description_with_allowed_values(field: FieldInfo) -> str:
    if config_type(field) == "boolean":
        return field.description or ""
    return f"{field.description} Allowed: {allowed_values(field)}."


def _escape(text: str) -> str:
    """Text without characters that have a meaning in a Markdown table."""
    for character in "\\|<*":
        text = text.replace(character, f"\\{character}")
    return text
