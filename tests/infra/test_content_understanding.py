"""The program with Content Understanding: accounts, deployer's rights, definitions, order, options of the code."""

import json
from typing import Any

import pytest

from infra.components.analyzer_definition import AnalyzerDefinition, create_definition
from infra.config.content_understanding_sizing import size_content_understanding
from infra.config.cost.estimate import estimate_cost
from infra.core.analysis import Feature, FoundryModel
from infra.core.errors import SettingsError
from tests.conftest import Recorder, run_program
from tests.infra.test_settings import CONTENT_UNDERSTANDING, parse
from tests.support.cost_workloads import committed_prices, workload

DEFINITION_TYPE = "pulumi-python:dynamic/image-pipeline:ContentAnalyzerDefinition"
IN_ACCOUNT = "content-analyzers-in-content-understanding-1-account"
DELAY = "pulumi-python:dynamic/image-pipeline:RoleAssignmentDelay::content-analyzers-delay"
OWNER = "4b42bd01-da42-4c92-9b07-15ea5bd6a602"
READER = "379c52cb-64de-498c-8b5b-c6170d6c49d4"
DEPLOYER = "99999999-8888-4777-8666-55555555dddd"
MINI = FoundryModel()


@pytest.fixture(scope="module")
def public() -> Recorder:
    return run_program("dev", CONTENT_UNDERSTANDING)


def definitions(recorder: Recorder) -> list[Any]:
    return [resource for resource in recorder.resources if resource.type == DEFINITION_TYPE]


def app_settings(recorder: Recorder) -> dict[str, str]:
    site = recorder.one("web:WebApp", "app-site")
    return {item["name"]: item["value"] for item in site.inputs["siteConfig"]["appSettings"]}


def definition(
    *features: Feature, model: FoundryModel = MINI, categories: tuple[str, ...] = (), language: str = "en"
) -> AnalyzerDefinition:
    return create_definition(model=model, features=features, categories=categories, language=language)


def error_line(**changes: Any) -> str:
    with pytest.raises(SettingsError) as error:
        parse(**{**CONTENT_UNDERSTANDING, **changes})
    (line,) = str(error.value).splitlines()[1:]
    return line.strip()


def test_the_definition_has_a_field_for_each_feature_and_the_category() -> None:
    content = definition("tags", "caption", "read", categories=("animal", "street"), language="de").content
    fields = content["fieldSchema"]["fields"]
    assert {name: (field["type"], field["method"]) for name, field in fields.items()} == {
        "caption": ("string", "generate"),
        "tags": ("array", "generate"),
        "category": ("string", "classify"),
    }
    assert fields["tags"]["items"] == {"type": "string"}
    assert fields["category"]["enum"] == ["animal", "street", "other"]
    assert (content["baseAnalyzerId"], content["models"]) == ("prebuilt-image", {"completion": "gpt-5.4-mini"})
    assert "the code de" in fields["tags"]["description"]
    assert "the code de" in fields["caption"]["description"]
    assert [*definition("tags").content["fieldSchema"]["fields"]] == ["tags"]
    assert [*definition("caption").content["fieldSchema"]["fields"]] == ["caption"]


def test_no_more_is_processed_elsewhere_than_by_the_deployment() -> None:
    assert definition("tags").content["processingLocation"] == "dataZone"
    everywhere = FoundryModel(deployment_type="GlobalStandard")
    assert definition("tags", model=everywhere).content["processingLocation"] == "global"


def test_every_difference_of_the_definition_is_another_analyzer() -> None:
    ids = [
        definition("tags").analyzer_id,
        definition("tags", "caption").analyzer_id,
        definition("tags", categories=("animal",)).analyzer_id,
        definition("tags", language="de").analyzer_id,
        definition("tags", model=FoundryModel(name="gpt-9")).analyzer_id,
        definition("tags", model=FoundryModel(version="2027-01-01")).analyzer_id,
        definition("tags", model=FoundryModel(deployment_type="GlobalStandard")).analyzer_id,
    ]
    assert len(set(ids)) == len(ids)
    assert definition("tags", "read", model=FoundryModel(capacity_ktpm=7)).analyzer_id == ids[0]
    for analyzer_id in ids:
        prefix, digest = analyzer_id.split("_")
        assert (prefix, len(digest)) == ("imgpipe", 16)


