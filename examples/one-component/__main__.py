"""The component ImageStorage in a program of its own, with the diagnostic settings of its storage account."""

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
)

photo_storage = infra.ImageStorage("photos", context=context, retention_days=30)

telemetry = infra.Telemetry("telemetry", context=context, retention_days=30)
infra.DiagnosticSettings(
    "diagnostics",
    workspace_id=telemetry.workspace.id,
    targets=photo_storage.diagnostic_targets,
)

pulumi.export("photosEndpoint", photo_storage.blob_endpoint)
pulumi.export("photosContainer", photo_storage.images.name)
