"""The program with a successor in the shadow, after the cut-over, and after a rollback."""

import json
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from infra.config.cost.estimate import estimate_cost
from infra.config.cost.workload import create_workload
from infra.config.settings import Settings
from infra.core.analysis import AgreementFloors, Shadow
from infra.core.errors import SettingsError
from tests.conftest import RecordedResource, Recorder, run_program
from tests.infra.test_content_understanding import definitions
from tests.infra.test_role_assignments import (
    EXPECTED_ITEMS,
    FUNCTION,
    SERVICES,
    expected,
    granted,
    items_granted,
    scope,
)
from tests.infra.test_settings import ALICE, CUSTOM, FOUNDRY, SHADOW, parse
from tests.support.cost_workloads import committed_prices, workload

UNDERSTANDING_SHADOW: dict[str, Any] = SHADOW | {"shadow": {"analyzer": "content-understanding", "percent": 20}}
# The cut-over of SHADOW: the successor is the analyzer, and the earlier one can be returned to.
CUT_OVER = {
    "analyzer": "foundry-vision",
    "retainedAnalyzers": ["image-analysis"],
    "features": ["tags", "caption", "read"],
    "foundry": SHADOW["foundry"],
    "operators": SHADOW["operators"],
}


@pytest.fixture(scope="module")
def shadowed() -> Recorder:
    return run_program("dev", SHADOW)


@pytest.fixture(scope="module")
def cut_over() -> Recorder:
    return run_program("dev", CUT_OVER)


def app_settings(recorder: Recorder) -> dict[str, str]:
    site = recorder.one("web:WebApp", "app-site")
    return {item["name"]: item["value"] for item in site.inputs["siteConfig"]["appSettings"]}


def error_line(setting: str, **changes: Any) -> str:
    with pytest.raises(SettingsError) as error:
        parse(**changes)
    (line,) = [line.strip() for line in str(error.value).splitlines() if line.startswith(f"  {setting}: ")]
    return line


def test_the_settings_are_taken_over() -> None:
    settings = parse(**SHADOW, agreement={"minLabelPercent": 60}, retainedAnalyzers=[])
    assert settings.shadow == Shadow(analyzer="foundry-vision", percent=20)
    assert settings.agreement == AgreementFloors(min_images=500, min_label_percent=60)
    assert parse(shadow={"analyzer": "foundry-vision", "percent": 0.5}).rate_share("foundry-vision") == 0.005
    assert (parse().shadow, parse().retained_analyzers, parse().agreement) == (None, (), AgreementFloors())


@pytest.mark.parametrize(
    ("floor", "field", "lowest", "highest"),
    [
        ("minImages", "min_images", 1, 1_000_000),
        ("minLabelPercent", "min_label_percent", 0, 100),
        ("minCategoryPercent", "min_category_percent", 0, 100),
        ("minCaptionPercent", "min_caption_percent", 0, 100),
        ("maxTextErrorPercent", "max_text_error_percent", 0, 100),
    ],
)
def test_the_bounds_of_a_floor(floor: str, field: str, lowest: int, highest: int) -> None:
    for value in (lowest, highest):
        assert getattr(parse(**SHADOW, agreement={floor: value}).agreement, field) == value
    for value in (lowest - 1, highest + 1):
        assert "any of minImages: 500 by default" in error_line("agreement", **SHADOW, agreement={floor: value})


@pytest.mark.parametrize("percent", [0, 0.009, 100.1, -1, True, "5", None])
def test_the_share_is_a_percentage_above_zero(percent: Any) -> None:
    line = error_line("shadow", shadow={"analyzer": "foundry-vision", "percent": percent})
    assert line.endswith(
        "both of analyzer: foundry-vision or content-understanding; percent: a number from 0.01 to 100"
    )


