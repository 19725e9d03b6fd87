"""Purge of soft-deleted Azure AI services accounts, whose names Azure keeps for 48 hours."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pulumi
from azure.core.rest import HttpRequest
from pulumi import dynamic

from infra.core.context import DeploymentContext
from infra.core.errors import AccountPurgeError
from infra.dynamic.arm_client import SendRequest, authenticated_client, error_summary, poll_until

_API_VERSION = "2025-06-01"


def purge_deleted_account(
    send: SendRequest, deleted_account_id: str, *, timeout_seconds: float = 300, first_wait_seconds: float = 1
) -> None:
    """Return once no soft-deleted account is known to hold the name.

    A deployer whose rights end at the resource group may not look there; Azure itself then refuses a name that is
    taken.

    Args:
        send: Sends requests to Azure Resource Manager.
        deleted_account_id: ARM id, `/subscriptions/…/locations/…/resourceGroups/…/deletedAccounts/<name>`.
        timeout_seconds: How long to wait for the end of the purge at most.
        first_wait_seconds: Seconds between the first two requests.

    Raises:
        AccountPurgeError: The account could not be purged, or still exists when the time is up.
    """
    query = {"api-version": _API_VERSION}

    def get_status() -> int:
        return send(HttpRequest("GET", deleted_account_id, params=query)).status_code

    if get_status() in {403, 404}:
        return
    response = send(HttpRequest("DELETE", deleted_account_id, params=query))
    if response.status_code not in {200, 202, 204, 404}:
        raise AccountPurgeError(
            f"{deleted_account_id} holds the name of a new account and could not be purged: {error_summary(response)}."
            " Have it purged (az cognitiveservices account purge), or let this deployer do so"
        )
    status = poll_until(
        get_status,
        lambda status: status == 404,
        timeout_seconds=timeout_seconds,
        first_wait_seconds=first_wait_seconds,
    )
    if status != 404:
        raise AccountPurgeError(
            f"{deleted_account_id} is still there {timeout_seconds:.0f} seconds after it was purged; try again later"
        )


class _PurgeProvider(dynamic.ResourceProvider):
    """Purges the deleted account when created, and again when deleted.

    Pulumi deletes the account first (it depends on this resource), so `delete` purges the account just deleted.
    """

    def create(self, props: dict[str, Any]) -> dynamic.CreateResult:
        purge_deleted_account(authenticated_client(), props["deleted_account"])
        return dynamic.CreateResult(props["deleted_account"], props)

    def diff(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> dynamic.DiffResult:
        changed = _olds["deleted_account"] != _news["deleted_account"]
        return dynamic.DiffResult(changes=changed, replaces=["deleted_account"] if changed else [])

    def delete(self, _id: str, _props: dict[str, Any]) -> None:
        # A failed purge must not keep a stack from being destroyed: the next create of the name reports the conflict.
        with suppress(AccountPurgeError):
            purge_deleted_account(authenticated_client(), _props["deleted_account"])


class PurgeDeletedAccount(dynamic.Resource, module="image-pipeline", name="PurgeDeletedAccount"):
    """Frees the name of an Azure AI services account; the account must depend on it.

    Azure keeps the name of a deleted account for 48 hours and refuses to assign it again:
    https://learn.microsoft.com/azure/ai-services/recover-purge-resources
    """

    def __init__(
        self,
        name: str,
        *,
        account_name: str,
        context: DeploymentContext,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        deleted_account_id = pulumi.Output.concat(
            f"/subscriptions/{context.names.subscription_id}/providers/Microsoft.CognitiveServices/locations/",
            f"{context.location}/resourceGroups/",
            context.resource_group_name,
            f"/deletedAccounts/{account_name}",
        )
        super().__init__(_PurgeProvider(), name, {"deleted_account": deleted_account_id}, opts)
