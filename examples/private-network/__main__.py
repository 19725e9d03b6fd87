"""Image storage and a Cosmos DB database without public endpoints, behind private endpoints in a virtual network."""

from ipaddress import IPv4Network

import pulumi

import infra

config = pulumi.Config()
location = config.require("location")
names = infra.derive_names(prefix=config.require("namePrefix"))
tags = infra.derive_tags({})

resource_group = infra.ResourceGroup("resource-group", names=names, location=location, tags=tags)
context = infra.DeploymentContext(
    names=names,
    location=location,
    resource_group_name=resource_group.group.name,
    tags=tags,
    private_networking=True,
)

image_storage = infra.ImageStorage("images", context=context)
database = infra.CosmosDatabase(
    "records",
    context=context,
    images_max_ru=1000,
    analyses_max_ru=1000,
    analysis_retention_days=90,
)
services: list[infra.AzureService] = [image_storage, database]

network = infra.PrivateNetwork(
    "network",
    context=context,
    address_space=IPv4Network(config.require("addressSpace")),
    private_link_targets=[target for service in services for target in service.private_link_targets],
)

telemetry = infra.Telemetry("telemetry", context=context, retention_days=30)
infra.DiagnosticSettings(
    "diagnostics",
    workspace_id=telemetry.workspace.id,
    targets=[target for service in services for target in service.diagnostic_targets],
)

pulumi.export("virtualNetwork", network.vnet.id)
pulumi.export("imagesEndpoint", image_storage.blob_endpoint)
pulumi.export("recordsEndpoint", database.endpoint)
