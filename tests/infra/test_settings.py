"""Settings: every value that is not allowed is reported, together with the others, with what is allowed instead."""

import json
from typing import Any

import pulumi
import pytest

from infra.config.settings import Settings
from infra.core.analysis import CustomVisionProject
from infra.core.context import DirectoryPrincipal
from infra.core.errors import SettingsError
from tests.conftest import configuration

GOOD: dict[str, Any] = {
    "location": "northeurope",
    "namePrefix": "imgpipe",
    "features": ["tags", "caption"],
    "minConfidencePercent": -1,
    "uploaders": [],
    "imagesPerMonth": 5000,
    "peakFactor": 4,
    "visionCallsPerSecond": 10,
    "cacheDays": 90,
    "imageRetentionDays": 30,
    "recordRetentionDays": 0,
    "logRetentionDays": 30,
    "rolePropagationSeconds": 120,
    "roleDefinitionReplicationSeconds": 60,
    "alertEmail": "",
    "monthlyBudget": 50,
    "networkAccess": "public",
    "addressSpace": "10.40.0.0/24",
    "analyzer": "image-analysis",
    "customVision": {},
    "foundry": {},
    "categories": [],
    "acceptRetiringModel": False,
    "deployer": {},
    "shadow": {},
    "agreement": {},
    "retainedAnalyzers": [],
    "language": "en",
    "genderNeutralCaptions": False,
    "smartCropAspectRatios": [],
    "trigger": "events",
    "reconcileSchedule": "0 */15 * * * *",
    "maxRetryAgeHours": 168,
    "publishResults": True,
    "copyClassified": False,
    "signIn": "create",
    "apiApplicationId": "",
    "spaRedirectUris": [],
    "apiOrigins": [],
    "minSimilarityPercent": 25,
    "readers": [],
    "operators": [],
    "protectData": False,
    "zoneRedundant": False,
    "cosmosZoneRedundant": False,
    "tags": {"team": "vision"},
}


ALICE = "99999999-8888-4777-8666-55555555aaaa"


def user(object_id: str, principal_type: str = "User") -> dict[str, str]:
    return {"objectId": object_id, "principalType": principal_type}


CUSTOM = {
    "accountId": "/subscriptions/s/resourceGroups/rg/providers/Microsoft.CognitiveServices/accounts/roses",
    "endpoint": "https://roses.cognitiveservices.azure.com/",
    "project": "p",
    "iteration": "Iteration2",
    "task": "multilabel",
}


FOUNDRY: dict[str, Any] = {
    "analyzer": "foundry-vision",
    "features": ["tags", "caption", "read"],
    "categories": ["animal", "street"],
    "foundry": {"location": "swedencentral"},
}


CONTENT_UNDERSTANDING: dict[str, Any] = FOUNDRY | {"analyzer": "content-understanding"}

# A successor in the shadow of Image Analysis.
SHADOW: dict[str, Any] = {
    "shadow": {"analyzer": "foundry-vision", "percent": 20},
    "foundry": {"location": "swedencentral"},
    "operators": [{"objectId": ALICE, "principalType": "User"}],
}


def parse(**changes: Any) -> Settings:
    return Settings.parse(GOOD | changes)


def test_good_settings_are_taken_over() -> None:
    settings = parse(minConfidencePercent=35)
    assert settings.min_confidence == 0.35
    assert settings.features == ("tags", "caption")
    assert settings.tags == {"team": "vision"}
    assert (settings.image_retention_days, settings.record_retention_days) == (30, None)
    assert (settings.alert_email, settings.private_networking, settings.monthly_budget) == (None, False, 50)
    assert parse(alertEmail="ops@example.com", networkAccess="private").alert_email == "ops@example.com"


