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
    return deployment.foundry()


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
