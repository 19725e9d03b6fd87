"""Where each setting ends: the last value that is allowed, the first that is not, and what the error allows instead."""

import json
from ipaddress import IPv4Network
from typing import Any

import pulumi
import pytest
import yaml
from pydantic import Field, ValidationError

from infra.config.settings import Settings
from infra.config.sizing import derive_sizing
from infra.config.stack_config import StackConfig, Violation
from infra.core.analysis import FEATURES, CustomVisionProject
from infra.core.errors import SettingsError
from tests.conftest import ROOT
from tests.infra.test_settings import ALICE, CONTENT_UNDERSTANDING, CUSTOM, FOUNDRY, GOOD, parse, user


def error_line(key: str, **changes: Any) -> str:
    """The line of the error that is about a setting."""
    with pytest.raises(SettingsError) as error:
        parse(**changes)
    (line,) = [line for line in str(error.value).splitlines() if line.startswith(f"  {key}: ")]
    return line.strip()


# Each whole number: the setting, its field, the lowest and the highest that are allowed.
NUMBERS = [
    ("visionCallsPerSecond", "vision_calls_per_second", 1, 100),
    ("cacheDays", "cache_days", 1, 3650),
    ("maxRetryAgeHours", "max_retry_age_hours", 1, 8760),
    ("logRetentionDays", "log_retention_days", 30, 730),
    ("monthlyBudget", "monthly_budget", 1, 100_000_000),
    ("roleDefinitionReplicationSeconds", "role_definition_replication_seconds", 0, 600),
    ("rolePropagationSeconds", "role_propagation_seconds", 0, 900),
]


@pytest.mark.parametrize(("key", "field", "low", "high"), NUMBERS)
def test_a_number_is_taken_over_up_to_its_bounds(key: str, field: str, low: int, high: int) -> None:
    assert getattr(parse(**{key: low}), field) == low
    assert getattr(parse(**{key: high}), field) == high
    for value in (low - 1, high + 1):
        assert error_line(key, **{key: value}) == f"{key}: {value} is not allowed; allowed: {low} to {high}"


@pytest.mark.parametrize(("key", "low", "high"), [("imagesPerMonth", 1, 10**12), ("peakFactor", 1, 100)])
def test_a_number_that_sizes_are_derived_from_ends_too(key: str, low: int, high: int) -> None:
    parse(**{key: low})
    for value in (low - 1, high + 1):
        assert error_line(key, **{key: value}) == f"{key}: {value} is not allowed; allowed: {low} to {high}"
    parse(peakFactor=100)
    assert "fewer images, or shorter retention: 1000000000000 images a month" in error_line(
        "imagesPerMonth", imagesPerMonth=10**12
    )


@pytest.mark.parametrize(
    ("key", "field"), [("imageRetentionDays", "image_retention_days"), ("recordRetentionDays", "record_retention_days")]
)
def test_a_retention_of_no_days_keeps_for_ever(key: str, field: str) -> None:
    assert getattr(parse(**{key: 0}), field) is None
    assert getattr(parse(**{key: 1}), field) == 1
    assert getattr(parse(**{key: 3650}), field) == 3650
    for value in (-1, 3651):
        assert error_line(key, **{key: value}) == f"{key}: {value} is not allowed; allowed: 0 to 3650"


@pytest.mark.parametrize(("percent", "share"), [(0, 0.0), (1, 0.01), (100, 1.0)])
def test_a_percentage_becomes_a_share(percent: int, share: float) -> None:
    assert parse(minConfidencePercent=percent).min_confidence == share
    for value in (-2, 101):
        assert error_line("minConfidencePercent", minConfidencePercent=value).endswith("allowed: -1 to 100")


def test_without_a_percentage_the_threshold_is_that_of_the_analyzer() -> None:
    assert parse().min_confidence == 0.5
    assert parse(**FOUNDRY).min_confidence == 0.0
    assert parse(**CONTENT_UNDERSTANDING).min_confidence == 0.0


INTEGERS = [key for key, value in GOOD.items() if type(value) is int]


@pytest.mark.parametrize("key", INTEGERS)
def test_a_number_is_a_whole_number(key: str) -> None:
    for value in ("5", 5.0, None, True, [5], 10**30):
        assert error_line(key, **{key: value}).startswith(f"{key}: {value!r} is not allowed; allowed: ")


