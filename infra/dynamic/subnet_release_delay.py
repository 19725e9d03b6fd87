"""Delay before the deletion of a virtual network, until Azure has released the subnet of the deleted app."""

from __future__ import annotations

import sys
from typing import Any

import pulumi
from azure.core.rest import HttpRequest, HttpResponse
from pulumi import dynamic

from infra.core.errors import SubnetReleaseError
from infra.dynamic.arm_client import SendRequest, authenticated_client, error_summary, poll_until

_API_VERSION = "2024-05-01"
# Reports differ: 5 to 10 minutes, 15 minutes, an hour in the worst case. Pulumi itself sets no limit to a deletion.
# https://github.com/Azure/Azure-Functions/issues/2605
_TIMEOUT_SECONDS = 45 * 60


def wait_for_release(
    send: SendRequest,
    subnet_id: str,
    *,
    timeout_seconds: float = _TIMEOUT_SECONDS,
    first_wait_seconds: float = 1,
) -> None:
    """Return when no service association link holds the subnet, or the subnet does not exist.

    The platform removes `legionservicelink` minutes after the app was deleted; until then, deleting the virtual network
    is refused with InUseSubnetCannotBeDeleted, which azure-native does not retry.

    Args:
        send: Sends requests to Azure Resource Manager.
        subnet_id: The ARM id of the subnet.
        timeout_seconds: How long to wait at most.
        first_wait_seconds: Seconds between the first two requests; later ones are further apart, up to 15 seconds.

    Raises:
        SubnetReleaseError: The subnet is still held when the time is up, or cannot be read.
    """

    def get_subnet() -> HttpResponse:
        return send(HttpRequest("GET", subnet_id, params={"api-version": _API_VERSION}))

    response = get_subnet()
    if _association_links(response):
        # The engine shows what a provider writes to its standard error.
        names = ", ".join(link.rpartition("/")[2] for link in _association_links(response))
        print(f"waiting for Azure to remove {names} from {subnet_id}", file=sys.stderr, flush=True)
        response = poll_until(
            get_subnet,
            lambda response: not _is_pending(response),
            timeout_seconds=timeout_seconds,
            first_wait_seconds=first_wait_seconds,
        )
    if response.status_code not in {200, 404}:
        raise SubnetReleaseError(
            f"{subnet_id} could not be read: {error_summary(response)}. The deployer needs"
            " Microsoft.Network/virtualNetworks/subnets/read there; then run `pulumi destroy` again"
        )
    if _association_links(response):
        raise SubnetReleaseError(
            f"{', '.join(_association_links(response))} is still there {timeout_seconds / 60:.0f} minutes after the"
            " function app was deleted, so the virtual network cannot be deleted yet. Wait a while and run `pulumi"
            " destroy` again; Azure support can remove a link that stays"
        )


def _is_pending(response: HttpResponse) -> bool:
    """Whether to request the subnet again: it is held, or the response was a transient error."""
    return response.status_code >= 500 or bool(_association_links(response))


def _association_links(response: HttpResponse) -> list[str]:
    """The ids of the service association links of a subnet."""
    if response.status_code != 200:
        return []
    subnet: dict[str, Any] = response.json()
    return [str(link["id"]) for link in subnet["properties"].get("serviceAssociationLinks") or ()]


class _SubnetReleaseProvider(dynamic.ResourceProvider):
    """Does nothing until the resource is deleted; then waits for the release of the subnet."""

    def create(self, props: dict[str, Any]) -> dynamic.CreateResult:
        return dynamic.CreateResult(props["subnet_id"], props)

    def diff(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> dynamic.DiffResult:
        changed = _olds["subnet_id"] != _news["subnet_id"]
        return dynamic.DiffResult(changes=changed, replaces=["subnet_id"] if changed else [])

    def delete(self, _id: str, _props: dict[str, Any]) -> None:
        wait_for_release(authenticated_client(), _props["subnet_id"])


class SubnetReleaseDelay(dynamic.Resource, module="image-pipeline", name="SubnetReleaseDelay"):
    """A resource whose deletion waits until no app holds the subnet any more.

    It depends on the subnet's virtual network, and the app must depend on it; so it is deleted between the two.
    """

    def __init__(self, name: str, *, subnet_id: pulumi.Input[str], opts: pulumi.ResourceOptions) -> None:
        super().__init__(_SubnetReleaseProvider(), name, {"subnet_id": subnet_id}, opts)
