"""Stack outputs: where clients reach the pipeline, and what was deployed; none of them is secret."""

import pulumi

from infra.components.cosmos import CosmosDatabase
from infra.components.function_app import FunctionApp
from infra.components.image_storage import ImageStorage
from infra.config.settings import Settings
from infra.dynamic.code_deployment import CodeDeployment
from infra.stack_cost import estimate_stack_cost, load_stack_prices
from infra.stack_shadow import describe_shadow


def export_stack_outputs(
    *,
    image_storage: ImageStorage,
    database: CosmosDatabase,
    function_app: FunctionApp,
    api_app: FunctionApp | None,
    code_deployment: CodeDeployment,
    api_code_deployment: CodeDeployment | None,
    settings: Settings,
    api_client_id: pulumi.Input[str] | None,
    tenant_id: pulumi.Output[str],
) -> None:
    """Export the stack's outputs, which the client reads; warn if the estimated cost of a month exceeds the budget."""
    outputs: dict[str, object] = {
        "imagesEndpoint": image_storage.blob_endpoint,
        "imagesContainer": image_storage.images.name,
        "recordsEndpoint": database.endpoint,
        "recordsDatabase": database.database.name,
        "recordsContainer": database.images.name,
        "functionApp": function_app.site.name,
        # Where operators call redrive and backfill.
        "apiUrl": function_app.api_url,
        # Where clients upload, list and search images; empty without sign-in.
        "imageApiUrl": "" if api_app is None else api_app.api_url,
        # The page for people; empty without sign-in.
        "galleryUrl": "" if api_app is None else api_app.root_url,
        # Tokens are requested for the scope `<client id>/.default`; empty without sign-in.
        "apiClientId": "" if api_client_id is None else api_client_id,
        "tenantId": tenant_id,
        "packageSha256": code_deployment.sha256,
        # Empty without sign-in.
        "apiPackageSha256": "" if api_code_deployment is None else api_code_deployment.sha256,
        "sizing": settings.sizing.to_dict(),
        "estimatedMonthlyCost": estimate_stack_cost(settings).to_dict(),
    }
    if settings.shadow is not None:
        # What `make agreement` reads.
        outputs["shadow"] = describe_shadow(settings.shadow, settings, load_stack_prices(settings))
    for name, value in outputs.items():
        pulumi.export(name, value)