def test_the_bounds_of_every_number_are_tested() -> None:
    tested = {key for key, *_ in NUMBERS}
    tested |= {"imagesPerMonth", "peakFactor", "imageRetentionDays", "recordRetentionDays", "minConfidencePercent"}
    tested |= {"minSimilarityPercent"}
    assert tested == {*INTEGERS}


def test_a_wrong_type_is_reported_for_every_setting_at_once() -> None:
    """A number with a fraction is the value of no setting."""
    with pytest.raises(SettingsError) as error:
        Settings.parse(dict.fromkeys(GOOD, 0.5))
    heading, *lines = str(error.value).splitlines()
    assert heading == "the stack's configuration is wrong:"
    assert len(lines) == len(GOOD)
    assert {line.partition(": 0.5 is not allowed; allowed: ")[0].strip() for line in lines} == GOOD.keys()


@pytest.mark.parametrize(
    "key", ["features", "smartCropAspectRatios", "readers", "uploaders", "operators", "apiOrigins"]
)
def test_a_list_is_not_made_of_something_else(key: str) -> None:
    for value in ({}, {"tags": 1}, "tags", 5, None, [5], [None], [["tags"]]):
        assert error_line(key, **{key: value}).startswith(f"{key}: {value!r} is not allowed; allowed: a list o")


@pytest.mark.parametrize(
    ("key", "good", "bad"),
    [
        ("location", ["northeurope", "eastus2"], ["", "north-europe", "northeurope\n", None, 5]),
        ("namePrefix", ["ab", "abcdefghij", "a1"], ["a", "abcdefghijk", "1a", "aB", None]),
        ("reconcileSchedule", ["0 */15 * * * *", "0 0 6-18/2 1,15 JAN-MAR MON"], ["0 0 0 0 0", "0 0 0 0 0 0 0", ""]),
        ("alertEmail", ["", "a@b.example"], ["a@b", "@b.example", "a b@c.example", "a@.", None]),
        (
            "addressSpace",
            ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "10.1.2.0/24"],
            ["172.32.0.0/24", "192.169.0.0/24", "11.0.0.0/24", "10.0.0.0/7", "10.1.2.0/25", "fd00::/64", None],
        ),
        ("networkAccess", ["public", "private"], ["", "publicc", None]),
        ("trigger", ["events", "schedule"], ["", "event", True]),
        ("analyzer", ["image-analysis"], ["", "image-analysi", None]),
    ],
)
def test_a_text_has_its_own_form(key: str, good: list[Any], bad: list[Any]) -> None:
    for value in good:
        assert parse(**{key: value})
    for value in bad:
        assert error_line(key, **{key: value}).startswith(f"{key}: {value!r} is not allowed; allowed: ")


def test_a_language_may_have_a_region_where_nothing_is_captioned() -> None:
    for language in ("fr", "pt-BR", "zh-Hans", "fil"):
        assert parse(features=["tags"], language=language).language == language
    for language in ("e", "engl", "english", "en_GB", "en-", "en-GB-x", "-en", "EN", None):
        assert error_line("language", features=["tags"], language=language) == (
            f"language: {language!r} is not allowed; allowed: a language code, such as en"
        )
    for feature in ("caption", "denseCaptions"):
        assert error_line("language", features=[feature], language="fr") == (
            "language: 'fr' is not allowed; allowed: en, the only language of captions"
        )


@pytest.mark.parametrize("feature", FEATURES)
def test_each_feature_alone_is_taken_over(feature: str) -> None:
    settings = parse(features=[feature])
    assert settings.features == (feature,)
    assert settings.stores_embeddings is (feature == "embeddings")


def test_the_features_are_those_of_azure_ai_vision() -> None:
    assert FEATURES == (
        "tags",
        "objects",
        "people",
        "read",
        "smartCrops",
        "caption",
        "denseCaptions",
        "safety",
        "embeddings",
    )


@pytest.mark.parametrize(
    ("key", "field"),
    [
        ("genderNeutralCaptions", "gender_neutral_captions"),
        ("publishResults", "publish_results"),
        ("copyClassified", "copy_classified"),
        ("protectData", "protect_data"),
        ("zoneRedundant", "zone_redundant"),
        ("cosmosZoneRedundant", "cosmos_zone_redundant"),
    ],
)
def test_a_switch_is_taken_over_either_way(key: str, field: str) -> None:
    for value in (True, False):
        assert getattr(parse(**{key: value}), field) is value
    for value in ("true", 1, 0, None):
        assert error_line(key, **{key: value}) == f"{key}: {value!r} is not allowed; allowed: true or false"


