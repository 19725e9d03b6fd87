"""Function App on the Flex Consumption plan."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pulumi
from pulumi_azure_native import managedidentity, web

from infra.components.host_storage import HostStorage
from infra.components.network import PrivateNetwork
from infra.core.context import DeploymentContext
from infra.core.options import inherited_dependencies
from infra.dynamic.code_deployment import DeploymentTarget


class FunctionApp(pulumi.ComponentResource):
    """A Flex Consumption plan with one Python app, which reads its package and its host state by identity.

    The app depends on what `opts` depends on, such as the delay behind the identity's role assignments.

    Args:
        name: Logical name.
        context: Where the component deploys.
        identity: The user-assigned identity that the app runs as.
        host_storage: Holds the host's state and the deployment packages.
        application_insights_connection_string: Where the app sends its telemetry, by identity.
        app_settings: App settings of the function code; those of the host are added.
        python_version: Version of the runtime, such as `3.13`.
        maximum_instances: Instances that the app may scale out to.
        instance_memory_mb: Memory of an instance: 512, 2048 or 4096.
        network: Virtual network to integrate with. The app is created after the network's private endpoints.
        label: Start of the app's name, and part of the plan's; empty for the pipeline app.
    """

    plan: web.AppServicePlan
    site: web.WebApp
    # Refuse user names and passwords for deployments by FTP and through the deployment service (SCM).
    publishing_policies: list[pulumi.Resource]

    def __init__(
        self,
        name: str,
        *,
        context: DeploymentContext,
        identity: managedidentity.UserAssignedIdentity,
        host_storage: HostStorage,
        application_insights_connection_string: pulumi.Input[str],
        app_settings: Mapping[str, pulumi.Input[str]],
        python_version: str,
        maximum_instances: int,
        instance_memory_mb: int,
        network: PrivateNetwork | None = None,
        label: str = "",
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("image-pipeline:index:FunctionApp", name, {}, opts)
        child_opts = pulumi.ResourceOptions(parent=self)
        self.plan = web.AppServicePlan(
            f"{name}-plan",
            name=context.names.resource_name(f"asp-{label}" if label else "asp"),
            resource_group_name=context.resource_group_name,
            location=context.location,
            kind="functionapp",
            reserved=True,
            sku=web.SkuDescriptionArgs(name="FC1", tier="FlexConsumption"),
            zone_redundant=context.zone_redundant,
            tags=context.tags,
            opts=child_opts,
        )
        host_settings = _host_settings(identity, host_storage, application_insights_connection_string)
        all_settings = {**host_settings, **app_settings}
        subnet_id = None
        prerequisites: list[pulumi.Resource] = []
        if network is not None:
            subnet_id = network.app_subnet_id
            prerequisites = network.app_prerequisites
        self.site = web.WebApp(
            f"{name}-site",
            name=context.names.global_name(label or "func"),
            resource_group_name=context.resource_group_name,
            location=context.location,
            kind="functionapp,linux",
            server_farm_id=self.plan.id,
            https_only=True,
            virtual_network_subnet_id=subnet_id,
            # With private networking too: `pulumi up` deploys the code through it, and nothing else answers there.
            public_network_access="Enabled",
            identity=web.ManagedServiceIdentityArgs(
                type=web.ManagedServiceIdentityType.USER_ASSIGNED,
                user_assigned_identities=[identity.id],
            ),
            function_app_config=web.FunctionAppConfigArgs(
                deployment=web.FunctionsDeploymentArgs(
                    storage=web.FunctionsDeploymentStorageArgs(
                        type=web.FunctionsDeploymentStorageType.BLOB_CONTAINER,
                        value=host_storage.packages_url,
                        authentication=web.FunctionsDeploymentStorageAuthenticationArgs(
                            type=web.AuthenticationType.USER_ASSIGNED_IDENTITY,
                            user_assigned_identity_resource_id=identity.id,
                        ),
                    )
                ),
                runtime=web.FunctionsRuntimeArgs(name=web.RuntimeName.PYTHON, version=python_version),
                scale_and_concurrency=web.FunctionsScaleAndConcurrencyArgs(
                    maximum_instance_count=maximum_instances,
                    instance_memory_mb=instance_memory_mb,
                ),
            ),
            # A plain dict on purpose: SiteConfigArgs adds netFrameworkVersion, which Flex Consumption refuses
            # (https://github.com/pulumi/pulumi-azure-native/issues/4168).
            site_config={
                "app_settings": [{"name": key, "value": value} for key, value in sorted(all_settings.items())],
                "min_tls_version": web.SupportedTlsVersions.SUPPORTED_TLS_VERSIONS_1_2,
            },
            tags=context.tags,
            opts=pulumi.ResourceOptions.merge(
                pulumi.ResourceOptions(parent=self, depends_on=prerequisites),
                inherited_dependencies(opts),
            ),
        )
        # Publishing user names and passwords are keys too; only Entra identities may deploy.
        self.publishing_policies = [
            web.WebAppFtpAllowed(
                f"{name}-no-ftp-password",
                name=self.site.name,
                resource_group_name=context.resource_group_name,
                allow=False,
                opts=child_opts,
            ),
            web.WebAppScmAllowed(
                f"{name}-no-scm-password",
                name=self.site.name,
                resource_group_name=context.resource_group_name,
                allow=False,
                opts=child_opts,
            ),
        ]
        # With the app settings by name, by which `checks.plan` shows those that change. As inputs of the app they are
        # one secret, because one of them is: azure-native accepts no secrets, and the engine marks a whole list as soon
        # as one element is secret (`annotateSecrets` in
        # https://github.com/pulumi/pulumi/blob/master/sdk/go/common/resource/plugin/provider_plugin.go).
        self.register_outputs({"site": self.site.name, "appSettings": all_settings})

    @property
    def origin(self) -> pulumi.Output[str]:
        """Scheme and host name of the app's addresses, without a slash at its end."""
        return pulumi.Output.concat("https://", self.site.default_host_name)

    @property
    def root_url(self) -> pulumi.Output[str]:
        """The app's address, with a slash at its end: where its page is, if it has one."""
        return pulumi.Output.concat(self.origin, "/")

    @property
    def api_url(self) -> pulumi.Output[str]:
        """Where the app's HTTP functions are, without a slash at its end."""
        return pulumi.Output.concat(self.origin, "/api")

    @property
    def deployment_target(self) -> DeploymentTarget:
        """The app, as a target of code deployments."""
        return DeploymentTarget(
            site_id=self.site.id,
            # As Azure reports it; it does not follow from the app's name.
            scm_host=self.site.host_name_ssl_states.apply(_scm_host),
            # Changing a publishing policy locks the site and may restart its deployment service:
            # https://github.com/pulumi/pulumi-azure-native/issues/4461
            prerequisites=self.publishing_policies,
        )


