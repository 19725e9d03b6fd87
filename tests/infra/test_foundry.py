"""The program with a vision model of Foundry: account, deployments in order, network, options of the code, cost."""

import json
from datetime import date
from typing import Any

import pytest

import infra
from infra.config.cost.estimate import estimate_cost
from infra.config.cost.meters import MODEL_TOKENS
from infra.config.foundry_rules import foundry_violations, foundry_warnings
from infra.config.foundry_sizing import calls_per_second, derive_capacity
from infra.config.models import MODELS
from infra.config.retirement_rules import retirement_violations, retirement_warnings
from infra.config.settings import Settings
from infra.core.analysis import AnalyzerName, FoundryModel
from infra.core.errors import SettingsError
from infra.core.naming import Names
from tests.conftest import SUBSCRIPTION, Recorder, record, run_program
from tests.infra.test_settings import CUSTOM, FOUNDRY, parse
from tests.support.cost_workloads import committed_prices, workload

ACCOUNT = "azure-native:cognitiveservices:Account::foundry-account"
DEPLOYMENT = "foundry-gpt-5.4-mini-2026-03-17"
MINI = FoundryModel()
LUNA = FoundryModel(name="gpt-5.6-luna", version="2026-07-09", deployment_type="GlobalStandard")
LONG_BEFORE = date(2026, 11, 29)


@pytest.fixture(scope="module")
def public() -> Recorder:
    return run_program("dev", FOUNDRY)


def error_lines(**changes: Any) -> list[str]:
    with pytest.raises(SettingsError) as error:
        parse(**{**FOUNDRY, **changes})
    return [line.strip() for line in str(error.value).splitlines()[1:]]


def test_there_is_one_account_for_entra_identities_only(public: Recorder) -> None:
    (account,) = public.of_type("cognitiveservices:Account")
    assert (account.inputs["kind"], account.inputs["sku"]) == ("AIServices", {"name": "S0"})
    assert account.inputs["location"] == "swedencentral"
    properties = account.inputs["properties"]
    assert properties["disableLocalAuth"] is True
    assert properties["customSubDomainName"] == account.inputs["accountName"]
    (purge,) = [resource for resource in public.resources if resource.name == "foundry-account-purge"]
    assert "/locations/swedencentral/" in purge.inputs["deleted_account"]


def test_the_deployment_states_model_capacity_filter_and_upgrade(public: Recorder) -> None:
    deployment = public.one("cognitiveservices:Deployment", DEPLOYMENT)
    assert deployment.inputs["deploymentName"] == "gpt-5.4-mini-2026-03-17"
    assert deployment.inputs["sku"] == {"name": "DataZoneStandard", "capacity": 100}
    assert deployment.inputs["properties"] == {
        "model": {"format": "OpenAI", "name": "gpt-5.4-mini", "version": "2026-03-17"},
        "raiPolicyName": "Microsoft.DefaultV2",
        "versionUpgradeOption": "OnceCurrentVersionExpired",
    }
    assert ACCOUNT in deployment.dependencies


def test_the_code_gets_its_options_after_the_deployment(public: Recorder) -> None:
    site = public.one("web:WebApp", "app-site")
    settings = {item["name"]: item["value"] for item in site.inputs["siteConfig"]["appSettings"]}
    assert settings["PIPELINE_ANALYZER"] == "foundry-vision"
    assert settings["PIPELINE_MIN_CONFIDENCE"] == "0.0"
    assert json.loads(settings["PIPELINE_ANALYZER_OPTIONS"]) == {
        "endpoint": "https://foundry-account.openai.azure.com/",
        "deployment": DEPLOYMENT,
        "model": "gpt-5.4-mini 2026-03-17",
        "categories": ["animal", "street"],
        "language": "en",
        "callsPerSecond": 0.242,
        "instances": 40,
    }
    assert f"azure-native:cognitiveservices:Deployment::{DEPLOYMENT}" in site.dependencies


def test_another_model_gets_a_deployment_of_its_own_before_the_old_one_is_deleted() -> None:
    luna = {"model": "gpt-5.6-luna", "version": "2026-07-09", "deploymentType": "GlobalStandard", "capacityKTpm": 30}
    recorder = run_program("dev", FOUNDRY | {"foundry": luna})
    (deployment,) = recorder.of_type("cognitiveservices:Deployment")
    assert deployment.name == "foundry-gpt-5.6-luna-2026-07-09"
    assert deployment.inputs["sku"] == {"name": "GlobalStandard", "capacity": 30}
    (account,) = recorder.of_type("cognitiveservices:Account")
    assert account.inputs["location"] == "northeurope"


