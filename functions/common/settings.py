"""App settings, read from the environment; one error names all that are missing or wrong."""

import logging
from collections.abc import Mapping
from typing import Any, get_args

import msgspec
from msgspec import Meta, Struct
from msgspec.structs import FieldInfo

_log = logging.getLogger("common")


class SettingsError(Exception):
    """App settings are missing or wrong."""


def load_settings[Settings: Struct](
    settings_type: type[Settings], environment: Mapping[str, str], *, prefix: str
) -> Settings:
    """Read the app settings of an app.

    The encoded name of each field is the name of its setting. `extra` of its `Meta` says what is allowed, for the error
    message, and whether the value is JSON. An optional setting that is empty counts as absent.

    Args:
        settings_type: the struct whose fields are the settings.
        environment: the names and texts of the settings.
        prefix: how the names of all settings of the app begin.

    Raises:
        SettingsError: settings are missing or wrong.
    """
    values: dict[str, Any] = {}
    problems: list[str] = []
    fields = msgspec.structs.fields(settings_type)
    for field in fields:
        text = environment.get(field.encode_name)
        if text:
            try:
                values[field.name] = _parse(text, field)
            except msgspec.DecodeError:
                problems.append(f"{field.encode_name} is {text!r}, not {field_metadata(field)['allowed']}")
        elif field.required:
            problems.append(f"{field.encode_name} is not set")
    if problems:
        raise SettingsError("; ".join(problems))
    # No error: a deployment changes the settings before the code.
    unknown = {name for name in environment if name.startswith(prefix)} - {field.encode_name for field in fields}
    if unknown:
        _log.warning("unknown app settings: %s", ", ".join(sorted(unknown)))
    return settings_type(**values)


def field_metadata(field: FieldInfo) -> Mapping[str, object]:
    """Return `extra` of the field's `Meta`."""
    for annotation in get_args(field.type):
        if isinstance(annotation, Meta) and annotation.extra is not None:
            return annotation.extra
    return {}


def _parse(text: str, field: FieldInfo) -> Any:
    """Parse the text of a setting. Raises msgspec.DecodeError."""
    metadata = field_metadata(field)
    if not metadata:
        return text
    if metadata.get("is_json", False):
        return msgspec.json.decode(text, type=field.type)
    return msgspec.convert(text, field.type, strict=False)
