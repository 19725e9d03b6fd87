"""What each setting changes in the program, and that it changes nothing else: the stack `dev` with and without it.

Settings that have nothing in common are changed together; whatever differs is compared with the expected list.
"""

import json
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.conftest import Recorder, run_program
from tests.infra.test_network import private_endpoints
from tests.infra.test_settings import ALICE, CUSTOM

# A delay repeats what it waits for, which tests/infra/test_role_assignment_delay.py looks at.
DELAYS = {"role-definition-delay", "role-assignment-delay"}
APP = "app-site.siteConfig.appSettings"
ACCOUNTS = "Microsoft.CognitiveServices/accounts"
IMAGES = "records-images.resource"
# What `signIn: create` of the stack dev creates.
API_REGISTRATION = {
    "api",
    "api-azure-cli",
    "api-identifier-uri",
    "api-images-delete",
    "api-images-read",
    "api-images-upload",
    "api-pipeline-operate",
    "api-redirect-uris",
    "api-registration",
    "api-scope",
    "api-service-principal",
}

# What the API app needs, and what is only for it.
API_RESOURCES = {
    "api-function",
    "api-access",
    "api-app",
    "api-app-no-ftp-password",
    "api-app-no-scm-password",
    "api-app-plan",
    "api-app-site",
    "api-code-deployment",
    "api-code-deployment-package-revision",
    "api-function-host",
    "api-function-host-account",
    "api-function-host-packages",
    "api-function-image-creator-on-images-container",
    "api-function-monitoring-metrics-publisher-on-telemetry-insights",
    "api-function-query-of-records-images",
    "api-function-storage-blob-data-owner-on-api-function-host-account",
    "api-function-storage-blob-data-reader-on-images-container",
    "api-function-storage-blob-delegator-on-images-account",
    "function-image-deleter-on-images-container",
    "image-creator",
    "image-creator-role",
    "image-deleter",
    "image-deleter-role",
    "images-blob-service",
    "monitoring-diagnostics-api-function-host-blob",
}
API_APP = "api-app-site.siteConfig.appSettings"


@dataclass(kw_only=True)
class Difference:
    """Resources by logical name, and values by logical name and path; a value that is gone is None."""

    added: set[str] = field(default_factory=set)
    removed: set[str] = field(default_factory=set)
    changed: dict[str, Any] = field(default_factory=dict)


def flat(value: Any, path: str) -> dict[str, Any]:
    """Values by dotted path; an item of a list has its name, or its number."""
    if isinstance(value, dict) and value.keys() == {"name", "value"}:
        return {path: value["value"]}
    if isinstance(value, dict) and value:
        items = value.items()
    elif isinstance(value, list) and value:
        items = [(item.get("name", n) if isinstance(item, dict) else n, item) for n, item in enumerate(value)]
    else:
        return {path: value}
    result: dict[str, Any] = {}
    for name, item in items:
        result |= flat(item, f"{path}.{name}")
    return result


def values(recorder: Recorder) -> dict[str, Any]:
    """Every value of the program: inputs, protection and outputs; tests/infra/cost has those of the estimate."""
    result: dict[str, Any] = {}
    for resource in recorder.resources:
        inputs = {name: value for name, value in resource.inputs.items() if not name.startswith("__")}
        if resource.name in DELAYS:
            inputs = {"seconds": inputs["seconds"]}
        result |= flat(inputs | {"protect": resource.protect}, resource.name)
    outputs = {name: value for name, value in recorder.outputs.items() if name != "estimatedMonthlyCost"}
    return result | flat(outputs, "outputs")


def difference(before: Recorder, after: Recorder) -> Difference:
    old_names, new_names = ({resource.name for resource in recorder.resources} for recorder in (before, after))
    old, new = values(before), values(after)
    common = (old_names & new_names) | {"outputs"}
    return Difference(
        added=new_names - old_names,
        removed=old_names - new_names,
        changed={
            path: new.get(path)
            for path in sorted(old.keys() | new.keys())
            if path.partition(".")[0] in common and old.get(path) != new.get(path)
        },
    )