def _host_settings(
    identity: managedidentity.UserAssignedIdentity,
    host_storage: HostStorage,
    application_insights_connection_string: pulumi.Input[str],
) -> dict[str, pulumi.Input[str]]:
    """App settings of the Functions host: its storage and its telemetry, both by identity.

    https://learn.microsoft.com/azure/azure-functions/functions-reference#configure-an-identity-based-connection,
    https://learn.microsoft.com/azure/azure-monitor/app/azure-ad-authentication
    """
    return {
        "AzureWebJobsStorage__blobServiceUri": host_storage.blob_endpoint,
        "AzureWebJobsStorage__credential": "managedidentity",
        "AzureWebJobsStorage__clientId": identity.client_id,
        "APPLICATIONINSIGHTS_CONNECTION_STRING": application_insights_connection_string,
        "APPLICATIONINSIGHTS_AUTHENTICATION_STRING": pulumi.Output.concat(
            "ClientId=", identity.client_id, ";Authorization=AAD"
        ),
    }


def _scm_host(states: Sequence[web.outputs.HostNameSslStateResponse] | None) -> str:
    for state in states or ():
        if state.host_type == web.HostType.REPOSITORY.value and state.name:
            return state.name
    raise ValueError("Azure reports no deployment (SCM) host of the function app")
