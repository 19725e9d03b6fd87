"""Every name that Azure gets is pinned: another name is another resource, and the old one is deleted.

Globally unique names and GUIDs depend on the subscription, the prefix and the stack; these tables fix all three.
"""

import pytest

from infra.core.naming import Names
from tests.conftest import SUBSCRIPTION, Recorder, run_program
from tests.infra.test_settings import ALICE, CUSTOM


@pytest.mark.parametrize(
    ("prefix", "stack", "suffix", "resource_name", "global_name", "storage", "guid"),
    [
        (
            "imgpipe",
            "dev",
            "nd27m23b",
            "log-imgpipe-dev",
            "func-imgpipe-dev-nd27m23b",
            "stimgpipedevdatand27m23b",
            "d68afbb9-83b9-5fe4-b1b0-71b311a2e042",
        ),
        (
            "imgpipe",
            "prod",
            "rtngtlzt",
            "log-imgpipe-prod",
            "func-imgpipe-prod-rtngtlzt",
            "stimgpipeprodatartngtlzt",
            "4253e078-80d2-56d2-87b4-e3f8827fbd89",
        ),
        (  # Capitals, dots and underscores; cut at 20 and at 12 characters.
            "ab",
            "A-Long.Stack_Name-0123456789",
            "ptkdjbjq",
            "log-ab-a-long-stack-name-01",
            "func-ab-a-long-stack-ptkdjbjq",
            "stabalongstadataptkdjbjq",
            "ab45aa98-cec8-56b3-a2ea-44418470b251",
        ),
        (  # The longest prefix leaves a storage account's name no room for the stack.
            "abcdefghij",
            "feature/login",
            "afd2ihlj",
            "log-abcdefghij-feature-login",
            "func-abcdefghij-feature-logi-afd2ihlj",
            "stabcdefghijdataafd2ihlj",
            "bd74c990-d40b-5dfc-b8ab-d8680a8e83dd",
        ),
        (  # A hyphen is left at the end of each cut.
            "imgpipe",
            "abcdefghijk-lmnopqr-t",
            "77rwoyhz",
            "log-imgpipe-abcdefghijk-lmnopqr",
            "func-imgpipe-abcdefghijk-77rwoyhz",
            "stimgpipeabcdata77rwoyhz",
            "d996163a-aaed-588a-b0e9-235aa0f0f039",
        ),
        (  # Hyphens in front: they are removed before the cut.
            "imgpipe",
            "--abcdefghijklmnopqrstuvw",
            "3erzeyjk",
            "log-imgpipe-abcdefghijklmnopqrst",
            "func-imgpipe-abcdefghijkl-3erzeyjk",
            "stimgpipeabcdata3erzeyjk",
            "0221632d-d62f-5023-9370-b25cf92d3598",
        ),
        (  # Nothing that a name may hold.
            "imgpipe",
            "___",
            "wh7zq3ms",
            "log-imgpipe-stack",
            "func-imgpipe-stack-wh7zq3ms",
            "stimgpipedatawh7zq3ms",
            "c0b8097d-fee2-5247-be5a-965328b5cdff",
        ),
    ],
)
def test_names_follow_from_subscription_prefix_and_stack(
    prefix: str, stack: str, suffix: str, resource_name: str, global_name: str, storage: str, guid: str
) -> None:
    names = Names(prefix=prefix, stack=stack, subscription_id=SUBSCRIPTION)
    assert names.unique_suffix == suffix
    assert names.deployment_name == resource_name.removeprefix("log-")
    assert names.resource_name("log") == resource_name
    assert names.global_name("func") == global_name
    assert names.storage_account_name("data") == storage
    assert names.guid("a", "b") == guid


def test_a_purpose_of_twelve_characters_still_has_room() -> None:
    names = Names(prefix="imgpipe", stack="dev", subscription_id="1")
    assert names.storage_account_name("twelveletter") == "stimtwelveletter6nyiumq3"


