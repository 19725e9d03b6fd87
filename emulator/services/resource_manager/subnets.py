"""Subnets in Azure Resource Manager: address range and service association links."""

import re

from emulator.core.errors import ServiceError
from emulator.core.resource_store import Properties, ResourceStore
from emulator.core.virtual_networks import association_links, subnet

SUBNET_PATH = re.compile(
    r"/subscriptions/[^/]+/resourceGroups/[^/]+/providers/Microsoft\.Network/virtualNetworks/[^/]+/subnets/[^/]+",
    re.IGNORECASE,
)


def describe_subnet(resources: ResourceStore, subnet_id: str) -> Properties:
    """The body of the response to `GET …/virtualNetworks/<name>/subnets/<name>`. Raises ServiceError 404.

    https://learn.microsoft.com/rest/api/virtualnetwork/subnets/get
    """
    inputs = subnet(resources, subnet_id)
    if inputs is None:
        raise ServiceError(404, "ResourceNotFound", f"The Resource '{subnet_id}' was not found.")
    links = [
        {
            "id": link,
            "name": link.rpartition("/")[2],
            "properties": {"linkedResourceType": "Microsoft.App/environments"},
        }
        for link in association_links(resources, subnet_id)
    ]
    properties = {"addressPrefix": inputs["addressPrefix"], "serviceAssociationLinks": links}
    return {"id": subnet_id, "name": inputs["name"], "properties": properties}
