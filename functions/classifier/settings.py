"""The app's environment as one value, read once; every missing or wrong setting is named together."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

REQUIRED = (
    "PIPELINE_CLIENT_ID",
    "PIPELINE_BLOB_ENDPOINT",
    "PIPELINE_IMAGES_CONTAINER",
    "PIPELINE_IMAGES_QUEUE",
    "PIPELINE_COSMOS_ENDPOINT",
    "PIPELINE_COSMOS_DATABASE",
    "PIPELINE_COSMOS_IMAGES",
    "PIPELINE_COSMOS_ANALYSES",
    "PIPELINE_VISION_ENDPOINTS",
    "PIPELINE_FEATURES",
    "PIPELINE_MIN_CONFIDENCE",
)


class SettingsError(Exception):
    """What is missing from the environment, or wrong in it."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The pipeline's settings; infra/app.py (code_settings) writes them."""

    client_id: str
    blob_endpoint: str
    images_container: str
    cosmos_endpoint: str
    cosmos_database: str
    cosmos_images: str
    cosmos_analyses: str
    vision_endpoints: tuple[str, ...]
    features: tuple[str, ...]
    min_confidence: float

    @staticmethod
    def load(environment: Mapping[str, str] = os.environ) -> "Settings":
        """The settings in `environment`; raises SettingsError."""
        errors = [f"{name} is not set" for name in REQUIRED if not environment.get(name)]
        features = _texts(environment, "PIPELINE_FEATURES", errors)
        endpoints = _texts(environment, "PIPELINE_VISION_ENDPOINTS", errors)
        confidence = 0.0
        try:
            confidence = float(environment.get("PIPELINE_MIN_CONFIDENCE") or 0)
        except ValueError:
            errors.append(f"PIPELINE_MIN_CONFIDENCE is {environment['PIPELINE_MIN_CONFIDENCE']!r}, not a number 0 to 1")
        if errors:
            raise SettingsError("; ".join(errors))
        return Settings(
            client_id=environment["PIPELINE_CLIENT_ID"],
            blob_endpoint=environment["PIPELINE_BLOB_ENDPOINT"],
            images_container=environment["PIPELINE_IMAGES_CONTAINER"],
            cosmos_endpoint=environment["PIPELINE_COSMOS_ENDPOINT"],
            cosmos_database=environment["PIPELINE_COSMOS_DATABASE"],
            cosmos_images=environment["PIPELINE_COSMOS_IMAGES"],
            cosmos_analyses=environment["PIPELINE_COSMOS_ANALYSES"],
            vision_endpoints=endpoints,
            features=features,
            min_confidence=confidence,
        )


def _texts(environment: Mapping[str, str], name: str, errors: list[str]) -> tuple[str, ...]:
    """The JSON list of texts in a setting; what is wrong with it is added to `errors`."""
    text = environment.get(name)
    if not text:  # it is missing, which is an error already
        return ()
    try:
        value: object = json.loads(text)
    except ValueError:
        value = None
    if isinstance(value, list) and value:
        items = cast("list[object]", value)
        if all(isinstance(item, str) for item in items):
            return tuple(map(str, items))
    errors.append(f"{name} is {text!r}, not a JSON list of texts")
    return ()