@pytest.mark.parametrize(
    ("setting", "changes", "allowed"),
    [
        (
            "shadow",
            {"shadow": {"analyzer": "image-analysis", "percent": 5}},
            "analyzer: foundry-vision or content-understanding; percent",
        ),
        ("shadow", {"shadow": {"percent": 5}}, "nothing, or both of"),
        ("shadow", FOUNDRY | {"shadow": SHADOW["shadow"]}, "another analyzer than foundry-vision"),
        (
            "shadow",
            SHADOW | {"features": ["objects", "people"]},
            "with at least one of the features tags, caption, read, which are all that foundry-vision can analyze",
        ),
        ("retainedAnalyzers", {"retainedAnalyzers": ["custom-vision"]}, "a list out of image-analysis, foundry-vision"),
        ("retainedAnalyzers", {"retainedAnalyzers": ["foundry-vision"] * 2}, "each once"),
        ("retainedAnalyzers", {"retainedAnalyzers": ["image-analysis"]}, "without image-analysis, which is the anal"),
        (
            "retainedAnalyzers",
            SHADOW | {"retainedAnalyzers": ["foundry-vision"]},
            "without foundry-vision, which is in the shadow",
        ),
        ("features", UNDERSTANDING_SHADOW | {"features": ["read"]}, "tags or caption among them with content-under"),
        (
            "categories",
            {"retainedAnalyzers": ["content-understanding"], "categories": [str(number) for number in range(300)]},
            "up to 299 texts with content-understanding",
        ),
        ("agreement", {"agreement": {"minImages": 10}}, "nothing, unless there is a shadow"),
    ],
)
def test_what_is_not_allowed_is_refused_by_name(setting: str, changes: dict[str, Any], allowed: str) -> None:
    assert allowed in error_line(setting, **changes)


def test_the_settings_of_the_model_are_allowed_wherever_it_is_used() -> None:
    model = {"foundry": {"location": "swedencentral"}, "categories": ["cat"]}
    parse(**SHADOW | model)
    parse(**model, retainedAnalyzers=["foundry-vision"])
    for setting in model:
        assert "unless analyzer, shadow or a retained analyzer is foundry-vision" in error_line(setting, **model)


def test_retirements_count_in_the_shadow_and_for_a_rollback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("infra.config.settings.current_date", lambda: date(2027, 9, 1))
    assert "retires on 2027-09-21" in error_line("foundry", **SHADOW)
    parse(**SHADOW, acceptRetiringModel=True)
    monkeypatch.setattr("infra.config.settings.current_date", lambda: date(2028, 9, 1))
    line = error_line("retainedAnalyzers", **CUT_OVER, acceptRetiringModel=True)
    assert "image-analysis ends on 2028-09-25" in line


def test_a_short_cache_and_missing_readers_are_warned_of() -> None:
    (cache,) = [text for text in parse(**CUT_OVER).warnings if text.startswith("cacheDays: ")]
    assert cache.startswith("cacheDays: a rollback to image-analysis pays again for each image whose analysis is older")
    assert [text for text in parse(**CUT_OVER, cacheDays=180).warnings if text.startswith("cacheDays: ")] == []
    warnings = parse(**SHADOW | {"operators": []}).warnings
    assert "shadow: nobody may read the comparisons, as there are no operators; make agreement will be refused" in (
        warnings
    )
    assert [text for text in parse(**SHADOW).warnings if text.startswith("shadow: ")] == []


def test_the_code_gets_queue_share_container_and_options(shadowed: Recorder) -> None:
    settings = app_settings(shadowed)
    options = json.loads(settings.pop("PIPELINE_SHADOW_ANALYZER_OPTIONS"))
    assert {name: value for name, value in settings.items() if name.startswith("PIPELINE_SHADOW_")} == {
        "PIPELINE_SHADOW_QUEUE": "images-shadow-queue",
        "PIPELINE_SHADOW_PERCENT": "20.0",
        "PIPELINE_SHADOW_ANALYZER": "foundry-vision",
        "PIPELINE_SHADOW_FEATURES": '["tags", "read", "caption"]',
        "PIPELINE_SHADOW_COMPARISONS": "records-comparisons",
    }
    assert options["endpoint"] == "https://foundry-account.openai.azure.com/"
    assert settings["PIPELINE_ANALYZER"] == "image-analysis"
    assert settings["PIPELINE_MIN_CONFIDENCE"] == "0.5"


