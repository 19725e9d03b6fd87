"""Deployments of models: what Azure refuses, and one at a time for each account."""

import asyncio
from datetime import date
from typing import Any

import pytest

from emulator.provider.concurrency import OperationsInProgress
from emulator.provider.errors import DeploymentError
from emulator.provider.model_deployments import deployment_problems

GOOD: dict[str, Any] = {
    "sku": {"name": "DataZoneStandard", "capacity": 100},
    "properties": {
        "model": {"format": "OpenAI", "name": "gpt-5.4-mini", "version": "2026-03-17"},
        "raiPolicyName": "Microsoft.DefaultV2",
        "versionUpgradeOption": "OnceCurrentVersionExpired",
    },
}
TODAY = date(2026, 11, 29)


def problems(today: date = TODAY, **changes: Any) -> list[str]:
    return [name for name, _ in deployment_problems(GOOD | changes, today=today)]


def properties(**changes: Any) -> dict[str, Any]:
    return GOOD["properties"] | changes


def test_a_deployment_of_the_program_is_accepted() -> None:
    assert problems() == []


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"sku": {"name": "Standard", "capacity": 1}}, "sku.name"),
        ({"sku": {"name": "GlobalStandard", "capacity": 0}}, "sku.capacity"),
        ({"sku": {"name": "GlobalStandard", "capacity": 1.5}}, "sku.capacity"),
        ({"sku": {"name": "GlobalStandard"}}, "sku.capacity"),
        ({"properties": properties(model={"format": "OpenAI", "name": "gpt-9", "version": "1"})}, "properties.model"),
        ({"properties": properties(versionUpgradeOption="Never")}, "properties.versionUpgradeOption"),
        ({"properties": properties(raiPolicyName="mine")}, "properties.raiPolicyName"),
        ({"properties": properties(spilloverDeploymentName="b")}, "properties.spilloverDeploymentName"),
    ],
)
def test_what_azure_refuses_or_the_emulator_lacks_is_named(changes: dict[str, Any], problem: str) -> None:
    assert problems(**changes) == [problem]


def test_a_retired_model_cannot_be_deployed() -> None:
    assert problems(date(2027, 9, 20)) == []
    ((name, text),) = deployment_problems(GOOD, today=date(2027, 9, 21))
    assert name == "properties.model"
    assert text == (
        "ServiceModelDeprecated: The model 'Format:OpenAI,Name:gpt-5.4-mini,Version:2026-03-17' has been deprecated"
        " since 09/21/2027"
    )


def endpoint_of(account: str) -> dict[str, Any]:
    return {"subnet": {"id": "s"}, "privateLinkServiceConnections": [{"privateLinkServiceId": account}]}


def test_an_account_refuses_a_second_deployment_at_a_time_and_a_private_endpoint() -> None:
    async def run() -> None:
        operations = OperationsInProgress(seconds=0)
        account = "/subscriptions/s/resourceGroups/rg/providers/Microsoft.CognitiveServices/accounts/f"
        type_ = "azure-native:cognitiveservices:Deployment"
        async with operations.begin(type_, {}, f"{account}/deployments/a"):
            with pytest.raises(DeploymentError, match="RequestConflict"):
                async with operations.begin(type_, {}, f"{account}/deployments/b"):
                    pass
            with pytest.raises(DeploymentError, match="AccountProvisioningStateInvalid"):
                async with operations.begin("azure-native:network:PrivateEndpoint", endpoint_of(account), "pe"):
                    pass
            async with operations.begin(type_, {}, f"{account}2/deployments/b"):
                pass
        async with operations.begin(type_, {}, f"{account}/deployments/b"):
            pass

    asyncio.run(run())