VARIANTS: dict[str, tuple[dict[str, Any], Difference]] = {
    "schedule, copies and retention": (
        {
            "trigger": "schedule",
            "copyClassified": True,
            "imageRetentionDays": 7,
            "recordRetentionDays": 0,
            "cacheDays": 5,
            "minConfidencePercent": 35,
            "maxRetryAgeHours": 5,
            "reconcileSchedule": "0 0 * * * *",
        },
        Difference(
            added={"function-storage-blob-data-contributor-on-images-classified", "images-classified"},
            changed={
                f"{APP}.PIPELINE_CLASSIFIED_CONTAINER": "images-classified",
                f"{APP}.PIPELINE_MIN_CONFIDENCE": "0.35",
                f"{APP}.PIPELINE_MAX_RETRY_AGE_HOURS": "5",
                f"{APP}.PIPELINE_RECONCILE_SCHEDULE": "0 0 * * * *",
                f"{APP}.PIPELINE_TRIGGER": "schedule",
                **{
                    f"images-lifecycle.policy.rules.expire-classified.{path}": value
                    for path, value in {
                        "definition.actions.baseBlob.delete.daysAfterModificationGreaterThan": 7,
                        "definition.filters.blobTypes.0": "blockBlob",
                        "definition.filters.prefixMatch.0": "classified/",
                        "enabled": True,
                        "name": "expire-classified",
                        "type": "Lifecycle",
                    }.items()
                },
                "images-lifecycle.policy.rules.expire-images.definition.actions.baseBlob.delete"
                ".daysAfterModificationGreaterThan": 7,
                "outputs.sizing.analyses.storage_gb": 0.0,
                "outputs.sizing.images.storage_gb": 0.3,
                "outputs.sizing.record_days": 365,
                "records-analyses.resource.defaultTtl": 432_000,
                f"{IMAGES}.defaultTtl": None,
                "blob-event-subscription.filter.includedEventTypes.0": "Microsoft.Storage.BlobDeleted",
                "blob-event-subscription.filter.includedEventTypes.1": None,
            },
        ),
    ),
    "safety, embeddings, zones and operations": (
        {
            "features": ["tags", "safety", "embeddings"],
            "zoneRedundant": True,
            "alertEmail": "a@b.example",
            "logRetentionDays": 60,
            "monthlyBudget": 7,
            "genderNeutralCaptions": True,
            "smartCropAspectRatios": ["0.9", "1.5"],
            "visionCallsPerSecond": 20,
            "peakFactor": 2,
        },
        Difference(
            added={"api-function-text-vectorizer-on-vision-account-1", "text-vectorizer", "text-vectorizer-role"},
            changed={
                "app-plan.zoneRedundant": True,
                f"{APP}.PIPELINE_ANALYZER_OPTIONS": json.dumps(
                    {
                        "callsPerSecond": 20,
                        "endpoints": ["https://vision-account-1.cognitiveservices.azure.com/"],
                        "genderNeutralCaptions": True,
                        "instances": 40,
                        "language": "en",
                        "smartCropAspectRatios": [0.9, 1.5],
                    }
                ),
                f"{APP}.PIPELINE_FEATURES": '["tags", "safety", "embeddings"]',
                "api-app-plan.zoneRedundant": True,
                "api-function-host-account.sku.name": "Standard_ZRS",
                f"{API_APP}.IMAGE_API_FEATURES": '["tags", "safety", "embeddings"]',
                f"{API_APP}.IMAGE_API_VISION_ENDPOINTS": '["https://vision-account-1.cognitiveservices.azure.com/"]',
                "host-account.sku.name": "Standard_ZRS",
                "vision-caller-role.description": (
                    f"{ACCOUNTS}/ComputerVision/analyze/action, {ACCOUNTS}/ComputerVision/imageanalysis:analyze/action,"
                    f" {ACCOUNTS}/ComputerVision/retrieval:vectorizeimage/action; nothing else."
                ),
                "vision-caller-role.permissions.0.dataActions.0": f"{ACCOUNTS}/ComputerVision/analyze/action",
                "vision-caller-role.permissions.0.dataActions.1": (
                    f"{ACCOUNTS}/ComputerVision/imageanalysis:analyze/action"
                ),
                "vision-caller-role.permissions.0.dataActions.2": (
                    f"{ACCOUNTS}/ComputerVision/retrieval:vectorizeimage/action"
                ),
                "images-account.sku.name": "Standard_GZRS",
                "monitoring-alerts-group.armRoleReceivers": [],
                "monitoring-alerts-group.armRoleReceivers.owners.name": None,
                "monitoring-alerts-group.armRoleReceivers.owners.roleId": None,
                "monitoring-alerts-group.armRoleReceivers.owners.useCommonAlertSchema": None,
                "monitoring-alerts-group.emailReceivers": None,
                "monitoring-alerts-group.emailReceivers.alert-email.emailAddress": "a@b.example",
                "monitoring-alerts-group.emailReceivers.alert-email.name": "alert-email",
                "monitoring-alerts-group.emailReceivers.alert-email.useCommonAlertSchema": True,
                "monitoring-budget.amount": 7,
                "outputs.sizing.analyses.storage_gb": 0.4,
                "outputs.sizing.images.storage_gb": 0.2,
                "outputs.sizing.peak_rate": 0.0039,
                "records-account.capabilities.EnableNoSQLVectorSearch.name": "EnableNoSQLVectorSearch",
                f"{IMAGES}.indexingPolicy.vectorIndexes.0.indexingSearchListSize": 100,
                f"{IMAGES}.indexingPolicy.vectorIndexes.0.path": "/vector",
                f"{IMAGES}.indexingPolicy.vectorIndexes.0.type": "diskANN",
                f"{IMAGES}.vectorEmbeddingPolicy.vectorEmbeddings.0.dataType": "float32",
                f"{IMAGES}.vectorEmbeddingPolicy.vectorEmbeddings.0.dimensions": 1024,
                f"{IMAGES}.vectorEmbeddingPolicy.vectorEmbeddings.0.distanceFunction": "cosine",
                f"{IMAGES}.vectorEmbeddingPolicy.vectorEmbeddings.0.path": "/vector",
                f"{IMAGES}.indexingPolicy.vectorIndexes.1.indexingSearchListSize": 100,
                f"{IMAGES}.indexingPolicy.vectorIndexes.1.path": "/vector2",
                f"{IMAGES}.indexingPolicy.vectorIndexes.1.type": "diskANN",
                f"{IMAGES}.vectorEmbeddingPolicy.vectorEmbeddings.1.dataType": "float32",
                f"{IMAGES}.vectorEmbeddingPolicy.vectorEmbeddings.1.dimensions": 1024,
                f"{IMAGES}.vectorEmbeddingPolicy.vectorEmbeddings.1.distanceFunction": "cosine",
                f"{IMAGES}.vectorEmbeddingPolicy.vectorEmbeddings.1.path": "/vector2",
                "telemetry-workspace.retentionInDays": 60,
            },
        ),
    ),
    "a Custom Vision project, operators and protection": (
        {
            "analyzer": "custom-vision",
            "customVision": CUSTOM | {"task": "detection"},
            "features": ["tags", "objects"],
            "operators": [{"objectId": ALICE, "principalType": "Group"}],
            "cosmosZoneRedundant": True,
            "protectData": True,
            "roleDefinitionReplicationSeconds": 5,
            "rolePropagationSeconds": 6,
        },
        Difference(
            added={
                "api-images-delete-of-99999999-8888-4777-8666-55555555aaaa",
                "api-images-read-of-99999999-8888-4777-8666-55555555aaaa",
                "api-pipeline-operate-of-99999999-8888-4777-8666-55555555aaaa",
                "function-vision-caller-on-custom-vision",
            },
            removed={
                "function-vision-caller-on-vision-account-1",
                "monitoring-diagnostics-vision-account-1",
                "vision",
                "vision-account-1",
                "vision-account-1-purge",
            },
            changed={
                f"{APP}.PIPELINE_ANALYZER": "custom-vision",
                f"{APP}.PIPELINE_ANALYZER_OPTIONS": json.dumps(
                    {
                        "callsPerSecond": 10,
                        "endpoint": "https://roses.cognitiveservices.azure.com/",
                        "instances": 40,
                        "iteration": "Iteration2",
                        "project": "p",
                        "task": "detection",
                    }
                ),
                f"{APP}.PIPELINE_FEATURES": '["tags", "objects"]',
                f"{API_APP}.IMAGE_API_ANALYZER": "custom-vision",
                f"{API_APP}.IMAGE_API_FEATURES": '["tags", "objects"]',
                **{
                    f"images-blob-service.{policy}.{name}": value
                    for policy in ("deleteRetentionPolicy", "containerDeleteRetentionPolicy")
                    for name, value in (("days", 14), ("enabled", True))
                },
                "role-definition-delay.seconds": 5,
                "role-assignment-delay.seconds": 6,
                "vision-caller-role.assignableScopes.1": "/subscriptions/s/resourceGroups/rg",
                "vision-caller-role.description": (
                    f"{ACCOUNTS}/CustomVision/detect/iterations/image/nostore/action,"
                    f" {ACCOUNTS}/CustomVision.Prediction/detect/iterations/image/nostore/action; nothing else."
                ),
                "vision-caller-role.permissions.0.dataActions.0": (
                    f"{ACCOUNTS}/CustomVision/detect/iterations/image/nostore/action"
                ),
                "vision-caller-role.permissions.0.dataActions.1": (
                    f"{ACCOUNTS}/CustomVision.Prediction/detect/iterations/image/nostore/action"
                ),
                "images-account.protect": True,
                "images-container.protect": True,
                "records-account.backupPolicy.continuousModeProperties.tier": "Continuous7Days",
                "records-account.backupPolicy.type": "Continuous",
                "records-account.locations.0.isZoneRedundant": True,
                "records-account.protect": True,
                "records-database.protect": True,
                f"{IMAGES.removesuffix('.resource')}.protect": True,
            },
        ),
    ),
    "no results, no limit to images, uploaders": (
        {
            "publishResults": False,
            "imageRetentionDays": 0,
            "uploaders": [{"objectId": ALICE, "principalType": "ServicePrincipal"}],
        },
        Difference(
            added={
                f"api-images-read-of-{ALICE}",
                f"api-images-upload-of-{ALICE}",
                "records-reader-role",
                f"service-principal-{ALICE}-access",
                f"service-principal-{ALICE}-image-uploader-on-images-container",
                f"service-principal-{ALICE}-reader-of-records-images",
            },
            removed={"function-eventgrid-data-sender-on-results", "monitoring-diagnostics-results", "results"},
            changed={
                f"{APP}.PIPELINE_RESULTS_ENDPOINT": None,
                **{
                    f"images-lifecycle.policy.rules.expire-images.{path}": None
                    for path in (
                        "definition.actions.baseBlob.delete.daysAfterModificationGreaterThan",
                        "definition.filters.blobTypes.0",
                        "definition.filters.prefixMatch.0",
                        "enabled",
                        "name",
                        "type",
                    )
                },
            },
        ),
    ),
    "browsers and readers": (
        {
            "readers": [{"objectId": ALICE, "principalType": "Group"}],
            "spaRedirectUris": ["https://images.example/"],
        },
        Difference(
            added={f"api-images-read-of-{ALICE}"},
            changed={"api-redirect-uris.redirectUris.1": "https://images.example/"},
        ),
    ),
    "an existing app registration": (
        {"signIn": "existing", "apiApplicationId": "0123abcd-0123-4123-8123-0123456789ab"},
        Difference(
            removed=API_REGISTRATION,
            changed={
                f"{APP}.PIPELINE_API_CLIENT_ID": "0123abcd-0123-4123-8123-0123456789ab",
                f"{API_APP}.IMAGE_API_APPLICATION_ID": "0123abcd-0123-4123-8123-0123456789ab",
                "outputs.apiClientId": "0123abcd-0123-4123-8123-0123456789ab",
            },
        ),
    ),
    "no sign-in": (
        {"signIn": "none"},
        Difference(
            removed=API_REGISTRATION | API_RESOURCES,
            changed={
                "outputs.apiPackageSha256": "",
                "outputs.galleryUrl": "",
                "outputs.imageApiUrl": "",
                f"{APP}.PIPELINE_API_CLIENT_ID": None,
                f"{APP}.PIPELINE_TENANT_ID": None,
                "outputs.apiClientId": "",
            },
        ),
    ),
}