def test_every_other_setting_is_taken_over() -> None:
    settings = parse(
        language="en",
        smartCropAspectRatios=["0.75", "1", "1.8"],
        trigger="schedule",
        reconcileSchedule="0 0 * * * *",
        alertEmail="a@b.example",
        networkAccess="private",
        addressSpace="10.0.0.0/16",
    )
    assert settings.location == "northeurope"
    assert settings.name_prefix == "imgpipe"
    assert settings.analyzer == "image-analysis"
    assert settings.custom_vision is None
    assert settings.smart_crop_aspect_ratios == (0.75, 1.0, 1.8)
    assert (settings.scheduled, parse().scheduled) == (True, False)
    assert settings.reconcile_schedule == "0 0 * * * *"
    assert settings.alert_email == "a@b.example"
    assert (settings.private_networking, parse().private_networking) == (True, False)
    assert settings.address_space == IPv4Network("10.0.0.0/16")


def test_crops_are_within_the_ratios_of_azure() -> None:
    for ratio in ("0.74", "1.81", "1.", ".9", "-1", "1,5", "1e0", " 1", "", "nan"):
        assert error_line("smartCropAspectRatios", smartCropAspectRatios=[ratio]).endswith(
            "allowed: a list of texts from 0.75 to 1.8, each once"
        )


def test_sizes_come_from_the_settings() -> None:
    settings = parse(
        imagesPerMonth=70_000_000,
        peakFactor=3,
        visionCallsPerSecond=20,
        cacheDays=10,
        recordRetentionDays=20,
        features=["tags", "safety", "embeddings"],
    )
    assert settings.sizing == derive_sizing(
        images_per_month=70_000_000,
        peak_factor=3,
        vision_calls_per_second=20,
        calls_per_image=3,
        embeddings=True,
        record_retention_days=20,
        cache_days=10,
    )


PROPERTIES = (
    "nothing, or all of accountId: the prediction account's ARM id; endpoint: the account's own URL; project: the"
    " project's id; iteration: the name under which the iteration is published; task: multiclass, multilabel or"
    " detection"
)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("accountId", "/subscriptions/s/resourceGroups/rg/providers/Microsoft.Storage/storageAccounts/a"),
        ("accountId", f"{CUSTOM['accountId']}/more"),
        ("accountId", f"/x{CUSTOM['accountId']}"),
        ("accountId", CUSTOM["accountId"].replace("Microsoft.", "Microsoft-")),
        ("endpoint", "http://roses.cognitiveservices.azure.com/"),
        ("endpoint", "https://roses.example/"),
        ("endpoint", "xhttps://roses.cognitiveservices.azure.com/"),
        ("endpoint", "https://roses.cognitiveservices.azure.com/path"),
        ("project", ""),
        ("project", "a/b"),
        ("iteration", ""),
        ("iteration", "a/b"),
        ("task", "classification"),
        ("project", 5),
        ("iteration", None),
    ],
)
def test_each_property_of_a_custom_vision_project_has_its_form(name: str, value: object) -> None:
    wrong = CUSTOM | {name: value}
    line = error_line("customVision", analyzer="custom-vision", features=["tags"], customVision=wrong)
    assert line == f"customVision: {wrong!r} is not allowed; allowed: {PROPERTIES}"


WITHOUT_PROJECT = {name: value for name, value in CUSTOM.items() if name != "project"}


@pytest.mark.parametrize("wrong", [CUSTOM | {"more": "x"}, WITHOUT_PROJECT, [], None, "x"])
def test_a_custom_vision_project_has_exactly_its_properties(wrong: object) -> None:
    line = error_line("customVision", analyzer="custom-vision", features=["tags"], customVision=wrong)
    assert line == f"customVision: {wrong!r} is not allowed; allowed: {PROPERTIES}"


