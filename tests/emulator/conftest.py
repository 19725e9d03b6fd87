"""Deployed resources without an engine, and an event loop for code that needs one."""

import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from emulator.core.identity import Identities
from emulator.core.resource_store import Resource, ResourceStore
from emulator.core.tenant import SUBSCRIPTION_ID
from emulator.provider.outputs import resource_outputs
from schemas.azure_native.resource_types import RESOURCE_TYPES
from tests.emulator.tenant import Tenant

GROUP = f"/subscriptions/{SUBSCRIPTION_ID}/resourceGroups/rg"
ACCOUNT = f"{GROUP}/providers/Microsoft.Storage/storageAccounts/stdata"
READER = "2a2b9908-6ea1-4ae2-8e65-a410df84e7d1"
SENDER = "c6a89b2d-59bc-44d0-9896-0f6e12d7b80a"
CONTRIBUTOR = "ba92f5b4-2d11-453d-a403-e96b0029c9fe"


class Deployment:
    """Puts resources in place as the provider would."""

    def __init__(self, resources: ResourceStore) -> None:
        self.resources = resources

    def add(self, type_: str, **inputs: Any) -> Resource:
        resource_type = RESOURCE_TYPES[f"azure-native:{type_}"]
        resource_id = resource_type.id.format(**inputs, subscription=SUBSCRIPTION_ID)
        outputs = resource_outputs(resource_type, inputs, resource_id, self.resources)
        resource = Resource(id=resource_id, type=resource_type.type, inputs=inputs, outputs=outputs)
        self.resources.put(resource)
        return resource

    def assign_role(self, principal: str, role: str, scope: str) -> Resource:
        number = len(list(self.resources))
        return self.add(
            "authorization:RoleAssignment",
            scope=scope,
            roleAssignmentName=f"00000000-0000-4000-8000-{number:012d}",
            principalId=principal,
            principalType="ServicePrincipal",
            roleDefinitionId=f"/subscriptions/{SUBSCRIPTION_ID}/providers/Microsoft.Authorization/roleDefinitions/{role}",
        )

    def role(self, name: str, *data_actions: str) -> str:
        """A custom role; its GUID."""
        guid = str(uuid.uuid5(uuid.NAMESPACE_URL, name))
        self.add(
            "authorization:RoleDefinition",
            scope=GROUP,
            roleDefinitionId=guid,
            roleName=name,
            assignableScopes=[GROUP],
            permissions=[{"actions": [], "dataActions": [*data_actions]}],
        )
        return guid

    def foundry(self) -> Resource:
        """The Foundry account `f` with the deployment `vision` of a model."""
        self.add("resources:ResourceGroup", resourceGroupName="rg", location="x")
        account = self.add(
            "cognitiveservices:Account",
            resourceGroupName="rg",
            accountName="f",
            location="x",
            kind="AIServices",
            properties={"customSubDomainName": "f"},
        )
        self.add(
            "cognitiveservices:Deployment",
            resourceGroupName="rg",
            accountName="f",
            deploymentName="vision",
            sku={"name": "GlobalStandard", "capacity": 10},
            properties={"model": {"format": "OpenAI", "name": "gpt-5.4-mini", "version": "2026-03-17"}},
        )
        return account

    def storage(self) -> Resource:
        self.add("resources:ResourceGroup", resourceGroupName="rg", location="x")
        account = self.add("storage:StorageAccount", resourceGroupName="rg", accountName="stdata", location="x")
        for name in ("images", "deadletter"):
            self.add("storage:BlobContainer", resourceGroupName="rg", accountName="stdata", containerName=name)
        self.add("storage:Queue", resourceGroupName="rg", accountName="stdata", queueName="images")
        return account


@pytest.fixture
def resources(tmp_path: Path) -> Iterator[ResourceStore]:
    store = ResourceStore(tmp_path / "resources.db")
    yield store
    store.close()


@pytest.fixture
def objects(tmp_path: Path) -> Iterator[ResourceStore]:
    """The objects of the tenant."""
    store = ResourceStore(tmp_path / "directory.db")
    yield store
    store.close()


@pytest.fixture
def tenant(objects: ResourceStore, resources: ResourceStore) -> Tenant:
    return Tenant(objects, resources)


@pytest.fixture
def deployment(resources: ResourceStore) -> Deployment:
    return Deployment(resources)


@pytest.fixture(scope="session")
def signing_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@pytest.fixture
def identities(signing_key: rsa.RSAPrivateKey, resources: ResourceStore, tenant: Tenant) -> Identities:
    return Identities(signing_key, resources, tenant.directory)


@pytest.fixture
def token(identities: Identities) -> Callable[..., dict[str, str]]:
    def bearer(principal: str, audience: str = "https://storage.azure.com") -> dict[str, str]:
        return {"Authorization": f"Bearer {identities.issue_token(principal, audience)[0]}"}

    return bearer
