"""The whole program, recorded: what Azure's traps ask of it."""

import pulumi
import yaml
from pulumi_azure_native import storage

import infra
from tests.conftest import ROOT, Recorder, record, run_program
from tests.infra.test_settings import CUSTOM


def test_no_service_accepts_keys(dev: Recorder) -> None:
    assert [account.inputs["allowSharedKeyAccess"] for account in dev.of_type("storage:StorageAccount")] == [False] * 3
    assert dev.one("cosmosdb:DatabaseAccount", "records-account").inputs["disableLocalAuth"] is True
    assert dev.one("cognitiveservices:Account", "vision-account-1").inputs["properties"]["disableLocalAuth"] is True
    assert dev.one("applicationinsights:Component", "telemetry-insights").inputs["disableLocalAuth"] is True
    for policy in ("WebAppFtpAllowed", "WebAppScmAllowed"):
        assert [resource.inputs["allow"] for resource in dev.of_type(f"web:{policy}")] == [False] * 2


def test_flex_consumption_gets_nothing_that_it_refuses(dev: Recorder) -> None:
    site = dev.one("web:WebApp", "app-site").inputs
    assert set(site["siteConfig"]) == {"appSettings", "minTlsVersion"}
    names = [setting["name"] for setting in site["siteConfig"]["appSettings"]]
    assert not [name for name in names if name.startswith(("WEBSITE_", "FUNCTIONS_", "SCM_", "ENABLE_ORYX"))]
    assert len(names) == len(set(names))
    assert site["functionAppConfig"]["runtime"] == {"name": "python", "version": "3.13"}


def test_events_go_to_the_queue_by_identity_and_never_expire(dev: Recorder) -> None:
    subscription = dev.one("eventgrid:SystemTopicEventSubscription", "blob-event-subscription").inputs
    delivery = subscription["deliveryWithResourceIdentity"]
    assert "destination" not in subscription
    assert delivery["identity"] == {"type": "SystemAssigned"}
    assert delivery["destination"]["queueMessageTimeToLiveInSeconds"] == -1
    assert (
        subscription["deadLetterWithResourceIdentity"]["deadLetterDestination"]["blobContainerName"]
        == "images-deadletter"
    )
    assert subscription["filter"]["subjectBeginsWith"].endswith("/containers/images-container/blobs/")
    assert subscription["filter"]["includedEventTypes"] == [
        "Microsoft.Storage.BlobCreated",
        "Microsoft.Storage.BlobDeleted",
    ]


def test_on_a_schedule_only_deletions_raise_events() -> None:
    scheduled = run_program("dev", {"trigger": "schedule"})
    subscription = scheduled.one("eventgrid:SystemTopicEventSubscription", "blob-event-subscription").inputs
    assert subscription["filter"]["includedEventTypes"] == ["Microsoft.Storage.BlobDeleted"]


def test_copies_are_kept_where_nothing_triggers_and_expire_with_the_images() -> None:
    copies = run_program("dev", {"copyClassified": True})
    container = copies.one("storage:BlobContainer", "images-classified").inputs["containerName"]
    prefix = copies.one("eventgrid:SystemTopicEventSubscription", "blob-event-subscription").inputs["filter"][
        "subjectBeginsWith"
    ]
    assert not f"/blobServices/default/containers/{container}/blobs/".startswith(prefix)
    (lifecycle,) = copies.of_type("storage:ManagementPolicy")
    names = [rule["name"] for rule in lifecycle.inputs["policy"]["rules"]]
    assert names == ["expire-classified", "expire-deadletter", "expire-images"]


def test_results_are_published_without_keys(dev: Recorder) -> None:
    topic = dev.one("eventgrid:Topic", "results").inputs
    assert (topic["disableLocalAuth"], topic["minimumTlsVersionAllowed"]) == (True, "1.2")
    assert topic["inputSchema"] == "CloudEventSchemaV1_0"