def test_the_queues_have_the_names_that_the_host_expects(shadowed: Recorder) -> None:
    names = {queue.name: queue.inputs["queueName"] for queue in shadowed.of_type("storage:Queue")}
    assert names["images-shadow-queue"] == "images-shadow"
    assert names["images-shadow-poison-queue"] == "images-shadow-poison"


def test_the_function_is_deployed_with_a_shadow_only(dev: Recorder, shadowed: Recorder, cut_over: Recorder) -> None:
    usual = ["backfill", "classify", "delete_image", "reconcile", "redrive"]
    functions = [
        next(resource for resource in recorder.resources if resource.name == "code-deployment").inputs["functions"]
        for recorder in (dev, shadowed, cut_over)
    ]
    assert functions == [usual, [*usual, "shadow"], usual]


@pytest.mark.parametrize(("record_days", "days"), [(0, 90), (365, 90), (30, 30)])
def test_the_comparisons_are_stored_for_a_quarter_and_no_longer_than_records(record_days: int, days: int) -> None:
    recorder = run_program("dev", SHADOW | {"recordRetentionDays": record_days})
    container = recorder.one("cosmosdb:SqlResourceSqlContainer", "records-comparisons").inputs
    assert container["resource"]["defaultTtl"] == days * 24 * 3600


def test_the_container_of_comparisons_has_an_index_for_their_order_alone(dev: Recorder, shadowed: Recorder) -> None:
    container = shadowed.one("cosmosdb:SqlResourceSqlContainer", "records-comparisons").inputs
    policy = container["resource"]["indexingPolicy"]
    assert (policy["includedPaths"], policy["excludedPaths"]) == ([{"path": "/comparedAt/?"}], [{"path": "/*"}])
    assert container["options"] == {"autoscaleSettings": {"maxThroughput": 1000}}
    assert "records-comparisons" not in {item.name for item in dev.resources}


def test_the_shadow_grants_exactly_this(shadowed: Recorder) -> None:
    service = "ServicePrincipal"
    poison_queue = scope("storage:Queue", "images-shadow-poison-queue")
    assert granted(shadowed) == expected() | {
        (FUNCTION, service, "STORAGE_QUEUE_DATA_READER", scope("storage:Queue", "images-shadow-queue")),
        (FUNCTION, service, "queue-processor-role", scope("storage:Queue", "images-shadow-queue")),
        (FUNCTION, service, "STORAGE_QUEUE_DATA_MESSAGE_PROCESSOR", poison_queue),
        (FUNCTION, service, "STORAGE_QUEUE_DATA_MESSAGE_SENDER", poison_queue),
        (FUNCTION, service, "shadow-caller-role", scope("cognitiveservices:Account", "foundry-account")),
    }
    comparisons = "/dbs/records-database/colls/records-comparisons"
    assert items_granted(shadowed) == EXPECTED_ITEMS | {
        (FUNCTION, ("items/create", "readMetadata"), comparisons),
        (ALICE, ("executeQuery", "items/read", "readChangeFeed", "readMetadata"), comparisons),
    }
    (permission,) = shadowed.one("authorization:RoleDefinition", "shadow-caller-role").inputs["permissions"]
    assert permission == {"actions": [], "dataActions": [f"{SERVICES}/OpenAI/deployments/chat/completions/action"]}


def test_nothing_may_call_a_retained_analyzer(cut_over: Recorder) -> None:
    service = "ServicePrincipal"
    vision = (FUNCTION, service, "vision-caller-role", scope("cognitiveservices:Account", "vision-account-1"))
    foundry = (FUNCTION, service, "vision-caller-role", scope("cognitiveservices:Account", "foundry-account"))
    assert granted(cut_over) == expected() - {vision} | {foundry}
    assert items_granted(cut_over) == EXPECTED_ITEMS


def accounts(recorder: Recorder) -> dict[str, RecordedResource]:
    resources = [*recorder.of_type("cognitiveservices:Account"), *recorder.of_type("cognitiveservices:Deployment")]
    return {resource.name: resource for resource in resources}


