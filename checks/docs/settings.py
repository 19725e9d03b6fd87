"""The settings of a stack: the configuration block of Pulumi.yaml as a table."""

import json
from typing import Any

import yaml

from checks.docs.markdown import code, table
from checks.docs.recordings import ROOT


def settings_table() -> str:
    """Return name, type, default and description of every setting, in the order of Pulumi.yaml."""
    config: dict[str, Any] = yaml.safe_load((ROOT / "Pulumi.yaml").read_text())["config"]
    rows = [
        (code(name), _type_name(schema), code(_default_text(schema["default"])), schema["description"])
        for name, schema in config.items()
    ]
    return table(("setting", "type", "default", "meaning"), rows)


def _type_name(schema: dict[str, Any]) -> str:
    if schema["type"] == "array":
        return f"list of {schema['items']['type']}"
    return schema["type"]


def _default_text(value: Any) -> str:
    """Return a default as a stack file has it; an empty string needs quotes to be visible."""
    if isinstance(value, str) and value:
        return value
    return json.dumps(value).replace('"', "") if isinstance(value, list) else json.dumps(value)