def test_embeddings_can_be_searched() -> None:
    recorder = run_program("dev", {"features": ["tags", "embeddings"]})
    account = recorder.one("cosmosdb:DatabaseAccount", "records-account").inputs
    assert account["capabilities"] == [{"name": "EnableNoSQLVectorSearch"}]
    images = recorder.one("cosmosdb:SqlResourceSqlContainer", "records-images").inputs["resource"]
    assert images["vectorEmbeddingPolicy"]["vectorEmbeddings"] == [
        {"path": "/vector", "dataType": "float32", "dimensions": 1024, "distanceFunction": "cosine"},
        {"path": "/vector2", "dataType": "float32", "dimensions": 1024, "distanceFunction": "cosine"},
    ]
    assert images["indexingPolicy"]["vectorIndexes"] == [
        # The SDK adds the service's own default.
        {"path": "/vector", "type": "diskANN", "indexingSearchListSize": 100},
        {"path": "/vector2", "type": "diskANN", "indexingSearchListSize": 100},
    ]
    analyses = recorder.one("cosmosdb:SqlResourceSqlContainer", "records-analyses").inputs["resource"]
    assert "vectorEmbeddingPolicy" not in analyses


def test_a_custom_vision_project_needs_no_account_of_the_stacks_own() -> None:
    config = {"analyzer": "custom-vision", "customVision": CUSTOM, "features": ["tags"]}
    assert run_program("dev", config).of_type("cognitiveservices:Account") == []


def test_the_poison_queue_is_the_one_that_the_host_will_look_for(dev: Recorder) -> None:
    queue, poison = (
        dev.one("storage:Queue", name).inputs["queueName"] for name in ("images-queue", "images-poison-queue")
    )
    assert poison == f"{queue}-poison"


def test_containers_scale_by_themselves_and_analyses_expire(dev: Recorder) -> None:
    for container in dev.of_type("cosmosdb:SqlResourceSqlContainer"):
        assert container.inputs["options"] == {"autoscaleSettings": {"maxThroughput": 1000}}
        assert container.inputs["resource"]["partitionKey"]["paths"] == ["/id"]
    assert (
        dev.one("cosmosdb:SqlResourceSqlContainer", "records-analyses").inputs["resource"]["defaultTtl"] == 90 * 86400
    )
    records = dev.one("cosmosdb:SqlResourceSqlContainer", "records-images").inputs["resource"]
    assert records["defaultTtl"] == 30 * 86400


def test_what_is_kept_for_ever_has_no_time_to_live(prod: Recorder) -> None:
    assert "defaultTtl" not in prod.one("cosmosdb:SqlResourceSqlContainer", "records-images").inputs["resource"]
    (lifecycle,) = prod.of_type("storage:ManagementPolicy")
    assert [rule["name"] for rule in lifecycle.inputs["policy"]["rules"]] == ["expire-deadletter"]


def test_images_and_dead_letters_expire(dev: Recorder) -> None:
    (lifecycle,) = dev.of_type("storage:ManagementPolicy")
    days = {
        rule["definition"]["filters"]["prefixMatch"][0]: rule["definition"]["actions"]["baseBlob"]["delete"][
            "daysAfterModificationGreaterThan"
        ]
        for rule in lifecycle.inputs["policy"]["rules"]
    }
    assert days == {"images/": 30, "deadletter/": 90}
    containers = {container.inputs["containerName"] for container in dev.of_type("storage:BlobContainer")}
    assert {prefix.rstrip("/") for prefix in days} <= containers


HOLDS_DATA = {"images-account", "images-container", "records-account", "records-database", "records-images"}


def test_what_holds_data_is_protected_in_prod_and_only_there(dev: Recorder, prod: Recorder) -> None:
    assert {resource.name for resource in prod.resources if resource.protect} == HOLDS_DATA
    assert {resource.name for resource in dev.resources if resource.protect} == set()


def test_prod_can_be_brought_back_after_a_mistake(dev: Recorder, prod: Recorder) -> None:
    (blobs,) = prod.of_type("storage:BlobServiceProperties")
    assert blobs.inputs["deleteRetentionPolicy"] == {"enabled": True, "days": 14}
    assert blobs.inputs["containerDeleteRetentionPolicy"] == {"enabled": True, "days": 14}
    account = prod.one("cosmosdb:DatabaseAccount", "records-account").inputs
    assert account["backupPolicy"] == {
        "type": "Continuous",
        "continuousModeProperties": {"tier": "Continuous7Days"},
    }
    assert "deleteRetentionPolicy" not in dev.one("storage:BlobServiceProperties", "images-blob-service").inputs
    assert "backupPolicy" not in dev.one("cosmosdb:DatabaseAccount", "records-account").inputs


