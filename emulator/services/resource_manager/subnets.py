"""Subnets in Azure Resource Manager: what holds one, as far as a deployer looks at it."""

import re

from aiohttp import web

from emulator.core.http import error
from emulator.core.resource_store import Resources
from emulator.core.virtual_networks import association_links, subnet

_SUBNET = re.compile(
    r"/subscriptions/[^/]+/resourceGroups/[^/]+/providers/Microsoft\.Network/virtualNetworks/[^/]+/subnets/[^/]+",
    re.IGNORECASE,
)


def read_subnet(request: web.Request, resources: Resources) -> web.Response | None:
    """The answer to `GET …/virtualNetworks/<name>/subnets/<name>`, or None when the request is another.

    https://learn.microsoft.com/rest/api/virtualnetwork/subnets/get
    """
    if request.method != "GET" or not _SUBNET.fullmatch(request.path):
        return None
    found = subnet(resources, request.path)
    if found is None:
        return error(404, "ResourceNotFound", f"The Resource '{request.path}' was not found.")
    links = [
        {
            "id": link,
            "name": link.rpartition("/")[2],
            "properties": {"linkedResourceType": "Microsoft.App/environments"},
        }
        for link in association_links(resources, request.path)
    ]
    properties = {"addressPrefix": found["addressPrefix"], "serviceAssociationLinks": links}
    return web.json_response({"id": request.path, "name": found["name"], "properties": properties})
