"""Subnet release: a virtual network is deleted only when Azure has released the subnet of the deleted app."""

from __future__ import annotations

import sys
from typing import Any

import pulumi
from azure.core.rest import HttpRequest, HttpResponse
from pulumi import dynamic

from infra.dynamic.arm_client import Send, describe, sender, until

_API_VERSION = "2024-05-01"
# Reports differ: 5 to 10 minutes, 15 minutes, an hour in the worst case. Pulumi itself sets no limit to a deletion.
# https://github.com/Azure/Azure-Functions/issues/2605
_SECONDS = 45 * 60


class SubnetReleaseError(Exception):
    """The subnet is still in use; the text says by what, and what to do."""


def wait_for_release(send: Send, subnet_id: str, *, seconds: float = _SECONDS, first_wait: float = 1) -> None:
    """Return when no service association link holds the subnet, or the subnet does not exist.

    The platform removes `legionservicelink` minutes after the app was deleted; until then, deleting the virtual network
    is refused with InUseSubnetCannotBeDeleted, which azure-native does not retry.

    Args:
        send: Sends requests to Azure Resource Manager.
        subnet_id: The ARM id of the subnet.
        seconds: How long to wait at most.
        first_wait: Seconds between the first two requests; later ones are further apart, up to 15 seconds.

    Raises:
        SubnetReleaseError: The subnet is still held when the time is up, or cannot be read.
    """

    def ask() -> HttpResponse:
        return send(HttpRequest("GET", subnet_id, params={"api-version": _API_VERSION}))

    response = ask()
    if _links(response):
        # The engine shows what a provider writes to its standard error.
        names = ", ".join(link.rpartition("/")[2] for link in _links(response))
        print(f"waiting for Azure to remove {names} from {subnet_id}", file=sys.stderr, flush=True)
        response = until(ask, lambda answer: not _pending(answer), seconds=seconds, first_wait=first_wait)
    if response.status_code not in {200, 404}:
        raise SubnetReleaseError(
            f"{subnet_id} could not be read: {describe(response)}. The deployer needs"
            " Microsoft.Network/virtualNetworks/subnets/read there; then run `pulumi destroy` again"
        )
    if _links(response):
        raise SubnetReleaseError(
            f"{', '.join(_links(response))} is still there {seconds / 60:.0f} minutes after the function app was"
            " deleted, so the virtual network cannot be deleted yet. Wait a while and run `pulumi destroy` again;"
            " Azure support can remove a link that stays"
        )


def _pending(response: HttpResponse) -> bool:
    """Whether to ask again: the subnet is held, or the answer was an error that may pass."""
    return response.status_code >= 500 or bool(_links(response))


def _links(response: HttpResponse) -> list[str]:
    """The ids of the service association links of a subnet."""
    if response.status_code != 200:
        return []
    subnet: dict[str, Any] = response.json()
    return [str(link["id"]) for link in subnet["properties"].get("serviceAssociationLinks") or ()]


class _SubnetRelease(dynamic.ResourceProvider):
    """Does nothing until it is deleted."""

    def create(self, props: dict[str, Any]) -> dynamic.CreateResult:
        return dynamic.CreateResult(props["subnet_id"], props)

    def diff(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> dynamic.DiffResult:
        changed = _olds["subnet_id"] != _news["subnet_id"]
        return dynamic.DiffResult(changes=changed, replaces=["subnet_id"] if changed else [])

    def delete(self, _id: str, _props: dict[str, Any]) -> None:
        wait_for_release(sender(), _props["subnet_id"])


class SubnetReleaseDelay(dynamic.Resource, module="image-pipeline", name="SubnetReleaseDelay"):
    """A resource whose deletion waits until no app holds the subnet any more.

    It depends on the subnet's virtual network, and the app depends on it; so it is deleted between the two.
    """

    def __init__(self, name: str, *, subnet_id: pulumi.Input[str], opts: pulumi.ResourceOptions) -> None:
        super().__init__(_SubnetRelease(), name, {"subnet_id": subnet_id}, opts)
