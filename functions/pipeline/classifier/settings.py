"""The app settings, read from the environment; one error names all that are missing or wrong."""

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, cast

REQUIRED = (
    "PIPELINE_CLIENT_ID",
    "PIPELINE_BLOB_ENDPOINT",
    "PIPELINE_QUEUE_ENDPOINT",
    "PIPELINE_IMAGES_CONTAINER",
    "PIPELINE_DEADLETTER_CONTAINER",
    "PIPELINE_IMAGES_QUEUE",
    "PIPELINE_COSMOS_ENDPOINT",
    "PIPELINE_COSMOS_DATABASE",
    "PIPELINE_COSMOS_IMAGES",
    "PIPELINE_COSMOS_ANALYSES",
    "PIPELINE_ANALYZER",
    "PIPELINE_ANALYZER_OPTIONS",
    "PIPELINE_FEATURES",
    "PIPELINE_MIN_CONFIDENCE",
    "PIPELINE_MAX_RETRY_AGE_HOURS",
    "PIPELINE_TRIGGER",
    "PIPELINE_RECONCILE_SCHEDULE",
)
# If these are absent: no image copies, no results topic, no operators.
OPTIONAL = (
    "PIPELINE_CLASSIFIED_CONTAINER",
    "PIPELINE_RESULTS_ENDPOINT",
    "PIPELINE_OPERATORS",
    "PIPELINE_API_AUDIENCE",
    "PIPELINE_TENANT_ID",
)


type PrincipalType = Literal["User", "Group", "ServicePrincipal"]

_PRINCIPAL_TYPES: tuple[PrincipalType, ...] = ("User", "Group", "ServicePrincipal")
_PRINCIPALS = "a JSON list of {objectId, principalType}, the type User, Group or ServicePrincipal"


class SettingsError(Exception):
    """App settings are missing or wrong."""