# What names a resource of this type, and the names of a stack that has everything. Of what lies in another resource
# (containers, queues, settings), the name is within that resource.
AZURE_NAMES: dict[str, tuple[str, list[str]]] = {
    "applicationinsights:Component": ("resourceName", ["appi-imgpipe-dev"]),
    "applicationinsights:Workbook": ("resourceName", ["1180a7e6-57bc-5ed0-a617-234e73be15a8"]),
    "cognitiveservices:Account": ("accountName", ["vision1-imgpipe-dev-nd27m23b", "vision2-imgpipe-dev-nd27m23b"]),
    "consumption:Budget": ("budgetName", ["monitoring-budget"]),
    "cosmosdb:DatabaseAccount": ("accountName", ["cosmos-imgpipe-dev-nd27m23b"]),
    "cosmosdb:SqlResourceSqlContainer": ("containerName", ["analyses", "images"]),
    "cosmosdb:SqlResourceSqlDatabase": ("databaseName", ["pipeline"]),
    "eventgrid:SystemTopic": ("systemTopicName", ["egst-imgpipe-dev"]),
    "eventgrid:SystemTopicEventSubscription": ("eventSubscriptionName", ["images-to-queue"]),
    "eventgrid:Topic": ("topicName", ["evgt-imgpipe-dev-nd27m23b"]),
    "managedidentity:UserAssignedIdentity": ("resourceName", ["id-api-imgpipe-dev", "id-imgpipe-dev"]),
    "monitor:ActionGroup": ("actionGroupName", ["ag-imgpipe-dev"]),
    "monitor:DiagnosticSetting": ("name", ["to-workspace"] * 9),
    "monitor:MetricAlert": (
        "ruleName",
        ["cosmos-throttled-imgpipe-dev", "dead-letters-imgpipe-dev", "dropped-events-imgpipe-dev"],
    ),
    "monitor:ScheduledQueryRule": (
        "ruleName",
        [
            "failures-imgpipe-dev",
            "misconfigured-imgpipe-dev",
            "oldest-message-imgpipe-dev",
            "poison-imgpipe-dev",
            "reconcile-failed-imgpipe-dev",
            "silence-imgpipe-dev",
            "vision-throttled-imgpipe-dev",
        ],
    ),
    "network:NetworkSecurityGroup": ("networkSecurityGroupName", ["nsg-imgpipe-dev"]),
    "network:PrivateDnsZoneGroup": ("privateDnsZoneGroupName", ["default"] * 8),
    "network:PrivateEndpoint": (
        "privateEndpointName",
        [
            "pe-api-function-host-blob-imgpipe-dev",
            "pe-host-blob-imgpipe-dev",
            "pe-images-blob-imgpipe-dev",
            "pe-images-queue-imgpipe-dev",
            "pe-records-sql-imgpipe-dev",
            "pe-results-topic-imgpipe-dev",
            "pe-vision-account-1-account-imgpipe-dev",
            "pe-vision-account-2-account-imgpipe-dev",
        ],
    ),
    "network:VirtualNetwork": ("virtualNetworkName", ["vnet-imgpipe-dev"]),
    "operationalinsights:Workspace": ("workspaceName", ["log-imgpipe-dev"]),
    "privatedns:PrivateZone": (
        "privateZoneName",
        [
            "privatelink.blob.core.windows.net",
            "privatelink.cognitiveservices.azure.com",
            "privatelink.documents.azure.com",
            "privatelink.eventgrid.azure.net",
            "privatelink.queue.core.windows.net",
        ],
    ),
    "privatedns:VirtualNetworkLink": ("virtualNetworkLinkName", ["link-imgpipe-dev"] * 5),
    "resources:ResourceGroup": ("resourceGroupName", ["rg-imgpipe-dev"]),
    "storage:BlobContainer": ("containerName", ["classified", "deadletter", "images", "packages", "packages"]),
    "storage:BlobServiceProperties": ("blobServicesName", ["default"]),
    "storage:ManagementPolicy": ("managementPolicyName", ["default"]),
    "storage:Queue": ("queueName", ["images", "images-poison"]),
    "storage:StorageAccount": (
        "accountName",
        ["stimgpipedevapind27m23b", "stimgpipedevdatand27m23b", "stimgpipedevhostnd27m23b"],
    ),
    "web:AppServicePlan": ("name", ["asp-api-imgpipe-dev", "asp-imgpipe-dev"]),
    "web:WebApp": ("name", ["api-imgpipe-dev-nd27m23b", "func-imgpipe-dev-nd27m23b"]),
    # Named by the app that they belong to.
    "web:WebAppFtpAllowed": ("name", ["api-app-site", "app-site"]),
    "web:WebAppScmAllowed": ("name", ["api-app-site", "app-site"]),
}
# The custom roles: their GUIDs, and the names that must be unique in the tenant or in the Cosmos DB account.
ROLE_DEFINITIONS = {
    "dead-letter-processor-role": (
        "6b837d08-09c9-5ae1-a8ad-067955d267ae",
        "Image Pipeline Dead Letter Processor (imgpipe-dev-nd27m23b)",
    ),
    "vision-caller-role": (
        "b1bb2e9e-ee4f-5c21-8f2a-54c828d41221",
        "Image Pipeline Vision Caller (imgpipe-dev-nd27m23b)",
    ),
    "image-uploader-role": (
        "d12f4a94-6ed8-5ed9-a22f-6bb37fbbc005",
        "Image Pipeline Image Uploader (imgpipe-dev-nd27m23b)",
    ),
    "queue-processor-role": (
        "058f354d-d9ef-5bb1-ada7-41f4d4d9e877",
        "Image Pipeline Queue Processor (imgpipe-dev-nd27m23b)",
    ),
    "image-creator-role": (
        "36f03413-a83f-54b3-9378-1a59a747b710",
        "Image Pipeline Image Creator (imgpipe-dev-nd27m23b)",
    ),
    "image-deleter-role": (
        "d9768bc0-3d00-5e57-a0bc-6e896b34a79e",
        "Image Pipeline Image Deleter (imgpipe-dev-nd27m23b)",
    ),
    "records-reader-role": ("fc07c4da-1f38-5b89-b4c5-e4b91a4b143a", "reader"),
    "records-query-role": ("7ab5d23c-c3a7-553b-b8c9-7d275623d8f5", "query"),
    "records-writer-role": ("44f5ecb8-b57b-50ab-8fd0-7022ef37c53d", "writer"),
}
# The role assignments, by logical name: <principal>-<role>-on-<scope>, in Cosmos DB <principal>-<role>-of-<container>.
ROLE_ASSIGNMENTS: dict[str, str] = {
    "function-dead-letter-processor-on-images-deadletter": "a933b19b-3098-5f6a-af88-2452f8092005",
    "function-eventgrid-data-sender-on-results": "c7023858-5612-59f4-b9a3-c7bc872a954f",
    "function-vision-caller-on-vision-account-1": "3bdbc6a1-f614-5b7f-85ec-f53c2387f5b2",
    "function-vision-caller-on-vision-account-2": "6c90b433-80a6-5c34-a77b-77e00fc41929",
    "function-monitoring-metrics-publisher-on-telemetry-insights": "cae12928-7bcc-529b-8c37-19b5fe75c890",
    "function-queue-processor-on-images-queue": "6c57ba7d-fa29-5c5f-9821-49f8566435b0",
    "function-storage-blob-data-contributor-on-images-classified": "b74ef84b-1f5f-50fb-b99e-4c6401a29359",
    "function-storage-blob-data-owner-on-host-account": "441cb583-13df-5aed-ac95-21baa416d8d8",
    "function-storage-blob-data-reader-on-images-container": "efcf039c-2809-5116-a39a-f8adb481c7ea",
    "function-storage-queue-data-message-processor-on-images-poison-queue": "6884f21e-c49c-5071-88ab-5ed8aa7e7439",
    "function-storage-queue-data-message-sender-on-images-poison-queue": "1ef533d7-5cc6-5f32-9347-9942e2bd7a42",
    "function-storage-queue-data-reader-on-images-queue": "1bb2c2f0-250c-508c-8d35-ebe353a375ff",
    "api-function-image-creator-on-images-container": "b79f6d13-e604-543a-912e-0c16489637ac",
    "api-function-monitoring-metrics-publisher-on-telemetry-insights": "24682274-ead7-5d28-9ef5-b8f0ac93017c",
    "api-function-query-of-records-images": "b748eb48-6ce9-50c1-b304-2540d2fa230b",
    "api-function-storage-blob-data-owner-on-api-function-host-account": "1082ddbd-3e05-542a-9618-92ce8b10a670",
    "api-function-storage-blob-data-reader-on-images-container": "cb876be4-3bc3-5bdf-9acd-a18100a06a3c",
    "api-function-storage-blob-delegator-on-images-account": "c4bc7125-5251-58b5-9210-2dbf0857025e",
    "function-image-deleter-on-images-container": "f6dcd67d-5493-5db2-918a-3124f1e0d953",
    f"group-{ALICE}-image-uploader-on-images-container": "013ccc4a-1d56-50a9-a413-b6bdb8b690ab",
    "blob-event-topic-storage-blob-data-contributor-on-images-deadletter": "e0b1fb19-ee83-5e48-8a31-14eaffb38525",
    "blob-event-topic-storage-queue-data-message-sender-on-images-queue": "aae1aea6-0697-50ce-9c8e-0c09a22531a2",
    "function-query-of-records-images": "5a2db63c-467f-51a9-b443-2567ca8db996",
    "function-writer-of-records-analyses": "9df76f5c-f179-5301-8000-e551b84b22eb",
    "function-writer-of-records-images": "1f912e6c-a7ae-5451-b5c2-d9bb2d30e1df",
    f"group-{ALICE}-reader-of-records-images": "220d1cd1-302f-5ee0-a396-379a763d75f0",
}


