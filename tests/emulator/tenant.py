"""A tenant of Microsoft Entra ID in the emulator, and calls of its azuread provider."""

import asyncio
from typing import Any

import grpc.aio
import pytest
from google.protobuf import json_format, struct_pb2
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc

from emulator.core.directory import Directory
from emulator.core.resource_store import ResourceStore
from emulator.provider.directory_provider import DirectoryProvider
from emulator.provider.protocol import serve

APPLICATION = "/applications/44444444-4444-4444-8444-444444444444"
ROLE_ID = "11111111-1111-4111-8111-111111111111"
OTHER_ID = "22222222-2222-4222-8222-222222222222"
READER = "00000000-0000-4000-8000-0000000000a1"
TENANT = "00000000-0000-4000-8000-000000007e4a"
NOBODY = "33333333-3333-4333-8333-333333333333"
ROLE = {
    "roleId": ROLE_ID,
    "allowedMemberTypes": ["User", "Application"],
    "description": "Read.",
    "displayName": "Read",
    "value": "Images.Read",
}
SCOPE = {
    "scopeId": OTHER_ID,
    "adminConsentDescription": "Call.",
    "adminConsentDisplayName": "Call",
    "value": "user_impersonation",
    "type": "User",
}


def urn(kind: str) -> str:
    return f"urn:pulumi:local::image-pipeline::azuread:index/{kind[0].lower()}{kind[1:]}:{kind}::it"


def struct(properties: dict[str, Any]) -> struct_pb2.Struct:
    return json_format.ParseDict(properties, struct_pb2.Struct())


class Tenant:
    """A provider over real gRPC, with short names for its calls."""

    def __init__(self, objects: ResourceStore, resources: ResourceStore) -> None:
        self.directory = Directory(objects)
        self._resources = resources

    def call(self, method: str, request: Any, *, preview_only: bool = False) -> Any:
        async def conversation() -> Any:
            provider = DirectoryProvider(self.directory, self._resources, preview_only=preview_only)
            server, port = await serve(provider)
            async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
                try:
                    return await getattr(provider_pb2_grpc.ResourceProviderStub(channel), method)(request)
                finally:
                    await server.stop(0)

        return asyncio.run(conversation())

    def failures(self, kind: str, inputs: dict[str, Any], *, preview_only: bool = False) -> dict[str, str]:
        request = provider_pb2.CheckRequest(urn=urn(kind), news=struct(inputs))
        response = self.call("Check", request, preview_only=preview_only)
        return {failure.property: failure.reason for failure in response.failures}

    def create(self, kind: str, /, **inputs: Any) -> tuple[str, dict[str, Any]]:
        request = provider_pb2.CreateRequest(urn=urn(kind), properties=struct(inputs))
        response = self.call("Create", request)
        return response.id, json_format.MessageToDict(response.properties)

    def refusal(self, kind: str, **inputs: Any) -> str:
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            self.create(kind, **inputs)
        return raised.value.details() or ""

    def update(self, kind: str, object_id: str, olds: dict[str, Any], *, preview: bool = False, **news: Any) -> Any:
        request = provider_pb2.UpdateRequest(
            urn=urn(kind), id=object_id, olds=struct(olds), news=struct(news), preview=preview
        )
        return json_format.MessageToDict(self.call("Update", request).properties)

    def delete(self, kind: str, object_id: str) -> None:
        self.call("Delete", provider_pb2.DeleteRequest(urn=urn(kind), id=object_id))

    def create_registration(self) -> tuple[str, str]:
        """Id and client id of a new registration."""
        object_id, outputs = self.create("ApplicationRegistration", displayName="API", signInAudience="AzureADMyOrg")
        return object_id, outputs["clientId"]

    def create_registration_with_role(self) -> tuple[str, str]:
        """Id of a registration with an app role, and the object id of its service principal."""
        application_id, client_id = self.create_registration()
        self.create("ApplicationAppRole", applicationId=application_id, **ROLE)
        _, outputs = self.create("ServicePrincipal", clientId=client_id, appRoleAssignmentRequired=True)
        return application_id, outputs["objectId"]


ROLES = {
    "Images.Read": "b5fb1818-c9db-4773-8e9b-9ca27140f68a",
    "Pipeline.Operate": "f0f4e779-13e6-4595-bbe8-9197843b46df",
}
SCOPE_ID = "838d5842-3aef-4ebc-8b96-b8bd353b6ddc"
AZURE_CLI = "04b07795-8ddb-461a-bbee-02f9e1bf7b46"
REDIRECT_URI = "https://images.example/"
DEPLOYER = "00000000-0000-4000-8000-00000000a11c"
OPERATOR = "00000000-0000-4000-8000-0000000000a3"
GUEST = "00000000-0000-4000-8000-0000000000a4"


def deploy_application(tenant: Tenant, *redirect_uris: str) -> str:
    """Deploy an application as the program does: the reader may read, the operator operate; return the client id."""
    application_id, client_id = tenant.create_registration()
    for value, role_id in ROLES.items():
        tenant.create("ApplicationAppRole", applicationId=application_id, **{**ROLE, "roleId": role_id, "value": value})
    tenant.create("ApplicationPermissionScope", applicationId=application_id, **{**SCOPE, "scopeId": SCOPE_ID})
    tenant.create("ApplicationIdentifierUri", applicationId=application_id, identifierUri=f"api://{client_id}")
    tenant.create(
        "ApplicationPreAuthorized",
        applicationId=application_id,
        authorizedClientId=AZURE_CLI,
        permissionIds=[SCOPE_ID],
    )
    tenant.create(
        "ApplicationRedirectUris",
        applicationId=application_id,
        type="SPA",
        redirectUris=[*(redirect_uris or (REDIRECT_URI,))],
    )
    _, outputs = tenant.create("ServicePrincipal", clientId=client_id, appRoleAssignmentRequired=True)
    for value, principal in (("Images.Read", READER), ("Images.Read", OPERATOR), ("Pipeline.Operate", OPERATOR)):
        tenant.create(
            "AppRoleAssignment",
            appRoleId=ROLES[value],
            principalObjectId=principal,
            resourceObjectId=outputs["objectId"],
        )
    return client_id