@dataclass(frozen=True, kw_only=True)
class OperatorPrincipal:
    """A user, group or service principal that may call the app's HTTP functions."""

    object_id: str
    principal_type: PrincipalType


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The app settings of the pipeline; infra/app_settings.py writes them."""

    client_id: str
    blob_endpoint: str
    queue_endpoint: str
    images_container: str
    deadletter_container: str
    classified_container: str | None
    images_queue: str
    cosmos_endpoint: str
    cosmos_database: str
    cosmos_images: str
    cosmos_analyses: str
    results_endpoint: str | None
    analyzer: str
    analyzer_options: Mapping[str, Any]
    features: tuple[str, ...]
    min_confidence: float
    max_retry_age_hours: float
    scheduled: bool
    operators: tuple[OperatorPrincipal, ...]
    api_audience: str | None
    tenant_id: str | None

    @property
    def poison_queue(self) -> str:
        """The queue that the Functions host moves messages to after too many deliveries; the host adds the suffix."""
        return f"{self.images_queue}-poison"

    @staticmethod
    def load(environment: Mapping[str, str] = os.environ) -> "Settings":
        """Read the settings from `environment`. Raises SettingsError if some are missing or wrong."""
        reader = _Reader(environment)
        settings = Settings(
            client_id=reader.text("PIPELINE_CLIENT_ID"),
            blob_endpoint=reader.text("PIPELINE_BLOB_ENDPOINT"),
            queue_endpoint=reader.text("PIPELINE_QUEUE_ENDPOINT"),
            images_container=reader.text("PIPELINE_IMAGES_CONTAINER"),
            deadletter_container=reader.text("PIPELINE_DEADLETTER_CONTAINER"),
            classified_container=reader.optional("PIPELINE_CLASSIFIED_CONTAINER"),
            images_queue=reader.text("PIPELINE_IMAGES_QUEUE"),
            cosmos_endpoint=reader.text("PIPELINE_COSMOS_ENDPOINT"),
            cosmos_database=reader.text("PIPELINE_COSMOS_DATABASE"),
            cosmos_images=reader.text("PIPELINE_COSMOS_IMAGES"),
            cosmos_analyses=reader.text("PIPELINE_COSMOS_ANALYSES"),
            results_endpoint=reader.optional("PIPELINE_RESULTS_ENDPOINT"),
            analyzer=reader.text("PIPELINE_ANALYZER"),
            analyzer_options=reader.parsed("PIPELINE_ANALYZER_OPTIONS", _object, "a JSON object", {}),
            features=reader.parsed("PIPELINE_FEATURES", _texts, "a JSON list of texts", ()),
            min_confidence=reader.parsed("PIPELINE_MIN_CONFIDENCE", _share, "a number 0 to 1", 0.0),
            max_retry_age_hours=reader.parsed("PIPELINE_MAX_RETRY_AGE_HOURS", _positive, "a number over 0", 1.0),
            scheduled=reader.parsed("PIPELINE_TRIGGER", _trigger, "events or schedule", default=False),
            operators=reader.parsed("PIPELINE_OPERATORS", _principals, _PRINCIPALS, (), optional=True),
            api_audience=reader.optional("PIPELINE_API_AUDIENCE"),
            tenant_id=reader.optional("PIPELINE_TENANT_ID"),
        )
        reader.text("PIPELINE_RECONCILE_SCHEDULE")  # the Functions host reads it, with a less clear error message
        reader.raise_if_invalid()
        return settings


class _Reader:
    """Reads values and collects errors, so that all of them are reported together."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment
        self._errors: list[str] = []

    def text(self, name: str) -> str:
        value = self._environment.get(name)
        if not value:
            self._errors.append(f"{name} is not set")
        return value or ""

    def optional(self, name: str) -> str | None:
        return self._environment.get(name) or None

    def parsed[Value](
        self, name: str, parse: Callable[[str], Value], allowed: str, default: Value, *, optional: bool = False
    ) -> Value:
        text = (self.optional(name) if optional else self.text(name)) or ""
        if not text:
            return default
        try:
            return parse(text)
        except ValueError:
            self._errors.append(f"{name} is {text!r}, not {allowed}")
            return default

    def raise_if_invalid(self) -> None:
        if self._errors:
            raise SettingsError("; ".join(self._errors))


def _texts(text: str) -> tuple[str, ...]:
    """Parse a non-empty JSON list of strings. Raises ValueError."""
    value: object = json.loads(text)
    items = cast("list[object]", value) if isinstance(value, list) else []
    if not items or not all(isinstance(item, str) for item in items):
        raise ValueError(text)
    return tuple(map(str, items))


def _principals(text: str) -> tuple[OperatorPrincipal, ...]:
    """Parse a non-empty JSON list of principals. Raises ValueError."""
    value: object = json.loads(text)
    items = cast("list[object]", value) if isinstance(value, list) else []
    if not items:
        raise ValueError(text)
    return tuple(map(_principal, items))


def _principal(item: object) -> OperatorPrincipal:
    fields = cast("dict[str, object]", item) if isinstance(item, dict) else {}
    object_id = fields.get("objectId")
    type_name = fields.get("principalType")
    for principal_type in _PRINCIPAL_TYPES:
        if isinstance(object_id, str) and type_name == principal_type:
            return OperatorPrincipal(object_id=object_id, principal_type=principal_type)
    raise ValueError(f"{item!r} is no principal")


def _object(text: str) -> Mapping[str, Any]:
    value: object = json.loads(text)
    if not isinstance(value, dict):
        raise ValueError(text)  # noqa: TRY004 (every parser here raises the same)
    return cast("dict[str, Any]", value)


def _share(text: str) -> float:
    value = float(text)
    if not 0 <= value <= 1:
        raise ValueError(text)
    return value


def _positive(text: str) -> float:
    value = float(text)
    if not 0 < value < float("inf"):
        raise ValueError(text)
    return value


def _trigger(text: str) -> bool:
    if text not in {"events", "schedule"}:
        raise ValueError(text)
    return text == "schedule"
