"""What requests to accounts of all Azure AI services have in common: account, network, and the refusal of a token."""

from typing import ClassVar, override

import aiohttp
from aiohttp import web

from emulator.core.authorization import Authorization
from emulator.core.errors import ServiceError
from emulator.core.faults import Faults
from emulator.core.http import ServiceHandler
from emulator.core.identity import Caller, Identities, TokenError
from emulator.core.outages import Outage
from emulator.core.resource_store import Resource, ResourceStore
from emulator.core.virtual_networks import allows_network_access


class CognitiveServicesHandler[Operation = str](ServiceHandler[Resource, Operation]):
    """The requests to all deployed accounts of a service; `models_url` is the URL of the model server.

    An operation is its path, unless a subclass says otherwise.

    Attributes:
        account_term: What an account is called in errors.
        zone: Private DNS zone of the service's host names, if it is not that of the accounts' sub-resource.
    """

    account_term: ClassVar[str] = "account"
    zone: ClassVar[str | None] = None

    def __init__(
        self,
        resources: ResourceStore,
        identities: Identities,
        session: aiohttp.ClientSession,
        models_url: str,
        faults: Faults,
    ) -> None:
        super().__init__(identities, Outage(faults, "vision"))
        self._resources = resources
        self._authorization = Authorization(resources)
        self._session = session
        self._models_url = models_url
        self._faults = faults

    def has_service(self, account: Resource) -> bool:
        """Whether the account has the service; every account does, unless a subclass says otherwise."""
        return True

    @override
    def find_target(self, request: web.Request) -> Resource:
        subdomain = request.host.partition(".")[0].lower()
        for account in self._resources.of_type("cognitiveservices:Account"):
            is_named = account.inputs["properties"].get("customSubDomainName", "").lower() == subdomain
            if is_named and self.has_service(account):
                return account
        raise ServiceError(404, "404", f"The {self.account_term} {subdomain} does not exist.")

    @override
    def check_network(self, request: web.Request, target: Resource) -> None:
        if not allows_network_access(self._resources, target, "account", request, zone=self.zone):
            # https://learn.microsoft.com/azure/ai-services/cognitive-services-virtual-networks
            message = "Public access is disabled. Please configure private endpoint."
            raise ServiceError(403, "AccessDenied", message)

    @override
    def token_error(self, request: web.Request, error: TokenError) -> ServiceError:
        return ServiceError(401, "401", "Access denied due to invalid subscription key or wrong API endpoint.")

    def check_data_action(self, caller: Caller, account: Resource, action: str, operation: str) -> None:
        """Refuse a caller that lacks a data action on an account.

        Args:
            caller: The caller.
            account: The account.
            action: The data action.
            operation: What the caller does, as the error names it.

        Raises:
            ServiceError: 401, the caller lacks the data action.
        """
        if not self._authorization.allows(caller.object_id, action, account.id):
            message = (
                f"The principal `{caller.object_id}` lacks the required data action `{action}` to perform"
                f" `{operation}` operation."
            )
            raise ServiceError(401, "PermissionDenied", message)


class FoundryAccountHandler[Operation = str](CognitiveServicesHandler[Operation]):
    """The requests to a service that all deployed Foundry accounts have, and no others."""

    @override
    def has_service(self, account: Resource) -> bool:
        return account.inputs.get("kind") == "AIServices"

    @override
    def audiences(self, request: web.Request) -> set[str]:
        return {"https://cognitiveservices.azure.com", "https://ai.azure.com"}