def test_cut_over_and_rollback_replace_no_account(dev: Recorder, shadowed: Recorder, cut_over: Recorder) -> None:
    """Equal logical names and inputs: what is called changes, and nothing that is called is created or deleted."""
    rolled_back = run_program("dev", {"retainedAnalyzers": ["foundry-vision"], "foundry": SHADOW["foundry"]})
    assert accounts(shadowed).keys() == {*accounts(dev), "foundry-account", "foundry-gpt-5.4-mini-2026-03-17"}
    for recorder in (cut_over, rolled_back):
        before, after = accounts(shadowed), accounts(recorder)
        assert {name: item.inputs for name, item in before.items()} == {
            name: item.inputs for name, item in after.items()
        }
        assert {item.parent for item in before.values()} == {item.parent for item in after.values()}


def test_a_private_network_reaches_the_accounts_of_all_analyzers() -> None:
    for config in (SHADOW, CUT_OVER):
        recorder = run_program("dev", config | {"networkAccess": "private"})
        endpoints = {endpoint.name for endpoint in recorder.of_type("network:PrivateEndpoint")}
        assert {"network-foundry-account-account", "network-vision-account-1-account"} <= endpoints


def test_the_shadow_has_alerts_of_its_own(dev: Recorder, shadowed: Recorder) -> None:
    def rules(recorder: Recorder) -> dict[str, Any]:
        return {rule.name: rule.inputs for rule in recorder.of_type("monitor:ScheduledQueryRule")}

    more = rules(shadowed).keys() - rules(dev).keys()
    assert more == {"monitoring-alerts-shadow-poison", "monitoring-alerts-shadow-misconfigured"}
    assert {rules(shadowed)[name]["severity"] for name in more} == {3}
    for name, inputs in rules(dev).items():
        assert rules(shadowed)[name] == inputs
    metrics = {setting.name for setting in shadowed.of_type("monitor:DiagnosticSetting") if setting.inputs["metrics"]}
    assert "monitoring-diagnostics-vision-account-1" in metrics
    assert "monitoring-diagnostics-foundry-account" not in metrics


def test_the_report_gets_floors_throughput_and_prices(dev: Recorder, shadowed: Recorder) -> None:
    assert "shadow" not in dev.outputs
    assert shadowed.outputs["shadow"] == {
        "analyzer": "foundry-vision",
        "percent": 20.0,
        "container": "comparisons",
        "peakRate": shadowed.outputs["sizing"]["peak_rate"],
        "imagesPerSecond": 0.242,
        "prices": [
            {"metric": "inputTokens", "per": 1_000_000, "usd": 0.825},
            {"metric": "outputTokens", "per": 1_000_000, "usd": 4.95},
        ],
        "minImages": 500,
        "minLabelPercent": 0,
        "minCategoryPercent": 0,
        "minCaptionPercent": 0,
        "maxTextErrorPercent": 100,
    }


def test_the_report_gets_fees_and_quotas_of_content_understanding() -> None:
    output = run_program("dev", UNDERSTANDING_SHADOW).outputs["shadow"]
    # Text is not read by the model: more calls for the same capacity, and a page for each image.
    assert output["imagesPerSecond"] == 0.427
    assert output["prices"][2:] == [{"metric": "images", "per": 1_000, "usd": 2.0}]
    without_text = run_program("dev", UNDERSTANDING_SHADOW | {"features": ["tags"]}).outputs["shadow"]
    assert without_text["prices"][2:] == [{"metric": "images", "per": 1_000, "usd": 1.0}]


def test_content_understanding_in_the_shadow_is_defined_and_called_by_its_role() -> None:
    recorder = run_program("dev", UNDERSTANDING_SHADOW)
    assert len(definitions(recorder)) == 1
    roles = {role for _, _, role, _ in granted(recorder)}
    assert {"CONTENT_UNDERSTANDING_READER", "CONTENT_UNDERSTANDING_OWNER"} <= roles
    assert app_settings(recorder)["PIPELINE_ANALYZER"] == "image-analysis"
    assert app_settings(recorder)["PIPELINE_SHADOW_ANALYZER"] == "content-understanding"


