"""Cross-origin resource sharing (CORS) of the blob service, by the rules of the deployed account.

https://learn.microsoft.com/rest/api/storageservices/cross-origin-resource-sharing--cors--support-for-the-azure-storage-services
"""

from collections.abc import Sequence
from typing import Any

from aiohttp import web

from emulator.core.errors import ServiceError
from emulator.core.resource_store import Resource, ResourceStore


def cors_rules(resources: ResourceStore, account: Resource) -> Sequence[dict[str, Any]]:
    """The rules of an account's blob service; none if none are deployed."""
    properties = resources.get(f"{account.id}/blobServices/default")
    if properties is None:
        return ()
    return (properties.inputs.get("cors") or {}).get("corsRules") or ()


def preflight_response(request: web.Request, rules: Sequence[dict[str, Any]]) -> web.Response:
    """The response to a preflight request. Raises ServiceError."""
    origin = request.headers.get("Origin")
    method = request.headers.get("Access-Control-Request-Method")
    if not origin or not method:
        message = "A required CORS header is not present."
        raise ServiceError(400, "InvalidHeaderValue", message)
    requested = request.headers.get("Access-Control-Request-Headers", "")
    names = [name.strip().lower() for name in requested.split(",") if name.strip()]
    rule = _matching_rule(rules, origin, method)
    if rule is None or not all(_allows_header(rule["allowedHeaders"], name) for name in names):
        message = "CORS not enabled or no matching rule found for this request."
        raise ServiceError(403, "CorsPreflightFailure", message)
    headers = {
        **_origin_headers(rule, origin),
        "Access-Control-Allow-Methods": method,
        "Access-Control-Max-Age": str(rule["maxAgeInSeconds"]),
        "Access-Control-Allow-Credentials": "true",
    }
    if requested:
        headers["Access-Control-Allow-Headers"] = requested
    return web.Response(status=200, headers=headers)


def response_headers(request: web.Request, rules: Sequence[dict[str, Any]]) -> dict[str, str]:
    """The headers that the response to a request gets, if a rule allows its origin and method."""
    origin = request.headers.get("Origin")
    if not origin or not rules:
        return {}
    rule = _matching_rule(rules, origin, request.method)
    if rule is None:
        return {}
    return {
        **_origin_headers(rule, origin),
        "Access-Control-Expose-Headers": ",".join(rule["exposedHeaders"]),
        "Access-Control-Allow-Credentials": "true",
    }


def _matching_rule(rules: Sequence[dict[str, Any]], origin: str, method: str) -> dict[str, Any] | None:
    """The first rule that allows origin and method."""
    for rule in rules:
        if {origin, "*"} & set(rule["allowedOrigins"]) and method in rule["allowedMethods"]:
            return rule
    return None


def _origin_headers(rule: dict[str, Any], origin: str) -> dict[str, str]:
    if "*" in rule["allowedOrigins"]:
        return {"Access-Control-Allow-Origin": "*"}
    return {"Access-Control-Allow-Origin": origin, "Vary": "Origin"}


def _allows_header(allowed: Sequence[str], name: str) -> bool:
    """Whether a header is allowed: by its name, or by a prefix that ends with an asterisk."""
    return any(
        name.startswith(entry.lower().removesuffix("*")) if entry.endswith("*") else name == entry.lower()
        for entry in allowed
    )
