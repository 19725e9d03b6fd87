"""Stack outputs: where clients reach the pipeline, and what was deployed; none of them is secret."""

import pulumi

from infra.components.cosmos import CosmosDatabase
from infra.components.function_app import FunctionApp
from infra.components.image_storage import ImageStorage
from infra.config.cost.estimate import CostEstimate
from infra.config.settings import Settings
from infra.dynamic.code_deployment import CodeDeployment


def export_stack_outputs(
    *,
    image_storage: ImageStorage,
    database: CosmosDatabase,
    function_app: FunctionApp,
    code_deployment: CodeDeployment,
    settings: Settings,
    estimate: CostEstimate,
) -> None:
    """Export the stack's outputs; `make classify` and `make redrive` read them."""
    outputs = {
        "imagesEndpoint": image_storage.blob_endpoint,
        "imagesContainer": image_storage.images.name,
        "recordsEndpoint": database.endpoint,
        "recordsDatabase": database.database.name,
        "recordsContainer": database.images.name,
        "functionApp": function_app.site.name,
        "apiUrl": function_app.api_url,
        "apiAudience": settings.api_audience,
        "packageSha256": code_deployment.sha256,
        "sizing": settings.sizing.to_dict(),
        "estimatedMonthlyCost": estimate.to_dict(),
    }
    for name, value in outputs.items():
        pulumi.export(name, value)