@pytest.mark.parametrize("task", ["multiclass", "multilabel", "detection"])
def test_only_a_detection_project_finds_objects(task: str) -> None:
    project = CUSTOM | {"task": task, "endpoint": CUSTOM["endpoint"].rstrip("/")}
    settings = parse(analyzer="custom-vision", customVision=project, features=["tags"])
    assert settings.custom_vision == CustomVisionProject(
        account_id=CUSTOM["accountId"],
        endpoint="https://roses.cognitiveservices.azure.com",
        project_id="p",
        iteration="Iteration2",
        task=task,
    )
    if task == "detection":
        assert parse(analyzer="custom-vision", customVision=project, features=["objects"]).features == ("objects",)
    allowed = "objects, tags" if task == "detection" else "tags"
    for features in (["read"], ["tags", "embeddings"]):
        assert error_line("features", analyzer="custom-vision", customVision=project, features=features) == (
            f"features: {features!r} is not allowed; allowed: of this Custom Vision project: {allowed}"
        )


def test_a_project_without_its_analyzer_is_refused_and_the_other_way_round() -> None:
    allowed = "allowed: the project, with analyzer custom-vision and only then"
    assert error_line("customVision", customVision=CUSTOM).endswith(allowed)
    assert error_line("customVision", analyzer="custom-vision", features=["tags"]) == (
        f"customVision: {{}} is not allowed; {allowed}"
    )


def test_no_feature_and_an_unknown_feature_are_error_line() -> None:
    every = "tags, objects, people, read, smartCrops, caption, denseCaptions, safety, embeddings"
    assert error_line("features", features=[]) == f"features: [] is not allowed; allowed: at least one of {every}"
    assert error_line("features", features=["x"]) == (
        f"features: ['x'] is not allowed; allowed: a list out of {every}, each once"
    )


LONGEST = {"n" * 128: "v" * 256}
FORTY = {str(number): "" for number in range(40)}


@pytest.mark.parametrize("tags", [{}, {"a": ""}, LONGEST, FORTY, {"a-b_c.d e": "<&>"}])
def test_tags_that_azure_takes(tags: dict[str, str]) -> None:
    assert parse(tags=tags).tags == tags


@pytest.mark.parametrize(
    "tags",
    [
        {"": "x"},
        {"n" * 129: "x"},
        {"a": "v" * 257},
        FORTY | {"41": ""},
        {1: "x"},
        {"a": 1},
        {"a": None},
        *({f"a{character}b": "x"} for character in "<>%&\\?/"),
        [],
        None,
    ],
)
def test_tags_that_azure_refuses(tags: object) -> None:
    assert error_line("tags", tags=tags) == (
        f"tags: {tags!r} is not allowed; allowed: up to 40 texts by name; names of 1 to 128 characters without <>%&\\?/"
    )


@pytest.mark.parametrize(
    "principals",
    [
        [user(ALICE[:-1])],
        [user(f"{ALICE}0")],
        [user(f"0{ALICE}")],
        [user(ALICE), "x"],
        [{"principalType": "User"}],
        [{"objectId": 5, "principalType": "User"}],
        [user(ALICE, "user")],
        None,
    ],
)
def test_a_principal_is_an_object_id_and_a_type(principals: object) -> None:
    for key in ("readers", "uploaders", "operators"):
        assert error_line(key, **{key: principals}).endswith(
            "allowed: a list of {objectId: <GUID>, principalType: <type>}, each object id once; the type is User or"
            " Group or ServicePrincipal and must be stated"
        )


def test_an_object_id_may_have_capitals() -> None:
    (principal,) = parse(uploaders=[user(ALICE.upper())]).uploaders
    assert principal.object_id == ALICE.upper()


class Example(StackConfig):
    """Three settings, and rules between them."""

    first: int = Field(default=1, ge=1, le=9, description="A number.")
    second: int = Field(default=1, ge=1, le=9, description="A number.")
    third: int = Field(default=1, ge=1, le=9, description="A number.")

    def violations(self) -> list[Violation]:
        if self.first == self.second:
            return []
        return [
            Violation(setting="first", allowed="that", other_settings=("second",)),
            Violation(setting="first", allowed="something else", other_settings=("second",)),
            Violation(setting="third", allowed="this"),
        ]


def example_error(**values: object) -> str:
    with pytest.raises(SettingsError) as error:
        Example.parse(values)
    return str(error.value)


def test_the_first_error_of_a_setting_is_reported() -> None:
    assert example_error(first=1, second=2, third=3) == (
        "the stack's configuration is wrong:\n  first: 1 is not allowed; allowed: that\n"
        "  third: 3 is not allowed; allowed: this"
    )