def test_descriptions_are_as_short_as_the_service_wants_them() -> None:
    content = definition("tags", "caption", categories=("x" * 60,)).content
    schema = content["fieldSchema"]
    for described in (content, schema, *schema["fields"].values()):
        assert len(described["description"]) <= 1024


def test_there_is_one_account_with_one_deployment(public: Recorder) -> None:
    (account,) = public.of_type("cognitiveservices:Account")
    assert account.name == "content-understanding-1-account"
    assert account.inputs["accountName"].startswith("content1-swedencentral-imgpipe-dev-")
    assert (account.inputs["kind"], account.inputs["properties"]["disableLocalAuth"]) == ("AIServices", True)
    (deployment,) = public.of_type("cognitiveservices:Deployment")
    assert deployment.inputs["sku"] == {"name": "DataZoneStandard", "capacity": 100}


def test_the_definition_is_made_after_the_deployment_and_the_deployers_role_is_effective(public: Recorder) -> None:
    (resource,) = definitions(public)
    deployment = "content-understanding-1-gpt-5.4-mini-2026-03-17"
    assert resource.name == IN_ACCOUNT
    assert {DELAY, f"azure-native:cognitiveservices:Deployment::{deployment}"} <= resource.dependencies
    assert resource.inputs["endpoint"] == "https://content-understanding-1-account.services.ai.azure.com/"
    assert resource.inputs["deployments"] == {"gpt-5.4-mini": deployment}
    assert resource.inputs["analyzer_id"] == json.loads(app_settings(public)["PIPELINE_ANALYZER_OPTIONS"])["analyzerId"]
    assert resource.inputs.keys() - {"__provider"} == {"endpoint", "analyzer_id", "definition", "deployments"}
    (delay,) = [resource for resource in public.resources if resource.name == "content-analyzers-delay"]
    assert delay.inputs["seconds"] == 300
    (entry,) = delay.inputs["entries"]
    assert entry["roleDefinitionId"].endswith(OWNER)


def test_the_app_is_made_after_the_definition_and_gets_its_options(public: Recorder) -> None:
    site = public.one("web:WebApp", "app-site")
    settings = app_settings(public)
    assert f"{DEFINITION_TYPE}::{IN_ACCOUNT}" in site.dependencies
    assert (settings["PIPELINE_ANALYZER"], settings["PIPELINE_MIN_CONFIDENCE"]) == ("content-understanding", "0.0")
    assert json.loads(settings["PIPELINE_ANALYZER_OPTIONS"]) == {
        "endpoints": ["https://content-understanding-1-account.services.ai.azure.com/"],
        "analyzerId": definitions(public)[0].inputs["analyzer_id"],
        "model": "gpt-5.4-mini 2026-03-17",
        "categories": ["animal", "street"],
        "callsPerSecond": 0.854,
        "operationsPerSecond": 50.0,
        "instances": 40,
    }


def test_the_deployer_is_the_one_who_is_signed_in_or_the_one_in_the_settings(public: Recorder) -> None:
    def owners(recorder: Recorder) -> list[tuple[str, str | None]]:
        assignments = recorder.of_type("authorization:RoleAssignment")
        return [
            (assignment.inputs["principalId"], assignment.inputs.get("principalType"))
            for assignment in assignments
            if assignment.inputs["roleDefinitionId"].endswith(OWNER)
        ]

    # Without a type, Azure looks it up: a user and a pipeline's identity are both possible.
    ((signed_in, principal_type),) = owners(public)
    assert signed_in
    assert principal_type is None
    stated = {"objectId": DEPLOYER, "principalType": "ServicePrincipal"}
    assert owners(run_program("dev", CONTENT_UNDERSTANDING | {"deployer": stated})) == [(DEPLOYER, "ServicePrincipal")]