@pytest.mark.parametrize(
    ("key", "value", "sentence"),
    [
        ("location", "West Europe", "such as northeurope"),
        ("location", "NorthEurope", "such as northeurope"),
        ("namePrefix", "Image-Pipeline", "2 to 10 lower-case letters"),
        ("features", ["tags", "faces"], "a list out of tags, objects"),
        ("features", [], "at least one of"),
        ("features", ["tags", "tags"], "each once"),
        ("features", "tags", "a list out of"),
        ("minConfidencePercent", 101, "-1 to 100"),
        ("minConfidencePercent", True, "-1 to 100"),
        ("uploaders", [ALICE], "a list of {objectId: <GUID>, principalType: <type>}"),
        ("uploaders", [{"objectId": ALICE}], "the type is User or Group or ServicePrincipal and must be stated"),
        ("uploaders", [{"objectId": "alice", "principalType": "User"}], "objectId: <GUID>"),
        ("uploaders", [{"objectId": ALICE, "principalType": "Everybody"}], "User or Group or ServicePrincipal"),
        ("uploaders", [{"objectId": ALICE, "principalType": "User", "name": "a"}], "objectId: <GUID>"),
        ("uploaders", [user(ALICE), user(ALICE.upper())], "each object id once"),
        ("uploaders", ALICE, "a list of"),
        ("imagesPerMonth", 0, "1 to 1000000000000"),
        ("imagesPerMonth", 900_000_000_000, "at most 1000"),
        ("peakFactor", 0, "1 to 100"),
        ("visionCallsPerSecond", 101, "1 to 100"),
        ("cacheDays", 0, "1 to 3650"),
        ("analyzer", "guesswork", "image-analysis or custom-vision"),
        ("customVision", CUSTOM, "with analyzer custom-vision and only then"),
        ("customVision", {"project": "x"}, "nothing, or all of accountId: the prediction account's ARM id"),
        ("language", "English", "a language code"),
        ("language", "es", "the only language of captions"),
        ("genderNeutralCaptions", "yes", "true or false"),
        ("smartCropAspectRatios", ["0.5"], "a list of texts from 0.75 to 1.8"),
        ("smartCropAspectRatios", [0.9], "a list of texts from 0.75 to 1.8"),
        ("trigger", "sometimes", "events or schedule"),
        ("reconcileSchedule", "*/15 * * * *", "six fields"),
        ("reconcileSchedule", "00:15:00", "six fields"),
        ("maxRetryAgeHours", 0, "1 to 8760"),
        ("publishResults", 1, "true or false"),
        ("copyClassified", "no", "true or false"),
        ("operators", [ALICE], "a list of {objectId: <GUID>, principalType: <type>}"),
        ("apiApplicationId", "my app", "a GUID in lower case, or nothing"),
        ("imageRetentionDays", -1, "0 to 3650"),
        ("recordRetentionDays", 3651, "0 to 3650"),
        ("alertEmail", "alice", "an e-mail address"),
        ("alertEmail", "a@b@example.com", "an e-mail address"),
        ("monthlyBudget", 0, "1 to 100000000"),
        ("networkAccess", "vpn", "public or private"),
        ("addressSpace", "10.40.0.0/25", "/24 or larger"),
        ("addressSpace", "8.8.8.0/24", "a private IPv4 range"),
        ("addressSpace", "10.40.0.1/24", "such as 10.40.0.0/24"),
        ("addressSpace", 5, "a private IPv4 range"),
        ("protectData", "yes", "true or false"),
        ("zoneRedundant", 1, "true or false"),
        ("cosmosZoneRedundant", "yes", "true or false"),
        ("logRetentionDays", 7, "30 to 730"),
        ("rolePropagationSeconds", -1, "0 to 900"),
        ("roleDefinitionReplicationSeconds", 601, "0 to 600"),
        ("tags", {"a<b": "x"}, "up to 40 texts by name"),
        ("tags", {"a": 1}, "up to 40 texts by name"),
    ],
)
def test_a_bad_value_is_refused_with_key_value_and_what_is_allowed(key: str, value: Any, sentence: str) -> None:
    with pytest.raises(SettingsError) as error:
        parse(**{key: value})
    line = next(line for line in str(error.value).splitlines() if line.strip().startswith(f"{key}:"))
    assert repr(value) in line
    assert sentence in line