def test_an_account_in_another_region_than_the_stack_has_another_name() -> None:
    """Azure keeps the name of a deleted account in its region, and refuses it in another one."""

    def account_name(location: str) -> str:
        recorder = run_program("dev", FOUNDRY | {"foundry": {"location": location}})
        (account,) = recorder.of_type("cognitiveservices:Account")
        return str(account.inputs["accountName"])

    names = {location: account_name(location) for location in ("northeurope", "swedencentral", "germanywestcentral")}
    assert [name.partition("-imgpipe-dev-")[0] for name in names.values()] == [
        "foundry",
        "foundry-swedencentral",
        "foundry-germanywestcentral",
    ]
    # Of a host name's label; every part at its longest.
    longest = Names(prefix="a" * 10, stack="s" * 30, subscription_id=SUBSCRIPTION)
    assert len(longest.global_name("content10-germanywestcentral")) <= 64


def test_deployments_are_made_one_after_the_other() -> None:
    context = infra.DeploymentContext(
        names=Names(prefix="imgpipe", stack="dev", subscription_id=SUBSCRIPTION),
        location="swedencentral",
        resource_group_name="rg",
        tags={},
    )

    def program() -> None:
        infra.FoundryAccount("models", context=context, location=None, models=[MINI, LUNA], capacities_ktpm=[1, 2])

    first, second = record(program).of_type("cognitiveservices:Deployment")
    assert f"azure-native:cognitiveservices:Deployment::{first.name}" in second.dependencies


def test_a_private_network_has_all_zones_of_the_account_and_connects_it_last() -> None:
    recorder = run_program("dev", FOUNDRY | {"networkAccess": "private"})
    group = recorder.one("network:PrivateDnsZoneGroup", "network-foundry-account-account-dns")
    zones = {zone.id: zone.inputs["privateZoneName"] for zone in recorder.of_type("privatedns:PrivateZone")}
    assert {zones[config["privateDnsZoneId"]] for config in group.inputs["privateDnsZoneConfigs"]} == {
        "privatelink.cognitiveservices.azure.com",
        "privatelink.openai.azure.com",
        "privatelink.services.ai.azure.com",
    }
    assert len(zones) == len(set(zones.values())) == len(recorder.of_type("privatedns:VirtualNetworkLink"))
    for zone in ("account", "openai", "services-ai"):
        assert f"azure-native:privatedns:VirtualNetworkLink::network-{zone}-link" in group.dependencies
    endpoint = recorder.one("network:PrivateEndpoint", "network-foundry-account-account")
    assert f"azure-native:cognitiveservices:Deployment::{DEPLOYMENT}" in endpoint.dependencies


@pytest.mark.parametrize("feature", ["objects", "people", "smartCrops", "denseCaptions", "safety", "embeddings"])
def test_a_feature_without_a_successor_is_refused_by_name(feature: str) -> None:
    (line,) = error_lines(features=["tags", feature])
    assert line.startswith("features: ")
    assert line.endswith(
        f"allowed: tags, caption, read with analyzer foundry-vision; {feature} cannot be had of a vision model"
    )


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"minConfidencePercent": 49}, "minConfidencePercent: 49 is not allowed; allowed: to be left out"),
        ({"minConfidencePercent": 50}, "minConfidencePercent: 50 is not allowed; allowed: to be left out"),
        ({"minConfidencePercent": 0}, "minConfidencePercent: 0 is not allowed; allowed: to be left out"),
        ({"genderNeutralCaptions": True}, "genderNeutralCaptions: True is not allowed; allowed: false with"),
        ({"foundry": {"model": "gpt-9"}}, "foundry: {'model': 'gpt-9'} is not allowed; allowed: a model of the table"),
        ({"foundry": {"model": "gpt-5.6-luna", "version": "2026-07-09"}}, "foundry: {'model': 'gpt-5.6-luna', 'versi"),
        ({"foundry": {"size": 1}}, "foundry: {'size': 1} is not allowed; allowed: any of model"),
        ({"foundry": {"capacityKTpm": -1}}, "foundry: {'capacityKTpm': -1} is not allowed; allowed: any of model"),
        ({"foundry": {"capacityKTpm": 100_001}}, "foundry: {'capacityKTpm': 100001} is not allowed; allowed: any of"),
        ({"categories": ["other"]}, "categories: ['other'] is not allowed; allowed: a list of up to 300 texts"),
        ({"categories": ["a", "a"]}, "categories: ['a', 'a'] is not allowed"),
        ({"categories": ["a/b"]}, "categories: ['a/b'] is not allowed"),
        ({"categories": [""]}, "categories: [''] is not allowed"),
    ],
)
def test_what_a_vision_model_cannot_do_is_refused(changes: dict[str, Any], text: str) -> None:
    (line,) = error_lines(**changes)
    assert line.startswith(text)