def test_a_bound_comes_before_a_rule_on_the_same_setting() -> None:
    assert example_error(first=2, third=10) == (
        "the stack's configuration is wrong:\n  third: 10 is not allowed; allowed: 1 to 9\n"
        "  first: 2 is not allowed; allowed: that"
    )


def test_a_rule_that_reads_a_value_that_is_not_allowed_is_not_reported() -> None:
    """Nothing is known of `first` without `second`; the rule on `third` does not read it."""
    assert example_error(first=2, second=10, third=3) == (
        "the stack's configuration is wrong:\n  second: 10 is not allowed; allowed: 1 to 9\n"
        "  third: 3 is not allowed; allowed: this"
    )


def test_a_rule_reports_the_default_of_a_setting_that_is_absent() -> None:
    assert "  first: 1 is not allowed; allowed: that" in example_error(second=2)


def test_a_model_without_rules_has_neither_violations_nor_warnings() -> None:
    settings = StackConfig.parse({})
    assert [*settings.violations()] == []
    assert settings.warnings == ()


def test_a_warning_is_given_once() -> None:
    """Availability zones are needed twice, and no list knows the region."""
    warnings = parse(
        location="atlantisnorth", features=["safety"], zoneRedundant=True, cosmosZoneRedundant=True
    ).warnings
    assert [warning.partition(" is not known")[0] for warning in warnings] == [
        "location: Azure Functions Flex Consumption",
        "location: Availability zones",
        "location: Zone redundancy of Flex Consumption plans",
        "location: Geo-zone-redundant storage (GZRS)",
    ]


def test_settings_do_not_change() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        parse().cache_days = 1


def test_every_setting_of_the_project_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    keys: set[str] = set()

    class Config:
        name = "image-pipeline"

        def get(self, key: str) -> None:
            keys.add(key)

    monkeypatch.setattr("infra.config.stack_config.pulumi.Config", Config)
    pulumi.runtime.set_all_config({})
    Settings.load()
    assert keys == GOOD.keys()


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("imagePerMonth", "imagePerMonth: there is no such setting; did you mean imagesPerMonth?"),
        ("unknown", "unknown: there is no such setting"),
    ],
)
def test_an_unknown_key_is_refused_with_the_setting_that_may_be_meant(key: str, text: str) -> None:
    with pytest.raises(SettingsError) as caught:
        Settings.parse({key: 5, "peakFactor": 0})
    assert str(caught.value).splitlines()[1:] == ["  peakFactor: 0 is not allowed; allowed: 1 to 100", f"  {text}"]


def test_an_unknown_key_in_a_stack_file_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pulumi.config.get_project", lambda: "image-pipeline")
    pulumi.runtime.set_all_config({"image-pipeline:imagePerMonth": "5", "image-pipeline:peakFactor": "4"})
    with pytest.raises(SettingsError, match="imagePerMonth: there is no such setting; did you mean imagesPerMonth"):
        Settings.load()


def test_keys_of_other_packages_are_no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pulumi.config.get_project", lambda: "image-pipeline")
    monkeypatch.setenv("PULUMI_CONFIG", json.dumps({"azure-native:location": "x", "image-pipeline:peakFactor": "5"}))
    pulumi.runtime.set_all_config({})
    assert Settings.load().peak_factor == 5


def test_an_absent_setting_has_its_default() -> None:
    assert Settings.parse({}).cache_days == 90


TEXTS = [
    "location",
    "namePrefix",
    "alertEmail",
    "networkAccess",
    "addressSpace",
    "analyzer",
    "language",
    "trigger",
    "reconcileSchedule",
    "signIn",
    "apiApplicationId",
]


