"""host.json as typed models: an unknown key or a value of another type is an error.

Written after the published schema (definition `version-2-ext-5` of https://json.schemastore.org/host.json) and
https://learn.microsoft.com/azure/azure-functions/functions-host-json. The real host ignores what it does not know:
HostJsonFileConfigurationSource.cs in Azure/azure-functions-host copies every key into its configuration.
"""

import re
from collections.abc import Iterator
from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

LogLevel = Literal["Trace", "Debug", "Information", "Warning", "Error", "Critical", "None"]
_TelemetryTypes = Annotated[
    str,
    Meta(
        pattern=r"^(Dependency|Event|Exception|PageView|Request|Trace)(;(Dependency|Event|Exception|PageView|Request|Trace))*$"
    ),
]
_TimeOfDay = Annotated[str, Meta(pattern=r"^([01]\d|2[0-3]):[0-5]\d:[0-5]\d$")]
_TimeSpan = Annotated[str, Meta(pattern=r"^\d\d:[0-5]\d:[0-5]\d(\.\d+)?$")]
_Percentage = Annotated[float, Meta(ge=0, le=100)]

_BUNDLE_ID = "Microsoft.Azure.Functions.ExtensionBundle"
_BUNDLE_VERSIONS = ("[4.*, 5.0.0)", "[4.0.0, 5.0.0)")
# What the host parses as a NuGet version range, with floating versions allowed, and as a package id.
_NUGET_VERSION = r"(\d+(\.\d+){0,3}(\.\*)?(-[\w.*-]+)?|\*)"
_NUGET_RANGE = re.compile(
    rf"{_NUGET_VERSION}|\[\s*{_NUGET_VERSION}\s*\]|[\[(]\s*{_NUGET_VERSION}?\s*,\s*{_NUGET_VERSION}?\s*[\])]"
)
_PACKAGE_ID = re.compile(r"\w+([.-]\w+)*")


