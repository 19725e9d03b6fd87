"""Vision: the accounts that analyse images."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pulumi
from azure.core.rest import HttpRequest
from pulumi import dynamic
from pulumi_azure_native import cognitiveservices

from infra.components.network import Door
from infra.components.resource_group import Place
from infra.core.error_hooks import error_hooks
from infra.core.known_errors import TERMS_NOT_ACCEPTED
from infra.core.rbac import Scope
from infra.dynamic.arm_client import Send, describe, sender, until
from infra.monitoring.diagnostics import Source

_API_VERSION = "2025-06-01"


class PurgeError(Exception):
    """A name is taken by a deleted account that could not be purged; the text says what to do."""


def purge(send: Send, deleted_account: str, *, seconds: float = 300, first_wait: float = 1) -> None:
    """Returns once no soft-deleted account is known to hold the name. Raises PurgeError.

    `deleted_account` is its ARM id, `/subscriptions/…/locations/…/resourceGroups/…/deletedAccounts/<name>`. A deployer
    whose rights end at the resource group may not look there; Azure itself then refuses a name that is taken.
    """
    query = {"api-version": _API_VERSION}

    def find() -> int:
        return send(HttpRequest("GET", deleted_account, params=query)).status_code

    if find() in {403, 404}:
        return
    answer = send(HttpRequest("DELETE", deleted_account, params=query))
    if answer.status_code not in {200, 202, 204, 404}:
        raise PurgeError(
            f"{deleted_account} holds the name of a new account and could not be purged: {describe(answer)}."
            " Have it purged (az cognitiveservices account purge), or let this deployer do so"
        )
    if until(find, lambda status: status == 404, seconds=seconds, first_wait=first_wait) != 404:
        raise PurgeError(f"{deleted_account} is still there {seconds:.0f} seconds after it was purged; try again later")


class _Name(dynamic.ResourceProvider):
    """The account is deleted before the name that it depends on, so the name is purged when the account has gone."""

    def create(self, props: dict[str, Any]) -> dynamic.CreateResult:
        purge(sender(), props["deleted_account"])
        return dynamic.CreateResult(props["deleted_account"], props)

    def diff(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> dynamic.DiffResult:
        changed = _olds["deleted_account"] != _news["deleted_account"]
        return dynamic.DiffResult(changes=changed, replaces=["deleted_account"] if changed else [])

    def delete(self, _id: str, _props: dict[str, Any]) -> None:
        # Whoever takes the name next is told; that it stays taken is no reason to keep a stack from being destroyed.
        with suppress(PurgeError):
            purge(sender(), _props["deleted_account"])


class FreeName(dynamic.Resource, module="image-pipeline", name="FreeVisionName"):
    """A name that no soft-deleted Vision account holds: Azure keeps it for 48 hours, and refuses to deal it out again.

    https://learn.microsoft.com/azure/ai-services/recover-purge-resources
    """

    def __init__(self, name: str, *, account_name: str, place: Place, opts: pulumi.ResourceOptions) -> None:
        deleted = pulumi.Output.concat(
            f"/subscriptions/{place.names.subscription_id}/providers/Microsoft.CognitiveServices/locations/",
            f"{place.location}/resourceGroups/",
            place.resource_group_name,
            f"/deletedAccounts/{account_name}",
        )
        super().__init__(_Name(), name, {"deleted_account": deleted}, opts)


class VisionPool(pulumi.ComponentResource):
    """Azure AI Vision accounts that Entra identities only can call; each answers about ten calls a second.

    An account's name comes from its number, so one more changes none of the others.
    Image Analysis 4.0 retires on 2028-09-25:
    https://learn.microsoft.com/azure/ai-services/computer-vision/migration-options
    """

    accounts: list[cognitiveservices.Account]
    # The accounts, one by one: Azure offers nothing narrower for Vision.
    scopes: list[Scope]

    def __init__(self, name: str, *, place: Place, count: int, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("image-pipeline:vision:VisionPool", name, {}, opts)
        labels = [f"{name}-account-{number}" for number in range(1, count + 1)]
        self.accounts = [self._account(label, place, number) for number, label in enumerate(labels, 1)]
        self.scopes = [Scope(name=label, id=account.id) for label, account in zip(labels, self.accounts, strict=True)]
        self.register_outputs({"endpoints": self.endpoints})

    def _account(self, label: str, place: Place, number: int) -> cognitiveservices.Account:
        account_name = place.names.world(f"vision{number}")
        free = FreeName(
            f"{label}-name", account_name=account_name, place=place, opts=pulumi.ResourceOptions(parent=self)
        )
        return cognitiveservices.Account(
            label,
            account_name=account_name,
            resource_group_name=place.resource_group_name,
            location=place.location,
            kind="ComputerVision",
            sku=cognitiveservices.SkuArgs(name="S1"),
            properties=cognitiveservices.AccountPropertiesArgs(
                # Entra tokens are refused on the regional host names; the account needs one of its own.
                custom_sub_domain_name=account_name,
                disable_local_auth=True,
                public_network_access=place.public_network_access,
            ),
            tags=place.tags,
            opts=pulumi.ResourceOptions(parent=self, depends_on=[free], hooks=error_hooks(label, TERMS_NOT_ACCEPTED)),
        )

    @property
    def doors(self) -> list[Door]:
        """What is to be reached privately in a private place."""
        return [Door(name=scope.name, id=scope.id, group="account") for scope in self.scopes]

    @property
    def sources(self) -> list[Source]:
        """Whose logs and metrics are kept; each single call would cost more to log than it tells."""
        return [Source(name=scope.name, id=scope.id, logs=("Audit",), metrics=True) for scope in self.scopes]

    @property
    def endpoints(self) -> list[pulumi.Output[str]]:
        """The accounts' own URLs, each with a slash at its end, in the order of their numbers."""
        return [account.properties.apply(lambda properties: properties.endpoint) for account in self.accounts]
