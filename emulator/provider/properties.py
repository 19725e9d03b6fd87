"""Conversion of properties from and to the engine's messages."""

from typing import Any

from google.protobuf import json_format, struct_pb2

from emulator.core.resource_store import Properties

_INTERNAL = frozenset({"azureApiVersion"})


def to_inputs(properties: struct_pb2.Struct) -> Properties:
    """A resource's inputs in a message of the engine, without those that are Pulumi's own."""
    decoded: Properties = json_format.MessageToDict(properties)
    return {key: _whole(value) for key, value in decoded.items() if not key.startswith("__") and key not in _INTERNAL}


def _whole(value: Any) -> Any:
    """Struct knows only floating-point numbers; those without a fraction are integers again."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, list):
        return [_whole(item) for item in value]
    if isinstance(value, dict):
        return {key: _whole(item) for key, item in value.items()}
    return value


def to_struct(properties: Properties) -> struct_pb2.Struct:
    """Properties as a message of the engine."""
    return json_format.ParseDict(properties, struct_pb2.Struct())
