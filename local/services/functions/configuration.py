"""host.json and app settings, read strictly: what the laptop's host would ignore, it refuses."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

_TIMESPAN = re.compile(r"(?:(\d+)\.)?(\d{1,2}):(\d{2}):(\d{2})")
_QUEUES = {
    "batchSize", "newBatchThreshold", "maxDequeueCount", "maxPollingInterval", "visibilityTimeout", "messageEncoding",
}  # fmt: skip


# https://learn.microsoft.com/azure/azure-functions/functions-host-json#override-hostjson-values
_OVERRIDE = "AzureFunctionsJobHost__"


class ConfigurationError(Exception):
    """The app's configuration is wrong, or asks for what the laptop's host does not do."""


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
    """What host.json says."""

    queues: QueueOptions
    # The default of Flex Consumption: https://learn.microsoft.com/azure/azure-functions/functions-scale#timeout
    timeout_seconds: float = 1800


def read_host_json(path: Path, settings: Mapping[str, str]) -> HostOptions:
    """The options in a host.json, with those that app settings override. Raises ConfigurationError."""
    document: dict[str, Any] = json.loads(path.read_text())
    for name, value in settings.items():
        if name.startswith(_OVERRIDE):
            *parents, last = name.removeprefix(_OVERRIDE).split("__")
            place = document
            for parent in parents:
                place = place.setdefault(parent, {})
            place[last] = value
    _only(document, {"version", "functionTimeout", "logging", "extensions"}, "host.json")
    extensions: dict[str, Any] = document.get("extensions", {})
    _only(extensions, {"queues"}, "host.json: extensions")
    queues: dict[str, Any] = extensions.get("queues", {})
    _only(queues, _QUEUES, "host.json: extensions.queues")
    if document.get("version") != "2.0":
        raise ConfigurationError(f"host.json: version is {document.get('version')!r}, not '2.0'")
    if queues.get("messageEncoding", "base64") != "base64":
        raise ConfigurationError("host.json: the laptop's host supports messageEncoding base64 only")
    batch_size = int(queues.get("batchSize", 16))
    if not 1 <= batch_size <= 32:
        raise ConfigurationError(f"host.json: extensions.queues.batchSize is {batch_size}; allowed: 1 to 32")
    return HostOptions(
        queues=QueueOptions(
            batch_size=batch_size,
            new_batch_threshold=int(queues.get("newBatchThreshold", batch_size // 2)),
            max_dequeue_count=int(queues.get("maxDequeueCount", 5)),
            max_polling_seconds=_seconds(queues.get("maxPollingInterval", "00:01:00")),
            retry_visibility_seconds=_seconds(queues.get("visibilityTimeout", "00:00:00")),
        ),
        timeout_seconds=_seconds(document.get("functionTimeout", "00:30:00")),
    )


def resolve(text: str, settings: Mapping[str, str]) -> str:
    """A binding's text with every %NAME% replaced by that app setting. Raises ConfigurationError."""

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


def connection(name: str, settings: Mapping[str, str]) -> QueueConnection:
    """The queue connection called `name`. Raises ConfigurationError, also for one by connection string."""
    if name in settings or f"AzureWebJobs{name}" in settings:
        raise ConfigurationError(
            f"the connection {name} is a connection string; the laptop's host uses identities only"
        )
    needed = {suffix: settings.get(f"{name}__{suffix}") for suffix in ("queueServiceUri", "credential", "clientId")}
    missing = [f"{name}__{suffix}" for suffix, value in needed.items() if not value]
    if missing:
        raise ConfigurationError(f"the connection {name} is incomplete; not set: {', '.join(missing)}")
    if needed["credential"] != "managedidentity":
        raise ConfigurationError(f"{name}__credential is {needed['credential']!r}, not 'managedidentity'")
    return QueueConnection(service_uri=str(needed["queueServiceUri"]), client_id=str(needed["clientId"]))


def _only(found: Mapping[str, Any], allowed: set[str], where: str) -> None:
    extra = sorted(found.keys() - allowed)
    if extra:
        raise ConfigurationError(f"{where}: the laptop's host does not support {', '.join(extra)}")


def _seconds(text: str) -> float:
    match = _TIMESPAN.fullmatch(text)
    if match is None:
        raise ConfigurationError(f"host.json: {text!r} is not a time span such as 00:01:00")
    days, hours, minutes, seconds = (int(part or 0) for part in match.groups())
    return timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds).total_seconds()