@pytest.fixture(scope="module")
def full_stack() -> Recorder:
    """A stack with all that settings can add, and with two Vision accounts."""
    return run_program(
        "dev",
        {
            "networkAccess": "private",
            "copyClassified": True,
            "protectData": True,
            "imagesPerMonth": 10_000_000,
            "uploaders": [{"objectId": ALICE, "principalType": "Group"}],
        },
    )


def test_every_azure_name_of_the_program_is_pinned(full_stack: Recorder) -> None:
    by_guid = {
        "authorization:RoleAssignment",
        "authorization:RoleDefinition",
        "cosmosdb:SqlResourceSqlRoleAssignment",
        "cosmosdb:SqlResourceSqlRoleDefinition",
    }
    assert {resource.kind for resource in full_stack.cloud} == AZURE_NAMES.keys() | by_guid
    actual = {
        kind: (key, sorted(resource.inputs[key] for resource in full_stack.of_type(kind)))
        for kind, (key, _) in AZURE_NAMES.items()
    }
    assert actual == AZURE_NAMES


def test_every_custom_role_keeps_its_guid_and_its_name(full_stack: Recorder) -> None:
    actual = {
        definition.name: (definition.inputs["roleDefinitionId"], definition.inputs["roleName"])
        for kind in ("authorization:RoleDefinition", "cosmosdb:SqlResourceSqlRoleDefinition")
        for definition in full_stack.of_type(kind)
    }
    assert actual == ROLE_DEFINITIONS


