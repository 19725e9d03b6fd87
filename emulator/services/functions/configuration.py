"""Strict reading of host.json and of app settings: what the emulated host does not support is an error."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec

from emulator.services.functions.host_json import HostJson, unsupported_keys

# https://learn.microsoft.com/azure/azure-functions/functions-host-json#override-hostjson-values
_OVERRIDE = "AzureFunctionsJobHost__"


class ConfigurationError(Exception):
    """The app's configuration is invalid, or requires what the emulated host does not support."""


@dataclass(frozen=True, kw_only=True)
class QueueOptions:
    """extensions.queues of host.json: https://learn.microsoft.com/azure/azure-functions/functions-bindings-storage-queue#host-json."""

    batch_size: int = 16
    new_batch_threshold: int = 8
    max_dequeue_count: int = 5
    max_polling_seconds: float = 60
    retry_visibility_seconds: float = 0


@dataclass(frozen=True, kw_only=True)
class HostOptions:
    """The options in host.json that the emulated host follows."""

    queues: QueueOptions
    # Whether the host has triggers and bindings besides HTTP and timer.
    has_extension_bundle: bool
    # What the routes of all HTTP triggers begin with.
    route_prefix: str = "api"
    # The default of Flex Consumption: https://learn.microsoft.com/azure/azure-functions/functions-scale#timeout
    timeout_seconds: float = 1800


def read_host_json(path: Path, settings: Mapping[str, str]) -> HostOptions:
    """The options in a host.json, with those that app settings override.

    Raises:
        ConfigurationError: The file is not JSON, or has a key that is unknown or not supported, or a value that is not
            allowed.
    """
    try:
        document: Any = json.loads(path.read_text())
    except ValueError as error:
        raise ConfigurationError(f"Unable to parse host configuration file '{path}'.") from error
    # The file on its own first: only an app setting may have numbers and booleans as text.
    _validate(document, strict=True)
    host = _validate(_overridden(document, settings), strict=False)
    if unsupported := sorted(unsupported_keys(host)):
        raise ConfigurationError(f"host.json: the emulated host does not support {', '.join(unsupported)}")
    queues = host.extensions.queues
    if queues.message_encoding != "base64":
        raise ConfigurationError("host.json: the emulated host supports messageEncoding base64 only")
    if host.function_timeout == "-1":
        raise ConfigurationError("host.json: the emulated host does not support a functionTimeout of -1")
    threshold = queues.new_batch_threshold
    return HostOptions(
        queues=QueueOptions(
            batch_size=queues.batch_size,
            new_batch_threshold=queues.batch_size // 2 if isinstance(threshold, msgspec.UnsetType) else threshold,
            max_dequeue_count=queues.max_dequeue_count,
            max_polling_seconds=_seconds(queues.max_polling_interval),
            retry_visibility_seconds=_seconds(queues.visibility_timeout),
        ),
        has_extension_bundle=host.extension_bundle is not None,
        route_prefix=host.extensions.http.route_prefix,
        timeout_seconds=_seconds(host.function_timeout or "00:30:00"),
    )


def resolve(text: str, settings: Mapping[str, str]) -> str:
    """A binding's text with the app settings in place of every %NAME%. Raises ConfigurationError."""

    def value(match: re.Match[str]) -> str:
        if match[1] not in settings:
            raise ConfigurationError(f"{text!r} refers to the app setting {match[1]}, which is not set")
        return settings[match[1]]

    return re.sub(r"%([^%]+)%", value, text)


@dataclass(frozen=True, kw_only=True)
class QueueConnection:
    """An identity-based connection: https://learn.microsoft.com/azure/azure-functions/functions-reference#connections."""

    service_uri: str
    client_id: str


def read_connection(name: str, settings: Mapping[str, str]) -> QueueConnection:
    """The queue connection called `name`. Raises ConfigurationError, also for one by connection string."""
    if name in settings or f"AzureWebJobs{name}" in settings:
        raise ConfigurationError(
            f"the connection {name} is a connection string; the emulated host uses identities only"
        )
    values = {suffix: settings.get(f"{name}__{suffix}") for suffix in ("queueServiceUri", "credential", "clientId")}
    missing = [f"{name}__{suffix}" for suffix, value in values.items() if not value]
    if missing:
        raise ConfigurationError(f"the connection {name} is incomplete; not set: {', '.join(missing)}")
    if values["credential"] != "managedidentity":
        raise ConfigurationError(f"{name}__credential is {values['credential']!r}, not 'managedidentity'")
    return QueueConnection(service_uri=str(values["queueServiceUri"]), client_id=str(values["clientId"]))


def _validate(document: Any, *, strict: bool) -> HostJson:
    """The document as a model. Unless `strict`, text may stand for numbers. Raises ConfigurationError."""
    try:
        return msgspec.convert(document, HostJson, strict=strict)
    except msgspec.ValidationError as error:
        raise ConfigurationError(f"host.json: {error}") from error


def _overridden(document: dict[str, Any], settings: Mapping[str, str]) -> dict[str, Any]:
    """The document with the values of the app settings that override it. Raises ConfigurationError."""
    for name, value in settings.items():
        if name.startswith(_OVERRIDE):
            *parents, last = name.removeprefix(_OVERRIDE).split("__")
            section = document
            for parent in parents:
                section = section.setdefault(parent, {})
                if not isinstance(section, dict):
                    raise ConfigurationError(f"the app setting {name}: {parent} of host.json is not an object")
            section[last] = value
    return document


def _seconds(text: str) -> float:
    hours, minutes, seconds = text.split(":")
    return timedelta(hours=int(hours), minutes=int(minutes), seconds=float(seconds)).total_seconds()
