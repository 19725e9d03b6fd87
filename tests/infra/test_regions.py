"""Regions: what Azure is known to refuse is refused, what is not known is warned of, and what is known goes through."""

import json
from pathlib import Path
from typing import Any

import pulumi
import pytest

from infra.config.region_checks import region_requirements
from infra.config.regions import REGION_LISTS, load_region_lists
from infra.config.settings import Settings
from infra.core.errors import SettingsError
from tests.conftest import configuration, run_program
from tests.infra.test_settings import CUSTOM, parse


def test_a_known_region_gives_no_warning() -> None:
    assert parse().warnings == ()
    assert parse(zoneRedundant=True, cosmosZoneRedundant=True, features=["tags", "embeddings"]).warnings == ()


@pytest.mark.parametrize(
    ("changes", "key", "sentence"),
    [
        (
            {"location": "swedencentral"},
            "features",
            "Captions of Image Analysis 4.0 in eastasia, eastus, .* swedencentral does not have it",
        ),
        (
            {"location": "eastasia", "features": ["tags", "embeddings"]},
            "features",
            "Multimodal embeddings in australia",
        ),
        (
            {"location": "canadaeast", "features": ["safety"], "zoneRedundant": True},
            "zoneRedundant",
            "Availability zone",
        ),
        (
            {"location": "canadaeast", "features": ["safety"], "cosmosZoneRedundant": True},
            "cosmosZoneRedundant",
            "Availability zones in",
        ),
    ],
)
def test_what_azure_is_known_to_refuse_is_refused(changes: dict[str, Any], key: str, sentence: str) -> None:
    with pytest.raises(SettingsError, match=f"(?m)^  {key}: .* is not allowed; allowed: {sentence}"):
        parse(**changes)


@pytest.mark.parametrize(
    ("changes", "services"),
    [
        ({"location": "francecentral"}, ["flexConsumption"]),
        ({"location": "eastus2", "features": ["tags"]}, ["imageAnalysis"]),
        ({"location": "eastus2"}, ["imageAnalysis", "captions"]),
        ({"location": "eastus2", "features": ["embeddings"]}, ["embeddings"]),
        ({"location": "eastus2", "features": ["safety"]}, []),
        ({"location": "eastus2", "analyzer": "custom-vision", "customVision": CUSTOM, "features": ["tags"]}, []),
        ({"location": "koreacentral", "zoneRedundant": True}, ["flexZoneRedundancy"]),
        ({"location": "koreacentral", "cosmosZoneRedundant": True}, []),
        (
            {"location": "atlantisnorth", "zoneRedundant": True, "cosmosZoneRedundant": True, "features": ["safety"]},
            ["flexConsumption", "availabilityZones", "flexZoneRedundancy", "geoZoneRedundantStorage"],
        ),
    ],
)
def test_an_unknown_combination_is_a_warning_that_names_service_date_and_source(
    changes: dict[str, Any], services: list[str]
) -> None:
    """The lists get out of date, and Azure might accept it."""
    settings = parse(**changes)
    assert len(settings.warnings) == len(services)
    for warning, name in zip(settings.warnings, services, strict=True):
        regions = REGION_LISTS[name]
        assert f"{regions.service} is not known to exist in {settings.location}" in warning
        assert f"(list of {regions.date}, {regions.source})" in warning


def test_each_service_belongs_to_the_settings_that_need_it() -> None:
    requirements = region_requirements(
        vision_features=("tags", "caption", "embeddings"), zone_redundant=True, cosmos_zone_redundant=True
    )
    assert [(item.regions.service, item.setting, item.other_settings) for item in requirements] == [
        ("Azure Functions Flex Consumption", "location", ()),
        ("Image Analysis 4.0", "location", ("features", "analyzer")),
        ("Captions of Image Analysis 4.0", "features", ("location", "analyzer")),
        ("Multimodal embeddings", "features", ("location", "analyzer")),
        ("Availability zones", "zoneRedundant", ("location",)),
        ("Zone redundancy of Flex Consumption plans", "zoneRedundant", ("location",)),
        ("Geo-zone-redundant storage (GZRS)", "zoneRedundant", ("location",)),
        ("Availability zones", "cosmosZoneRedundant", ("location",)),
    ]
    (flex,) = region_requirements(vision_features=(), zone_redundant=False, cosmos_zone_redundant=False)
    assert flex.regions.service == "Azure Functions Flex Consumption"


def test_warnings_are_logged_when_the_program_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    logged: list[str] = []
    monkeypatch.setattr("pulumi.config.get_project", lambda: "image-pipeline")
    monkeypatch.setattr(pulumi.log, "warn", logged.append)
    values = configuration("dev", {"location": "eastus2", "features": ["tags"]})
    pulumi.runtime.set_all_config(
        {
            f"image-pipeline:{key}": value if isinstance(value, str) else json.dumps(value)
            for key, value in values.items()
        }
    )
    loaded = Settings.load()
    assert len(loaded.warnings) == 1
    assert tuple(logged) == loaded.warnings


def test_a_region_that_no_list_knows_is_planned_all_the_same() -> None:
    recorder = run_program("dev", {"location": "eastus2", "features": ["tags"]})
    assert recorder.one("web:WebApp", "app-site").inputs["location"] == "eastus2"


def test_zones_of_cosmos_db_are_a_setting_of_their_own() -> None:
    def zones(config: dict[str, Any]) -> tuple[str, bool, bool]:
        recorder = run_program("dev", config)
        (account,) = recorder.one("cosmosdb:DatabaseAccount", "records-account").inputs["locations"]
        plan = recorder.one("web:AppServicePlan", "app-plan").inputs
        sku = recorder.one("storage:StorageAccount", "images-account").inputs["sku"]["name"]
        return sku, plan["zoneRedundant"], account["isZoneRedundant"]

    assert zones({"zoneRedundant": True}) == ("Standard_GZRS", True, False)
    assert zones({"cosmosZoneRedundant": True}) == ("Standard_LRS", False, True)


def test_a_file_of_region_lists_is_an_object(tmp_path: Path) -> None:
    file = tmp_path / "regions.json"
    file.write_text('["northeurope"]')
    with pytest.raises(ValueError, match=r"^regions\.json: an object was expected$"):
        load_region_lists(file)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"available": ["North Europe"]}, "a list of region names in lower case"),
        ({"available": ["eastus", "eastus"]}, "each once"),
        ({"available": "eastus"}, "a list of region names"),
        ({"available": ["eastus"], "refused": ["eastus"]}, "cannot be both"),
        ({"extra": 1}, "were expected"),
    ],
)
def test_a_list_of_another_form_is_refused(tmp_path: Path, change: dict[str, Any], sentence: str) -> None:
    entry = {"service": "s", "date": "d", "source": "u", "available": [], "refused": []} | change
    file = tmp_path / "regions.json"
    file.write_text(json.dumps({"name": entry}))
    with pytest.raises(ValueError, match=sentence):
        load_region_lists(file)