class _Section(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """An object of host.json."""


class ExtensionBundle(_Section, frozen=True):
    """`extensionBundle`: where the host finds every trigger and binding but HTTP and timer.

    The errors about a missing or malformed value have the text of ExtensionBundleConfigurationHelper.cs in
    Azure/azure-functions-host. The supported range is the one that
    https://learn.microsoft.com/azure/azure-functions/extension-bundles recommends; it has version 5 of the Storage
    extensions, which the emulator's queue trigger follows.
    """

    id: str = ""
    version: str = ""

    def __post_init__(self) -> None:
        """Raise ValueError."""
        for name, value, pattern in (("version", self.version, _NUGET_RANGE), ("id", self.id, _PACKAGE_ID)):
            if not pattern.fullmatch(value):
                raise ValueError(
                    f"The value of {name} property in extensionBundle section of host.json file is invalid or missing. "
                    "See https://aka.ms/functions-hostjson for more information"
                )
        if self.id != _BUNDLE_ID or self.version not in _BUNDLE_VERSIONS:
            raise ValueError(
                f"the emulated host supports the extension bundle {_BUNDLE_ID} {_BUNDLE_VERSIONS[0]} only, "
                f"not {self.id} {self.version}"
            )


class SamplingSettings(_Section, frozen=True):
    """`logging.applicationInsights.samplingSettings`."""

    is_enabled: bool = True
    max_telemetry_items_per_second: Annotated[int, Meta(ge=1)] = 20
    evaluation_interval: _TimeOfDay = "01:00:00"
    initial_sampling_percentage: _Percentage = 100.0
    sampling_percentage_increase_timeout: _TimeOfDay = "00:00:01"
    sampling_percentage_decrease_timeout: _TimeOfDay = "00:00:01"
    min_sampling_percentage: _Percentage = 0.1
    max_sampling_percentage: _Percentage = 100.0
    moving_average_ratio: float = 1.0
    excluded_types: _TelemetryTypes | None = None
    included_types: _TelemetryTypes | None = None


class ApplicationInsights(_Section, frozen=True):
    """`logging.applicationInsights`; checked, and without effect: the emulator has no Application Insights."""

    sampling_settings: SamplingSettings = SamplingSettings()
    enable_live_metrics: bool = True
    enable_live_metrics_filters: bool = True
    enable_dependency_tracking: bool = True
    enable_performance_counters_collection: bool = True
    http_auto_collection_options: Any = UNSET
    snapshot_configuration: Any = UNSET


class Logging(_Section, frozen=True):
    """`logging`."""

    log_level: dict[str, LogLevel] = msgspec.field(default_factory=dict)
    application_insights: ApplicationInsights = ApplicationInsights()
    console: Any = UNSET
    file_logging_mode: Any = UNSET


class Queues(_Section, frozen=True):
    """`extensions.queues`: https://learn.microsoft.com/azure/azure-functions/functions-bindings-storage-queue#host-json."""

    batch_size: Annotated[int, Meta(ge=1, le=32)] = 16
    new_batch_threshold: Annotated[int, Meta(ge=0)] | UnsetType = UNSET
    max_dequeue_count: Annotated[int, Meta(ge=1)] = 5
    max_polling_interval: _TimeSpan = "00:01:00"
    visibility_timeout: _TimeSpan = "00:00:00"
    message_encoding: Literal["base64", "none"] = "base64"


class Http(_Section, frozen=True):
    """`extensions.http`: https://learn.microsoft.com/azure/azure-functions/functions-bindings-http-webhook#hostjson-settings."""

    route_prefix: str = "api"
    custom_headers: Any = UNSET
    dynamic_throttles_enabled: Any = UNSET
    hsts: Any = UNSET
    max_concurrent_requests: Any = UNSET
    max_outstanding_requests: Any = UNSET


class Extensions(_Section, frozen=True):
    """`extensions`."""

    http: Http = Http()
    queues: Queues = Queues()
    blobs: Any = UNSET
    cosmos_db: Any = msgspec.field(default=UNSET, name="cosmosDB")
    durable_task: Any = UNSET
    event_hubs: Any = UNSET
    kafka: Any = UNSET
    rabbit_mq: Any = msgspec.field(default=UNSET, name="rabbitMQ")
    send_grid: Any = UNSET
    service_bus: Any = UNSET
    signal_r: Any = msgspec.field(default=UNSET, name="signalR")


class HostJson(_Section, frozen=True):
    """host.json; what is `Any` is in the schema and not supported by the emulator."""

    version: Literal["2.0"]
    # Days are not in the schema; "-1" is, for no limit.
    function_timeout: Annotated[str, Meta(pattern=r"^(-1|([01]\d|2[0-3]):[0-5]\d:[0-5]\d)$")] | None = None
    extension_bundle: ExtensionBundle | None = None
    logging: Logging = Logging()
    extensions: Extensions = Extensions()
    aggregator: Any = UNSET
    concurrency: Any = UNSET
    custom_handler: Any = UNSET
    functions: Any = UNSET
    health_monitor: Any = UNSET
    language_worker: Any = UNSET
    managed_dependency: Any = UNSET
    retry: Any = UNSET
    send_canceled_invocations_to_worker: Any = UNSET
    singleton: Any = UNSET
    telemetry_mode: Any = UNSET
    watch_directories: Any = UNSET
    watch_files: Any = UNSET


def unsupported_keys(section: Struct, parent: str = "") -> Iterator[str]:
    """The keys that are set and that the emulator does not support, with the path to each.

    Args:
        section: The document or a part of it.
        parent: The path to `section`.
    """
    for field in msgspec.structs.fields(section):
        value = getattr(section, field.name)
        path = f"{parent}.{field.encode_name}".lstrip(".")
        if isinstance(value, Struct):
            yield from unsupported_keys(value, path)
        elif field.type is Any and value is not UNSET:
            yield path
