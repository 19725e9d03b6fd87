"""Outputs: where clients find the pipeline, and what was deployed; nothing in them is secret."""

import pulumi

from infra.components.cosmos import Records
from infra.components.function_app import FunctionApp
from infra.components.storage import ImageStorage
from infra.config.settings import Settings
from infra.dynamic.code_deployment import Release


def export(*, images: ImageStorage, records: Records, app: FunctionApp, release: Release, settings: Settings) -> None:
    """Exports the stack's outputs; `make classify` and `make redrive` read them, and so may any client."""
    outputs = {
        "imagesEndpoint": images.blob_endpoint,
        "imagesContainer": images.images.name,
        "recordsEndpoint": records.endpoint,
        "recordsDatabase": records.database.name,
        "recordsContainer": records.images.name,
        "functionApp": app.site.name,
        "apiUrl": app.api_url,
        "apiAudience": settings.api_audience,
        "release": release.sha256,
        "sizing": settings.sizing.table(),
    }
    for name, value in outputs.items():
        pulumi.export(name, value)
