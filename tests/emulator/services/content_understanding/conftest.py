"""An account with Content Understanding, and callers with its two roles."""

from collections.abc import Callable
from pathlib import Path

import pytest

from emulator.core.identity import Identities
from emulator.core.resource_store import Resource
from tests.emulator.conftest import Deployment
from tests.emulator.services.content_understanding.support import OWNER, READER, Service

AUDIENCE = "https://cognitiveservices.azure.com"


@pytest.fixture
def account(deployment: Deployment) -> Resource:
    deployment.add("resources:ResourceGroup", resourceGroupName="rg", location="x")
    account = deployment.add(
        "cognitiveservices:Account",
        resourceGroupName="rg",
        accountName="f",
        location="x",
        kind="AIServices",
        properties={"customSubDomainName": "f"},
    )
    deployment.add(
        "cognitiveservices:Deployment",
        resourceGroupName="rg",
        accountName="f",
        deploymentName="vision",
        sku={"name": "GlobalStandard", "capacity": 10},
        properties={"model": {"format": "OpenAI", "name": "gpt-5.4-mini", "version": "2026-03-17"}},
    )
    return account


@pytest.fixture
def service(
    deployment: Deployment,
    identities: Identities,
    account: Resource,
    tmp_path: Path,
    token: Callable[..., dict[str, str]],
) -> Service:
    """The service, called by the deployer unless a test says otherwise."""
    deployment.assign_role("deployer", OWNER, account.id)
    return Service(deployment, identities, tmp_path, token("deployer", AUDIENCE))


@pytest.fixture
def reader(deployment: Deployment, account: Resource, token: Callable[..., dict[str, str]]) -> dict[str, str]:
    """The headers of the function app's identity."""
    deployment.assign_role("function", READER, account.id)
    return token("function", AUDIENCE)
