"""App: the Function App on Flex Consumption, and the settings its code reads."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

import pulumi
from pulumi_azure_native import managedidentity, web

from infra.components.analyzers import Analyzer
from infra.components.cosmos import Records
from infra.components.network import PrivateNetwork
from infra.components.resource_group import Place
from infra.components.result_topic import ResultsTopic
from infra.components.storage import HostStorage, ImageStorage
from infra.config.settings import Settings
from infra.config.sizing import Sizing
from infra.monitoring.telemetry import Telemetry
from infra.packaging import PYTHON_VERSION


def code_settings(  # noqa: PLR0917 (each has a type of its own, so none can be taken for another)
    settings: Settings,
    identity: managedidentity.UserAssignedIdentity,
    images: ImageStorage,
    analyzer: Analyzer,
    records: Records,
    results: ResultsTopic | None,
) -> dict[str, pulumi.Input[str]]:
    """The code's environment: what `functions/classifier/settings.py` knows, and its trigger's connection."""
    optional: dict[str, pulumi.Input[str]] = {}
    if results is not None:
        optional["PIPELINE_RESULTS_ENDPOINT"] = results.topic.endpoint
    if images.classified is not None:
        optional["PIPELINE_CLASSIFIED_CONTAINER"] = images.classified.name
    if settings.operators and settings.api_audience:
        optional |= {
            "PIPELINE_OPERATORS": json.dumps(
                [
                    {"objectId": principal.object_id, "principalType": principal.principal_type}
                    for principal in settings.operators
                ]
            ),
            "PIPELINE_API_AUDIENCE": settings.api_audience,
            "PIPELINE_TENANT_ID": identity.tenant_id,
        }
    return {
        **optional,
        "PIPELINE_CLIENT_ID": identity.client_id,
        "PIPELINE_BLOB_ENDPOINT": images.blob_endpoint,
        "PIPELINE_QUEUE_ENDPOINT": images.queue_endpoint,
        "PIPELINE_IMAGES_CONTAINER": images.images.name,
        "PIPELINE_DEADLETTER_CONTAINER": images.deadletter.name,
        "PIPELINE_IMAGES_QUEUE": images.queue.name,
        "PIPELINE_COSMOS_ENDPOINT": records.endpoint,
        "PIPELINE_COSMOS_DATABASE": records.database.name,
        "PIPELINE_COSMOS_IMAGES": records.images.name,
        "PIPELINE_COSMOS_ANALYSES": records.analyses.name,
        "PIPELINE_ANALYZER": analyzer.name,
        "PIPELINE_ANALYZER_OPTIONS": analyzer.options_json,
        "PIPELINE_FEATURES": json.dumps([*settings.features]),
        "PIPELINE_MIN_CONFIDENCE": str(settings.min_confidence),
        "PIPELINE_PATIENCE_HOURS": str(settings.patience_hours),
        "PIPELINE_TRIGGER": "schedule" if settings.scheduled else "events",
        "PIPELINE_RECONCILE_SCHEDULE": settings.reconcile_schedule,
        # The queue trigger's connection, by identity:
        # https://learn.microsoft.com/azure/azure-functions/functions-reference#configure-an-identity-based-connection
        "IMAGES__queueServiceUri": images.queue_endpoint,
        "IMAGES__credential": "managedidentity",
        "IMAGES__clientId": identity.client_id,
        # Wins over host.json: https://learn.microsoft.com/azure/azure-functions/functions-host-json#override-hostjson-values
        "AzureFunctionsJobHost__extensions__queues__batchSize": str(settings.sizing.batch_size),
    }


def _host_settings(
    identity: managedidentity.UserAssignedIdentity, host: HostStorage, telemetry: Telemetry
) -> dict[str, pulumi.Input[str]]:
    return {
        "AzureWebJobsStorage__blobServiceUri": host.blob_endpoint,
        "AzureWebJobsStorage__credential": "managedidentity",
        "AzureWebJobsStorage__clientId": identity.client_id,
        "APPLICATIONINSIGHTS_CONNECTION_STRING": telemetry.insights.connection_string,
        "APPLICATIONINSIGHTS_AUTHENTICATION_STRING": pulumi.Output.concat(
            "ClientId=", identity.client_id, ";Authorization=AAD"
        ),
    }


class FunctionApp(pulumi.ComponentResource):
    """A Flex Consumption plan and its one app, which reads its package and its host state by identity.

    With a `network` it reaches everything through that, and is made when the network's endpoints are there.
    """

    plan: web.AppServicePlan
    site: web.WebApp
    # That neither FTP nor SCM accepts a user name and password.
    publishing_policies: list[pulumi.Resource]

    def __init__(
        self,
        name: str,
        *,
        place: Place,
        identity: managedidentity.UserAssignedIdentity,
        host: HostStorage,
        telemetry: Telemetry,
        settings: Mapping[str, pulumi.Input[str]],
        sizing: Sizing,
        network: PrivateNetwork | None = None,
        after: Sequence[pulumi.Resource] = (),
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("image-pipeline:app:FunctionApp", name, {}, opts)
        child = pulumi.ResourceOptions(parent=self)
        self.plan = web.AppServicePlan(
            f"{name}-plan",
            name=place.names.local("asp"),
            resource_group_name=place.resource_group_name,
            location=place.location,
            kind="functionapp",
            reserved=True,
            sku=web.SkuDescriptionArgs(name="FC1", tier="FlexConsumption"),
            zone_redundant=place.zone_redundant,
            tags=place.tags,
            opts=child,
        )
        everything = {**_host_settings(identity, host, telemetry), **settings}
        self.site = web.WebApp(
            f"{name}-site",
            name=place.names.world("func"),
            resource_group_name=place.resource_group_name,
            location=place.location,
            kind="functionapp,linux",
            server_farm_id=self.plan.id,
            https_only=True,
            virtual_network_subnet_id=network.app_subnet_id if network else None,
            # In a private place too: `pulumi up` publishes the code through it, and nothing else answers there.
            public_network_access="Enabled",
            identity=web.ManagedServiceIdentityArgs(
                type=web.ManagedServiceIdentityType.USER_ASSIGNED, user_assigned_identities=[identity.id]
            ),
            function_app_config=web.FunctionAppConfigArgs(
                deployment=web.FunctionsDeploymentArgs(
                    storage=web.FunctionsDeploymentStorageArgs(
                        type=web.FunctionsDeploymentStorageType.BLOB_CONTAINER,
                        value=host.packages_url,
                        authentication=web.FunctionsDeploymentStorageAuthenticationArgs(
                            type=web.AuthenticationType.USER_ASSIGNED_IDENTITY,
                            user_assigned_identity_resource_id=identity.id,
                        ),
                    )
                ),
                runtime=web.FunctionsRuntimeArgs(name=web.RuntimeName.PYTHON, version=PYTHON_VERSION),
                scale_and_concurrency=web.FunctionsScaleAndConcurrencyArgs(
                    maximum_instance_count=sizing.maximum_instances, instance_memory_mb=sizing.instance_memory_mb
                ),
            ),
            # A plain dict on purpose: SiteConfigArgs adds netFrameworkVersion, which Flex Consumption refuses
            # (https://github.com/pulumi/pulumi-azure-native/issues/4168).
            site_config={
                "app_settings": [{"name": key, "value": value} for key, value in sorted(everything.items())],
                "min_tls_version": web.SupportedTlsVersions.SUPPORTED_TLS_VERSIONS_1_2,
            },
            tags=place.tags,
            opts=pulumi.ResourceOptions(
                parent=self, depends_on=[*after, *(network.app_prerequisites if network else ())]
            ),
        )
        # Publishing user names and passwords are keys too; only Entra identities may deploy.
        self.publishing_policies = [
            policy(
                f"{name}-no-{kind}-password",
                name=self.site.name,
                resource_group_name=place.resource_group_name,
                allow=False,
                opts=child,
            )
            for kind, policy in (("ftp", web.WebAppFtpAllowed), ("scm", web.WebAppScmAllowed))
        ]
        self.register_outputs({"site": self.site.name})

    @property
    def api_url(self) -> pulumi.Output[str]:
        """Where operators call redrive and backfill, without a slash at its end."""
        return pulumi.Output.concat("https://", self.site.default_host_name, "/api")

    @property
    def scm_host(self) -> pulumi.Output[str]:
        """The host name of the app's deployment service, as Azure gave it; it is not to be guessed from the name."""
        return self.site.host_name_ssl_states.apply(_repository_host)


def _repository_host(states: Sequence[web.outputs.HostNameSslStateResponse] | None) -> str:
    for state in states or ():
        if state.host_type == web.HostType.REPOSITORY.value and state.name:
            return state.name
    raise ValueError("Azure named no deployment (SCM) host for the function app")