@pytest.mark.parametrize(
    ("setting", "value"),
    [("foundry", {"capacityKTpm": 10}), ("categories", ["a"]), ("acceptRetiringModel", True)],
)
@pytest.mark.parametrize("analyzer", ["image-analysis", "custom-vision"])
def test_settings_of_a_vision_model_belong_to_it_alone(analyzer: str, setting: str, value: object) -> None:
    custom = {"customVision": CUSTOM} if analyzer == "custom-vision" else {}
    with pytest.raises(
        SettingsError, match=f"{setting}: .*nothing, unless analyzer, shadow or a retained analyzer is foundry"
    ):
        parse(analyzer=analyzer, features=["tags"], **custom, **{setting: value})


def test_captions_may_have_any_language() -> None:
    assert parse(**FOUNDRY, language="de").language == "de"


@pytest.mark.parametrize(
    ("today", "is_refused"), [(date(2028, 8, 31), False), (date(2028, 9, 1), True), (date(2028, 10, 1), True)]
)
@pytest.mark.parametrize("analyzer", ["image-analysis", "custom-vision"])
def test_the_retiring_services_are_refused_from_september_2028_on(
    analyzer: AnalyzerName, today: date, is_refused: bool
) -> None:
    violations = list(retirement_violations(analyzer=analyzer, model=MINI, accept_retiring_model=False, today=today))
    assert [violation.setting for violation in violations] == (["analyzer"] if is_refused else [])
    if is_refused:
        assert violations[0].allowed == f"foundry-vision or content-understanding; {analyzer} ends on 2028-09-25"


@pytest.mark.parametrize(("today", "warned"), [(date(2028, 3, 24), False), (date(2028, 3, 25), True)])
def test_the_retiring_services_are_warned_of_half_a_year_before(today: date, warned: bool) -> None:
    for analyzer in ("image-analysis", "custom-vision"):
        texts = list(retirement_warnings(analyzer=analyzer, model=MINI, today=today))
        assert [text.startswith(f"analyzer: {analyzer} ends on 2028-09-25") for text in texts] == [True] * warned


@pytest.mark.parametrize(
    ("today", "warnings", "is_refused"),
    [
        (date(2026, 11, 29), 0, False),
        (date(2027, 3, 1), 0, False),
        (date(2027, 3, 2), 1, False),
        (date(2027, 3, 25), 1, False),
        (date(2027, 3, 26), 2, False),
        (date(2027, 7, 23), 2, False),
        (date(2027, 7, 24), 2, True),
        (date(2028, 1, 1), 2, True),
    ],
)
def test_a_model_is_warned_of_below_180_days_and_refused_below_60(today: date, warnings: int, is_refused: bool) -> None:
    """gpt-5.4-mini retires on 2027-09-21; the table is half a year old on 2027-03-01."""
    texts = list(retirement_warnings(analyzer="foundry-vision", model=MINI, today=today))
    violations = list(
        retirement_violations(analyzer="foundry-vision", model=MINI, accept_retiring_model=False, today=today)
    )
    assert len(texts) == warnings
    assert [violation.setting for violation in violations] == ["foundry"] * is_refused
    if is_refused:
        assert "gpt-5.6-luna 2026-07-09; gpt-5.4-mini 2026-03-17 retires on 2027-09-21" in violations[0].allowed
    assert not list(
        retirement_violations(analyzer="foundry-vision", model=MINI, accept_retiring_model=True, today=today)
    )


def test_an_old_table_of_models_is_warned_of() -> None:
    (text,) = retirement_warnings(analyzer="foundry-vision", model=LUNA, today=date(2027, 3, 2))
    assert text.startswith("foundry: the dates of retirement are those of 2026-09-02 and may have changed")