def test_prod_is_spread_over_zones(dev: Recorder, prod: Recorder) -> None:
    def spread(recorder: Recorder) -> list[object]:
        skus = {account.name: account.inputs["sku"]["name"] for account in recorder.of_type("storage:StorageAccount")}
        (zone_location,) = recorder.one("cosmosdb:DatabaseAccount", "records-account").inputs["locations"]
        plan = recorder.one("web:AppServicePlan", "app-plan").inputs
        return [skus["host-account"], skus["images-account"], zone_location["isZoneRedundant"], plan["zoneRedundant"]]

    assert spread(prod) == ["Standard_ZRS", "Standard_GZRS", True, True]
    assert spread(dev) == ["Standard_LRS", "Standard_LRS", False, False]


def test_a_vision_account_comes_after_the_purge_of_its_name(dev: Recorder) -> None:
    account = dev.one("cognitiveservices:Account", "vision-account-1")
    (name,) = [resource for resource in dev.resources if resource.name == "vision-account-1-purge"]
    assert f"{name.type}::{name.name}" in account.dependencies
    assert name.inputs["deleted_account"].endswith(f"/deletedAccounts/{account.inputs['accountName']}")


def test_one_more_vision_account_changes_only_the_app_and_the_delay() -> None:
    # With analyses remembered for a day, both need the lowest throughput that there is.
    one, two = (run_program("dev", {"imagesPerMonth": images, "cacheDays": 1}) for images in (5_000, 10_000_000))
    before, after = ({(r.type, r.name): r.inputs for r in recorder.resources} for recorder in (one, two))
    assert {name for _, name in after.keys() - before.keys()} == {
        "vision-account-2",
        "vision-account-2-purge",
        "function-vision-caller-on-vision-account-2",
        "monitoring-diagnostics-vision-account-2",
    }
    changed = {name for (kind, name) in before if before[kind, name] != after[kind, name]}
    assert changed == {"app-site", "role-assignment-delay"}


def test_every_setting_has_a_description_and_a_default() -> None:
    schema = yaml.safe_load((ROOT / "Pulumi.yaml").read_text())["config"]
    assert all({"type", "description", "default"} <= entry.keys() for entry in schema.values())


def test_no_resource_is_taken_for_one_of_an_older_type(dev: Recorder) -> None:
    # The one that was renamed by the program itself.
    assert [resource.name for resource in dev.resources if resource.aliases] == ["images-blob-service"]


def test_aliases_that_a_program_gives_itself_stay() -> None:
    def program() -> None:
        infra.drop_version_aliases()
        storage.Queue(
            "new",
            account_name="a",
            resource_group_name="rg",
            opts=pulumi.ResourceOptions(aliases=[pulumi.Alias(name="old")]),
        )

    (queue,) = record(program).cloud
    (alias,) = queue.aliases
    assert "old" in alias


def test_only_pages_of_the_api_and_of_the_configured_origins_may_upload(dev: Recorder) -> None:
    def origins(recorder: Recorder) -> list[str]:
        (rule,) = recorder.one("storage:BlobServiceProperties", "images-blob-service").inputs["cors"]["corsRules"]
        assert rule == {
            "allowedOrigins": rule["allowedOrigins"],
            "allowedMethods": ["PUT", "GET"],
            "allowedHeaders": ["content-type", "x-ms-blob-type"],
            "exposedHeaders": ["etag", "x-ms-error-code", "x-ms-request-id"],
            "maxAgeInSeconds": 3600,
        }
        return rule["allowedOrigins"]

    assert origins(dev) == ["https://api-app.example"]
    more = ["https://photos.contoso.com", "https://b.example:8443"]
    assert origins(run_program("dev", {"apiOrigins": more})) == ["https://api-app.example", *more]


def test_without_api_and_protection_the_blob_service_has_no_properties() -> None:
    assert run_program("dev", {"signIn": "none"}).of_type("storage:BlobServiceProperties") == []


def test_the_image_api_is_an_output(dev: Recorder) -> None:
    assert dev.outputs["imageApiUrl"] == "https://api-app.example/api"
    assert dev.outputs["galleryUrl"] == "https://api-app.example/"
    outputs = run_program("dev", {"signIn": "none"}).outputs
    assert (outputs["imageApiUrl"], outputs["galleryUrl"]) == ("", "")