def test_several_accounts_share_the_images_and_each_has_the_analyzer() -> None:
    recorder = run_program("dev", CONTENT_UNDERSTANDING | {"imagesPerMonth": 60_000_000})
    accounts = recorder.of_type("cognitiveservices:Account")
    assert {account.name for account in accounts} == {
        f"content-understanding-{number}-account" for number in range(1, 13)
    }
    assert len(definitions(recorder)) == len(accounts)
    assert len({item.inputs["analyzer_id"] for item in definitions(recorder)}) == 1
    for role in (OWNER, READER):
        scopes = {
            assignment.inputs["scope"]
            for assignment in recorder.of_type("authorization:RoleAssignment")
            if assignment.inputs["roleDefinitionId"].endswith(role)
        }
        assert scopes == {account.id for account in accounts}


def test_a_private_network_comes_before_the_definition() -> None:
    recorder = run_program("dev", CONTENT_UNDERSTANDING | {"networkAccess": "private"})
    (resource,) = definitions(recorder)
    group = "network-content-understanding-1-account-account-dns"
    assert f"azure-native:network:PrivateDnsZoneGroup::{group}" in resource.dependencies
    zones = {zone.id: zone.inputs["privateZoneName"] for zone in recorder.of_type("privatedns:PrivateZone")}
    configs = recorder.one("network:PrivateDnsZoneGroup", group).inputs["privateDnsZoneConfigs"]
    assert {zones[config["privateDnsZoneId"]] for config in configs} == {
        "privatelink.cognitiveservices.azure.com",
        "privatelink.openai.azure.com",
        "privatelink.services.ai.azure.com",
    }


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        (
            {"minConfidencePercent": 50},
            "minConfidencePercent: 50 is not allowed; allowed: to be left out",
        ),
        ({"genderNeutralCaptions": True}, "genderNeutralCaptions: True is not allowed; allowed: false with"),
        ({"features": ["read"]}, "features: ['read'] is not allowed; allowed: tags or caption among them"),
        (
            {"features": ["tags", "objects"]},
            "features: ['tags', 'objects'] is not allowed; allowed: tags, caption, read with analyzer content",
        ),
        (
            {"foundry": {"model": "gpt-5.6-luna"}},
            "foundry: {'model': 'gpt-5.6-luna'} is not allowed; allowed: a model of the table in infra/config",
        ),
        ({"deployer": {"objectId": DEPLOYER}}, "deployer: {'objectId': '99999999-8888-4777-8666-55555555dddd'} is not"),
    ],
)
def test_what_content_understanding_cannot_do_is_refused(changes: dict[str, Any], text: str) -> None:
    assert error_line(**changes).startswith(text)


def test_a_model_that_content_understanding_does_not_support_is_refused() -> None:
    luna = {"model": "gpt-5.6-luna", "version": "2026-07-09", "deploymentType": "GlobalStandard"}
    assert error_line(foundry=luna).endswith(
        "that content-understanding supports: gpt-5.4-mini 2026-03-17 as GlobalStandard or DataZoneStandard"
    )


def test_a_definition_has_at_most_300_categories_with_the_one_for_the_rest() -> None:
    names = [f"category {number}" for number in range(300)]
    assert parse(**{**CONTENT_UNDERSTANDING, "categories": names[:299]}).categories
    assert error_line(categories=names).endswith("allowed: up to 299 texts with content-understanding")


def test_a_region_that_is_not_in_the_list_is_warned_of() -> None:
    def warnings(location: str) -> list[str]:
        texts = parse(**{**CONTENT_UNDERSTANDING, "foundry": {"location": location}}).warnings
        return [text for text in texts if text.startswith("foundry.location: Content Understanding is not known")]

    assert len(warnings("francecentral")) == 1
    assert warnings("swedencentral") == []