def test_the_settings_read_the_date_of_today(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("infra.config.settings.current_date", lambda: date(2027, 9, 1))
    (line,) = error_lines()
    assert "retires on 2027-09-21" in line
    assert parse(**FOUNDRY, acceptRetiringModel=True).accept_retiring_model
    assert any("in 20 days" in text for text in parse(**FOUNDRY, acceptRetiringModel=True).warnings)


def test_the_bounds_of_a_capacity_are_allowed() -> None:
    def capacity(value: int) -> int | None:
        return parse(
            **FOUNDRY | {"foundry": {"location": "swedencentral", "capacityKTpm": value}}
        ).foundry.capacity_ktpm

    assert (capacity(0), capacity(1), capacity(100_000)) == (None, 1, 100_000)


def test_region_and_quota_are_warned_of() -> None:
    def warnings(model: FoundryModel) -> list[str]:
        return list(
            foundry_warnings(
                analyzers=("foundry-vision",),
                model=model,
                stack_location="northeurope",
                peak_rates={"foundry-vision": 1.0},
                features=("tags",),
                today=LONG_BEFORE,
            )
        )

    region, quota = warnings(MINI)
    assert region.startswith("foundry.location: gpt-5.4-mini (Data Zone Standard) is not known to exist in northeurope")
    assert quota.startswith("foundry: the deployment takes 234,000 tokens per minute of the subscription's quota")
    assert len(warnings(FoundryModel(location="swedencentral"))) == 1
    assert len(warnings(FoundryModel(location="uksouth", deployment_type="GlobalStandard"))) == 1
    assert Settings.parse(FOUNDRY).warnings
    other = foundry_warnings(
        analyzers=("image-analysis",),
        model=MINI,
        stack_location="northeurope",
        peak_rates={"image-analysis": 1.0},
        features=("tags",),
        today=LONG_BEFORE,
    )
    assert list(other) == []


@pytest.mark.parametrize(
    ("peak_rate", "features", "capacity"),
    [(0.0, ("tags",), 100), (0.4, ("tags",), 100), (1.0, ("tags",), 234), (1.0, ("tags", "read"), 414)],
)
def test_the_capacity_is_what_the_busiest_hours_need(
    peak_rate: float, features: tuple[Any, ...], capacity: int
) -> None:
    assert derive_capacity(MINI, peak_rate=peak_rate, features=features) == capacity
    assert calls_per_second(capacity, features) >= peak_rate


def test_a_capacity_in_the_settings_wins() -> None:
    assert derive_capacity(FoundryModel(capacity_ktpm=7), peak_rate=100, features=("tags",)) == 7
    assert calls_per_second(7, ("tags",)) == 0.03


def test_every_model_has_prices_for_its_deployment_types() -> None:
    assert {(row.name, deployment) for row in MODELS for deployment in row.deployment_types} == MODEL_TOKENS.keys()
    for row in MODELS:
        violations = foundry_violations(
            analyzer="foundry-vision",
            analyzers=("foundry-vision",),
            settings=Settings.parse(
                FOUNDRY
                | {"foundry": {"model": row.name, "version": row.version, "deploymentType": row.deployment_types[0]}}
            ),
            features=("tags",),
            gender_neutral_captions=False,
            min_confidence_percent=None,
            today=LONG_BEFORE,
        )
        assert list(violations) == []


def test_the_estimate_knows_tokens() -> None:
    estimate = estimate_cost(workload(foundry=MINI, features=("tags", "caption")), committed_prices())
    costs = {item.usage.meter.meter_name: (item.low, item.high) for item in estimate.line_items}
    # 5,000 images: 1,300 to 2,900 tokens of a prompt at 0.825, 150 to 400 of an answer at 4.95 dollars per million.
    assert costs["5.4 mini Inp Dz 1M Tokens"] == (pytest.approx(5.3625), pytest.approx(11.9625))
    assert costs["5.4 mini Opt Dz 1M Tokens"] == (pytest.approx(3.7125), pytest.approx(9.9))
    assert not any(name.startswith("Image Analysis") for name in costs)


def test_text_makes_answers_longer_and_the_network_has_one_endpoint_for_the_account() -> None:
    def estimate(**changes: Any) -> dict[str, Any]:
        usages = estimate_cost(workload(foundry=LUNA, private_networking=True, **changes), committed_prices())
        return {item.usage.meter.meter_name: item for item in usages.line_items}

    with_text, without = estimate(features=("tags", "read")), estimate(features=("tags",))
    answer = "5.6 luna ShortCo Opt Std Gl 1M Tokens"
    assert with_text[answer].high == pytest.approx(5_000 * 700 * 1.2 / 1e6)
    assert without[answer].high == pytest.approx(5_000 * 400 * 1.2 / 1e6)
    assert without["Standard Private Endpoint"].usage.purpose == "6 private endpoints"
    # A completion takes 2 to 6 seconds, at 2 GB; the runs of reconcile take the same in both estimates.
    usage = without["On Demand Execution Time"].usage
    assert usage.high - usage.low == pytest.approx(5_000 * 4 * 2)
