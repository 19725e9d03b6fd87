"""What is generated from the settings: the configuration block of Pulumi.yaml, and the table of the documentation.

To write the block again:

    UPDATE_GOLDEN=1 .venv/bin/python -m pytest tests/infra/test_settings_reference.py
"""

import os
import re
from typing import Any

import pytest
import yaml
from pydantic import Field

from infra.config.reference import pulumi_config_block, settings_table
from infra.config.settings import Settings
from infra.config.stack_config import StackConfig, allowed_values
from tests.conftest import ROOT

PROJECT = ROOT / "Pulumi.yaml"


def declared() -> dict[str, dict[str, Any]]:
    return yaml.safe_load(PROJECT.read_text())["config"]


def test_the_configuration_block_of_the_project_equals_the_model() -> None:
    before, separator, block = PROJECT.read_text().partition("config:\n")
    expected = pulumi_config_block()
    if os.environ.get("UPDATE_GOLDEN"):
        PROJECT.write_text(before + expected)
        block = expected.removeprefix(separator)
    assert separator + block == expected


def test_a_setting_is_declared_with_type_default_bounds_and_description() -> None:
    assert declared()["cacheDays"] == {
        "type": "integer",
        "default": 90,
        "description": "Days that an analysis is stored; until then, an identical image is not analyzed again."
        " Allowed: 1 to 3650.",
    }
    assert declared()["protectData"] == {
        "type": "boolean",
        "default": False,
        "description": "Protect data: Pulumi does not delete it, soft delete and continuous backup are on.",
    }
    assert declared()["uploaders"]["items"] == {"type": "object"}
    assert declared()["smartCropAspectRatios"]["items"] == {"type": "string"}
    assert declared()["customVision"]["type"] == "object"
    assert declared()["customVision"]["default"] == {}


def test_the_defaults_are_these() -> None:
    assert {key: schema["default"] for key, schema in declared().items()} == {
        "location": "northeurope",
        "namePrefix": "imgpipe",
        "analyzer": "image-analysis",
        "customVision": {},
        "foundry": {},
        "categories": [],
        "deployer": {},
        "acceptRetiringModel": False,
        "shadow": {},
        "agreement": {},
        "retainedAnalyzers": [],
        "features": ["tags", "objects", "people", "read", "caption"],
        "language": "en",
        "genderNeutralCaptions": False,
        "smartCropAspectRatios": [],
        "minConfidencePercent": -1,
        "trigger": "events",
        "reconcileSchedule": "0 */15 * * * *",
        "maxRetryAgeHours": 168,
        "publishResults": True,
        "copyClassified": False,
        "apiOrigins": [],
        "minSimilarityPercent": 25,
        "signIn": "none",
        "apiApplicationId": "",
        "spaRedirectUris": [],
        "readers": [],
        "operators": [],
        "uploaders": [],
        "imagesPerMonth": 5000,
        "peakFactor": 4,
        "visionCallsPerSecond": 10,
        "cacheDays": 90,
        "imageRetentionDays": 0,
        "recordRetentionDays": 0,
        "logRetentionDays": 30,
        "roleDefinitionReplicationSeconds": 60,
        "rolePropagationSeconds": 300,
        "alertEmail": "",
        "monthlyBudget": 50,
        "networkAccess": "public",
        "addressSpace": "10.40.0.0/24",
        "protectData": False,
        "zoneRedundant": False,
        "cosmosZoneRedundant": False,
        "tags": {},
    }


def test_the_declared_defaults_give_the_same_settings_as_the_model() -> None:
    assert Settings.parse({key: schema["default"] for key, schema in declared().items()}) == Settings.parse({})


def test_the_table_has_a_row_for_every_setting() -> None:
    heading, separator, *rows = settings_table().splitlines()
    assert heading == "| Setting | Type | Allowed | Default | Description |"
    assert separator == "|---|---|---|---|---|"
    assert [row.split("`")[1] for row in rows] == [*declared()]
    assert [row for row in rows if len(re.findall(r"(?<!\\)\|", row)) != 6] == []
    assert (
        "| `cacheDays` | integer | 1 to 3650 | `90` | Days that an analysis is stored; until then, an identical image"
        " is not analyzed again. |"
    ) in rows


def test_the_table_has_no_character_that_markdown_would_interpret() -> None:
    (schedule,) = [row for row in settings_table().splitlines() if "`reconcileSchedule`" in row]
    assert r"such as 0 \*/15 \* \* \* \* | `" in schedule
    (uploaders,) = [row for row in settings_table().splitlines() if "`uploaders`" in row]
    assert r"{objectId: \<GUID>, principalType: \<type>}" in uploaders
    (tags,) = [row for row in settings_table().splitlines() if "`tags`" in row]
    assert r"without \<>%&\\?/ |" in tags


def test_a_setting_without_bounds_is_an_error_of_the_model() -> None:
    class Unbounded(StackConfig):
        number: int = Field(default=1, description="A number.")
        half: int = Field(default=1, ge=0, description="A number.")

    for field in Unbounded.model_fields.values():
        with pytest.raises(TypeError, match="says neither by its type nor by bounds what it allows"):
            allowed_values(field)


@pytest.mark.parametrize("group", ["functions", "policy", "client"])
def test_pydantic_is_installed_where_the_program_runs_and_not_elsewhere(group: str) -> None:
    pinned = re.compile("^pydantic==", re.MULTILINE)
    assert pinned.search((ROOT / "requirements/deploy.txt").read_text())
    assert not pinned.search((ROOT / f"requirements/{group}.txt").read_text())