def test_the_accounts_beside_the_analyzer_have_endpoints_in_the_estimate() -> None:
    busy = {"imagesPerMonth": 50_000_000, "networkAccess": "private"}
    settings = Settings.parse(UNDERSTANDING_SHADOW | busy | {"signIn": "create"})
    recorder = run_program("dev", UNDERSTANDING_SHADOW | busy)
    accounts = [item for item in recorder.of_type("cognitiveservices:Account") if item.inputs["kind"] == "AIServices"]
    assert create_workload(settings, log_alert_rules=0).retained_accounts == len(accounts) > 1


def test_messages_of_a_shadow_with_operations_are_delivered_more_than_once() -> None:
    model = parse(**UNDERSTANDING_SHADOW).foundry
    usual = workload(shadow=model, shadow_percent=20.0)
    assert usual.more_deliveries == (0, 0)
    assert replace(usual, shadow_content_understanding=True).more_deliveries == (1_000, 3_000)


def test_the_deployment_of_the_shadow_has_the_capacity_for_its_share() -> None:
    busy = {"imagesPerMonth": 5_000_000}
    capacities = [
        run_program("dev", config | busy).one("cognitiveservices:Deployment", "foundry-gpt-5.4-mini-2026-03-17")
        for config in (SHADOW, CUT_OVER)
    ]
    shadow, main = [item.inputs["sku"]["capacity"] for item in capacities]
    assert (shadow, main) == (639, 3195)


def test_the_shadow_takes_no_throughput_that_the_images_need() -> None:
    busy = {"imagesPerMonth": 50_000_000}
    all_shadowed = {"shadow": {"analyzer": "foundry-vision", "percent": 100}}
    usual, shadowed = parse(**busy).sizing, parse(**busy, **all_shadowed).sizing
    assert shadowed.analyses.max_ru == 2 * usual.analyses.max_ru
    assert shadowed.images.max_ru >= usual.images.max_ru


def test_the_estimate_has_the_shadows_tokens_and_container() -> None:
    settings = Settings.parse(SHADOW | {"signIn": "create"})
    usual = estimate_cost(workload(), committed_prices())
    more = estimate_cost(workload(shadow=settings.foundry, shadow_percent=20.0), committed_prices())
    names = {item.usage.meter.meter_name for item in more.line_items}
    assert names - {item.usage.meter.meter_name for item in usual.line_items} == {
        "5.4 mini Inp Dz 1M Tokens",
        "5.4 mini Opt Dz 1M Tokens",
    }
    both = estimate_cost(
        workload(foundry=settings.foundry, shadow=settings.foundry, shadow_percent=20.0), committed_prices()
    )
    # One meter of two analyzers is one figure.
    costs = [item.high for item in both.line_items if item.usage.meter.meter_name == "5.4 mini Inp Dz 1M Tokens"]
    assert len(costs) == 2
    assert both.to_dict()["meters"]["5.4 mini Inp Dz 1M Tokens"] == round(sum(costs), 2)
    tokens = next(item.usage for item in more.line_items if "Inp" in item.usage.meter.meter_name)
    assert (tokens.low, tokens.high) == (1_000 * 1_300, 1_000 * 2_900)


def test_a_custom_vision_project_can_have_a_shadow() -> None:
    config = SHADOW | {"analyzer": "custom-vision", "customVision": CUSTOM, "features": ["tags"]}
    recorder = run_program("dev", config)
    assert app_settings(recorder)["PIPELINE_ANALYZER"] == "custom-vision"
    assert app_settings(recorder)["PIPELINE_SHADOW_FEATURES"] == '["tags"]'


def test_content_understanding_is_cut_over_to_with_the_same_accounts_and_definition() -> None:
    cut_over_to = CUT_OVER | {"analyzer": "content-understanding"}
    before, after = run_program("dev", UNDERSTANDING_SHADOW), run_program("dev", cut_over_to)
    assert {name: item.inputs for name, item in accounts(before).items()} == {
        name: item.inputs for name, item in accounts(after).items()
    }
    identifiers = [
        json.loads(app_settings(recorder)[setting])["analyzerId"]
        for recorder, setting in (
            (before, "PIPELINE_SHADOW_ANALYZER_OPTIONS"),
            (after, "PIPELINE_ANALYZER_OPTIONS"),
        )
    ]
    assert len(set(identifiers)) == 1