def test_every_role_assignment_keeps_its_guid(full_stack: Recorder) -> None:
    actual = {
        assignment.name: assignment.inputs[key]
        for kind, key in (
            ("authorization:RoleAssignment", "roleAssignmentName"),
            ("cosmosdb:SqlResourceSqlRoleAssignment", "roleAssignmentId"),
        )
        for assignment in full_stack.of_type(kind)
    }
    assert actual == ROLE_ASSIGNMENTS


def test_the_role_on_a_custom_vision_account_keeps_its_guid() -> None:
    recorder = run_program("dev", {"analyzer": "custom-vision", "customVision": CUSTOM, "features": ["tags"]})
    assignment = recorder.one("authorization:RoleAssignment", "function-vision-caller-on-custom-vision")
    assert assignment.inputs["roleAssignmentName"] == "38648124-eaad-5c21-af13-00dab49e2854"


def test_a_deleted_vision_account_is_looked_for_under_its_name_and_region(full_stack: Recorder) -> None:
    names = [item for item in full_stack.resources if item.kind.endswith("PurgeDeletedAccount")]
    assert sorted(name.inputs["deleted_account"] for name in names) == [
        f"/subscriptions/{SUBSCRIPTION}/providers/Microsoft.CognitiveServices/locations/northeurope"
        f"/resourceGroups/resource-group/deletedAccounts/vision{number}-imgpipe-dev-nd27m23b"
        for number in (1, 2)
    ]
    domains = [
        account.inputs["properties"]["customSubDomainName"]
        for account in full_stack.of_type("cognitiveservices:Account")
    ]
    assert sorted(domains) == ["vision1-imgpipe-dev-nd27m23b", "vision2-imgpipe-dev-nd27m23b"]