@pytest.mark.parametrize(
    ("peak_rate", "features", "accounts", "capacity", "calls"),
    [
        # Without images the smallest deployment, which then limits the calls.
        (0.0, ("tags",), 1, 100, 0.427),
        (0.0, ("tags", "read"), 1, 100, 0.854),
        # 1,000 images in a minute with 3 operations each are both limits of an account.
        (16.0, ("tags",), 1, 3744, 16.0),
        (16.6, ("tags",), 1, 3885, 16.603),
        (17.0, ("tags",), 2, 1989, 8.5),
        # Text is another analysis, for which the model is not called.
        (16.6, ("tags", "read"), 2, 1943, 16.606),
        (76.0, ("tags", "read"), 10, 1779, 15.206),
    ],
)
def test_the_accounts_are_what_the_busiest_hours_need(
    peak_rate: float, features: tuple[Feature, ...], accounts: int, capacity: int, calls: float
) -> None:
    sizing = size_content_understanding(MINI, peak_rate=peak_rate, features=features)
    assert (sizing.accounts, sizing.capacity_ktpm, sizing.calls_per_second) == (accounts, capacity, calls)
    assert sizing.operations_per_second == 50.0


def test_a_capacity_in_the_settings_is_divided_among_the_accounts() -> None:
    model = FoundryModel(capacity_ktpm=1_000)
    sizing = size_content_understanding(model, peak_rate=33.0, features=("tags",))
    assert (sizing.accounts, sizing.capacity_ktpm) == (2, 500)
    least = size_content_understanding(FoundryModel(capacity_ktpm=1), peak_rate=33.0, features=("tags",))
    assert least.capacity_ktpm == 1


def test_the_analyzer_calls_no_more_than_an_account_accepts() -> None:
    plenty = FoundryModel(capacity_ktpm=100_000)
    assert size_content_understanding(plenty, peak_rate=1.0, features=("tags",)).calls_per_second == 16.667


def costs(**changes: Any) -> dict[str, Any]:
    """The line items of 5,000 images with Content Understanding, by meter."""
    settings = {"foundry": MINI, "content_understanding": True, "features": ("tags", "caption")} | changes
    return {
        item.usage.meter.meter_name: item for item in estimate_cost(workload(**settings), committed_prices()).line_items
    }


def test_the_estimate_knows_the_fee_the_tokens_and_the_pages() -> None:
    with_text = costs(features=("tags", "caption", "read"))
    assert with_text["Std Contextualization Tokens"].high == pytest.approx(5.0)
    assert with_text["Doc Content Extraction Basic Pages"].high == pytest.approx(5.0)
    # The model does not read: 150 to 400 tokens of an answer, as without text.
    answer = with_text["5.4 mini Opt Dz 1M Tokens"]
    assert (answer.low, answer.high) == (pytest.approx(3.7125), pytest.approx(9.9))
    assert "Doc Content Extraction Basic Pages" not in costs()


def test_messages_that_wait_for_a_result_are_delivered_again() -> None:
    without = costs(content_understanding=False)["On Demand Total Executions"].usage
    waiting = costs()["On Demand Total Executions"].usage
    assert (waiting.low - without.low, waiting.high - without.high) == (5_000, 15_000)
    puts = costs()["LRS Class 1 Operations"].usage
    assert puts.high - costs(content_understanding=False)["LRS Class 1 Operations"].usage.high == pytest.approx(45_000)
    assert costs(cache_hit_percent=100)["On Demand Total Executions"].usage.high == without.high


def test_the_estimate_has_a_private_endpoint_for_each_account() -> None:
    many = costs(private_networking=True, images_per_month=20_000_000)
    # Four for storage and Cosmos DB, one for the results' topic, and two accounts for 30.9 images a second.
    assert many["Standard Private Endpoint"].usage.purpose == "7 private endpoints"


def test_the_object_id_is_part_of_the_assignments_name() -> None:
    """Another deployer gets an assignment of its own: Azure refuses to change whom an assignment is for."""
    names = {
        assignment.inputs["roleAssignmentName"]
        for object_id in (DEPLOYER, DEPLOYER.replace("d", "e"))
        for assignment in run_program(
            "dev",
            CONTENT_UNDERSTANDING | {"deployer": {"objectId": object_id, "principalType": "ServicePrincipal"}},
        ).of_type("authorization:RoleAssignment")
        if assignment.inputs["roleDefinitionId"].endswith(OWNER)
    }
    assert len(names) == 2