@pytest.mark.parametrize("key", GOOD)
def test_texts_are_read_as_they_are_and_everything_else_as_json(key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A text such as `5` or `true` stays one."""
    monkeypatch.setattr("pulumi.config.get_project", lambda: "image-pipeline")
    pulumi.runtime.set_all_config({f"image-pipeline:{key}": "5"})
    assert Settings.read() == {key: "5" if key in TEXTS else 5}
    pulumi.runtime.set_all_config({f"image-pipeline:{key}": "no JSON"})
    assert Settings.read() == {key: "no JSON"}


def test_texts_are_the_settings_that_the_project_declares_as_such() -> None:
    declared = yaml.safe_load((ROOT / "Pulumi.yaml").read_text())["config"]
    assert {key for key, schema in declared.items() if schema["type"] == "string"} == {*TEXTS}


def test_an_aspect_ratio_is_listed_once_however_it_is_written() -> None:
    assert error_line("smartCropAspectRatios", smartCropAspectRatios=["1", "1.0"]).endswith(", each once")


@pytest.mark.parametrize(
    ("changes", "setting", "other_settings"),
    [
        ({"location": "swedencentral"}, "features", {"location", "analyzer"}),
        ({"location": "eastasia", "features": ["tags", "embeddings"]}, "features", {"location", "analyzer"}),
        ({"location": "canadaeast", "features": ["safety"], "zoneRedundant": True}, "zoneRedundant", {"location"}),
        (
            {"location": "canadaeast", "features": ["safety"], "cosmosZoneRedundant": True},
            "cosmosZoneRedundant",
            {"location"},
        ),
        ({"language": "es"}, "language", {"features", "analyzer"}),
        ({"signIn": "existing"}, "apiApplicationId", {"signIn"}),
        ({"apiApplicationId": "0123abcd-0123-4123-8123-0123456789ab"}, "apiApplicationId", {"signIn"}),
        ({"signIn": "none", "spaRedirectUris": ["https://a.example/"]}, "spaRedirectUris", {"signIn"}),
        ({"signIn": "none", "readers": [user(ALICE)]}, "readers", {"signIn"}),
        ({"signIn": "none", "operators": [user(ALICE)]}, "operators", {"signIn"}),
        ({"customVision": CUSTOM, "features": ["tags"]}, "customVision", {"analyzer"}),
        ({"analyzer": "custom-vision", "customVision": CUSTOM, "features": ["read"]}, "features", {"customVision"}),
        (
            {"imagesPerMonth": 900_000_000_000},
            "imagesPerMonth",
            {"peakFactor", "visionCallsPerSecond", "features", "recordRetentionDays", "cacheDays"},
        ),
    ],
)
def test_a_rule_is_reported_with_errors_of_settings_that_it_does_not_read(
    changes: dict[str, Any], setting: str, other_settings: set[str]
) -> None:
    for key in (GOOD.keys() | changes.keys()) - {setting}:
        with pytest.raises(SettingsError) as error:
            parse(**changes | {key: None})
        lines = {line.partition(":")[0].strip() for line in str(error.value).splitlines()[1:]}
        assert lines == ({key} if key in other_settings else {key, setting}), key


@pytest.mark.parametrize(("percent", "share"), [(0, 0.0), (27, 0.27), (100, 1.0)])
def test_the_lowest_similarity_is_a_share(percent: int, share: float) -> None:
    assert parse(minSimilarityPercent=percent).min_similarity == share


@pytest.mark.parametrize("percent", [-1, 101])
def test_a_similarity_is_from_0_to_100_percent(percent: int) -> None:
    assert error_line("minSimilarityPercent", minSimilarityPercent=percent).endswith("allowed: 0 to 100")


def test_there_are_at_most_60_origins() -> None:
    origins = [f"https://x{number}" for number in range(61)]
    assert parse(apiOrigins=origins[:60]).api_origins == tuple(origins[:60])
    assert "a list of up to 60 origins" in error_line("apiOrigins", apiOrigins=origins)


@pytest.mark.parametrize("origin", ["https://photos.contoso.com", "https://b.example:8443", "https://x"])
def test_an_origin_is_a_scheme_a_host_and_perhaps_a_port(origin: str) -> None:
    assert parse(apiOrigins=[origin]).api_origins == (origin,)


@pytest.mark.parametrize(
    "origin",
    [
        "*",
        "https://*",
        "https://*.contoso.com",
        "null",
        "http://photos.contoso.com",
        "https://photos.contoso.com/",
        "https://photos.contoso.com/page",
        "https://Photos.contoso.com",
        "https://user@photos.contoso.com",
        "https://a.example, https://b.example",
        "https://a.example\n",
        "photos.contoso.com",
        "",
    ],
)
def test_nothing_else_is_an_origin(origin: str) -> None:
    assert error_line("apiOrigins", apiOrigins=[origin]).startswith(f"apiOrigins: [{origin!r}] is not allowed")