@pytest.mark.parametrize("variant", VARIANTS)
def test_settings_change_this_and_nothing_else(variant: str, dev: Recorder) -> None:
    config, expected = VARIANTS[variant]
    assert difference(dev, run_program("dev", config)) == expected


def test_copies_have_a_container_like_that_of_the_images() -> None:
    recorder = run_program("dev", {"copyClassified": True, "protectData": True})
    images, copies = (recorder.one("storage:BlobContainer", name) for name in ("images-container", "images-classified"))
    assert copies.inputs == images.inputs | {"containerName": "classified"}
    assert copies.protect
    assert recorder.one("storage:BlobServiceProperties", "images-blob-service").inputs == {
        "accountName": "images-account",
        "resourceGroupName": "resource-group",
        "blobServicesName": "default",
        "deleteRetentionPolicy": {"enabled": True, "days": 14},
        "containerDeleteRetentionPolicy": {"enabled": True, "days": 14},
        "cors": recorder.one("storage:BlobServiceProperties", "images-blob-service").inputs["cors"],
    }
    assignment = recorder.one(
        "authorization:RoleAssignment", "function-storage-blob-data-contributor-on-images-classified"
    )
    assert assignment.inputs["scope"] == copies.id
    assert assignment.inputs["principalId"] == "function-principal"


def test_a_private_stack_has_endpoints_only_for_what_it_has() -> None:
    config = {"networkAccess": "private", "analyzer": "custom-vision", "customVision": CUSTOM, "features": ["tags"]}
    recorder = run_program("dev", config | {"publishResults": False})
    assert private_endpoints(recorder) == {
        ("host-account", "blob"),
        ("api-function-host-account", "blob"),
        ("images-account", "blob"),
        ("images-account", "queue"),
        ("records-account", "Sql"),
    }
    zones = {zone.inputs["privateZoneName"] for zone in recorder.of_type("privatedns:PrivateZone")}
    assert zones == {
        "privatelink.blob.core.windows.net",
        "privatelink.documents.azure.com",
        "privatelink.queue.core.windows.net",
    }
    assignment = recorder.one("authorization:RoleAssignment", "function-vision-caller-on-custom-vision")
    assert assignment.inputs["scope"] == CUSTOM["accountId"]