def test_all_errors_are_reported_together() -> None:
    with pytest.raises(SettingsError) as error:
        parse(namePrefix="", cacheDays=0, tags=None)
    assert [word for word in ("namePrefix", "cacheDays", "tags") if word not in str(error.value)] == []


def test_values_of_the_wrong_type_are_reported_with_everything_else(monkeypatch: pytest.MonkeyPatch) -> None:
    """As far as they get here: the engine checks numbers and booleans by Pulumi.yaml, and stops at the first."""
    monkeypatch.setattr("pulumi.config.get_project", lambda: "image-pipeline")
    values = configuration("dev", {"imagesPerMonth": "many", "protectData": "perhaps", "tags": "none", "location": "X"})
    pulumi.runtime.set_all_config(
        {
            f"image-pipeline:{key}": value if isinstance(value, str) else json.dumps(value)
            for key, value in values.items()
        }
    )
    with pytest.raises(SettingsError) as error:
        Settings.load()
    assert [key for key in ("imagesPerMonth", "protectData", "tags", "location") if key not in str(error.value)] == []


def test_users_groups_and_service_principals_are_taken_over_with_their_types() -> None:
    principals = [user(ALICE), user(ALICE[:-1] + "b", "Group"), user(ALICE[:-1] + "c", "ServicePrincipal")]
    settings = parse(uploaders=principals, operators=principals[1:])
    assert settings.uploaders == (
        DirectoryPrincipal(object_id=ALICE, principal_type="User"),
        DirectoryPrincipal(object_id=ALICE[:-1] + "b", principal_type="Group"),
        DirectoryPrincipal(object_id=ALICE[:-1] + "c", principal_type="ServicePrincipal"),
    )
    assert settings.operators == settings.uploaders[1:]


def test_a_custom_vision_project_is_taken_over_and_its_features_are_checked() -> None:
    with pytest.raises(SettingsError, match=r"customVision: \{\} is not allowed"):
        parse(analyzer="custom-vision", features=["tags"])
    settings = parse(analyzer="custom-vision", customVision=CUSTOM, features=["tags"])
    assert settings.custom_vision == CustomVisionProject(
        account_id=CUSTOM["accountId"],
        endpoint=CUSTOM["endpoint"],
        project_id=CUSTOM["project"],
        iteration=CUSTOM["iteration"],
        task=CUSTOM["task"],
    )
    detection = CUSTOM | {"task": "detection"}
    assert (
        parse(analyzer="custom-vision", customVision=detection, features=["tags", "objects"]).stores_embeddings is False
    )
    with pytest.raises(SettingsError, match="of this Custom Vision project: tags"):
        parse(analyzer="custom-vision", customVision=CUSTOM, features=["tags", "objects"])


@pytest.mark.parametrize(
    ("features", "accounts"),
    [
        (["tags", "read", "caption"], 8),
        (["tags", "safety"], 16),
        (["safety"], 8),
        (["tags", "safety", "embeddings"], 24),
    ],
)
def test_every_call_counts_in_the_sizes(features: list[str], accounts: int) -> None:
    assert parse(features=features, imagesPerMonth=50_000_000).sizing.vision_accounts == accounts


def test_retention_and_embeddings_count_in_the_sizes() -> None:
    usual = parse(imagesPerMonth=50_000_000).sizing
    assert parse(imagesPerMonth=50_000_000, recordRetentionDays=30).sizing.images.storage_gb == 260
    assert parse(imagesPerMonth=50_000_000, cacheDays=30).sizing.analyses.storage_gb == 200
    embeddings = parse(imagesPerMonth=50_000_000, features=["tags", "embeddings"]).sizing
    assert embeddings.images.storage_gb > 6 * usual.images.storage_gb


def test_what_exceeds_a_quota_is_a_warning_of_the_stack() -> None:
    (accounts,) = parse(imagesPerMonth=1_000_000_000, recordRetentionDays=30).warnings
    assert "155 Vision accounts are needed" in accounts
