"""Rules of Microsoft Entra ID for app registrations, in the texts of Microsoft Graph where they are known."""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from emulator.core.resource_store import Properties
from emulator.provider.validation import UNKNOWN
from schemas.azure_native.resource_type import GUID, ResourceType
from schemas.azuread import resource_types as types

_SIGN_IN_AUDIENCES = (
    "AzureADMyOrg",
    "AzureADMultipleOrgs",
    "AzureADandPersonalMicrosoftAccount",
    "PersonalMicrosoftAccount",
)
_REDIRECT_URI_TYPES = ("PublicClient", "SPA", "Web")
# https://learn.microsoft.com/graph/api/resources/approle and .../permissionscope: `value`
_CLAIM_VALUE = re.compile(r"(?!\.)[A-Za-z0-9:!#$%&'()*+,\-./;<=>?@\[\]^_{|}~`]{1,249}")
_LOCAL_HOSTS = ("localhost", "127.0.0.1")
# https://learn.microsoft.com/entra/identity-platform/reply-url
_LONGEST_REDIRECT_URI = 256
_MOST_REDIRECT_URIS = 256
_NOT_IN_REDIRECT_URIS = re.compile(r"[#!$'(),;\s\\]")

type Problems = Iterator[tuple[str, str]]


def check_inputs(resource_type: ResourceType, inputs: Properties) -> Problems:
    """Every (property, reason) for which Entra ID would refuse the inputs; unknown values are not checked."""
    for missing in sorted(resource_type.required - inputs.keys()):
        yield missing, f"{resource_type.type} needs {missing}"
    for extra in sorted(inputs.keys() - resource_type.required - resource_type.optional):
        yield extra, f"the emulator does not support {extra} of {resource_type.type}"
    name = inputs.get(resource_type.name)
    if _is_known(name) and not re.fullmatch(resource_type.pattern, str(name)):
        yield resource_type.name, f"{name!r} is not allowed; it must match {resource_type.pattern}"
    check = _CHECKS.get(resource_type.type)
    if check is not None:
        yield from check(inputs)


def find_unsupported_inputs(resource_type: ResourceType, inputs: Properties) -> Problems:
    """Every (property, reason) of inputs that Entra ID accepts and that would have no effect in the emulator."""
    for name, only in _SUPPORTED.get(resource_type.type, {}).items():
        value = inputs.get(name)
        if value not in (None, only, UNKNOWN):
            yield name, f"{value!r} is not supported by the emulator; it must be {only!r}"
    if resource_type.type == types.REDIRECT_URIS:
        for uri in _texts(inputs.get("redirectUris")):
            if "*" in uri:
                yield "redirectUris", f"{uri!r}: the emulator does not support wildcards"


def _is_known(value: object) -> bool:
    return value is not None and UNKNOWN not in str(value)


def _texts(value: object) -> list[str]:
    """The known texts of a list."""
    return [str(item) for item in value if _is_known(item)] if isinstance(value, list) else []


def _one_of(inputs: Properties, name: str, allowed: tuple[Any, ...]) -> Problems:
    value = inputs.get(name)
    if _is_known(value) and value not in allowed:
        yield name, f"{value!r} is not allowed; allowed: {', '.join(map(str, allowed))}"


def _guids(inputs: Properties, *names: str) -> Problems:
    for name in names:
        value = inputs.get(name)
        for text in _texts(value if isinstance(value, list) else [value]):
            if not re.fullmatch(GUID, text.lower()):
                yield name, f"{text!r} is not a GUID"


def _not_empty(inputs: Properties, *names: str) -> Problems:
    for name in names:
        if inputs.get(name) == "":
            yield name, "it must not be empty"


def _claim_value(inputs: Properties) -> Problems:
    value = inputs.get("value")
    if _is_known(value) and not _CLAIM_VALUE.fullmatch(str(value)):
        yield (
            "value",
            f"{value!r} is not allowed: 1 to 249 letters, digits and :!#$%&'()*+,-./;<=>?@[]^_{{|}}~`, no period first",
        )


def _registration(inputs: Properties) -> Problems:
    yield from _one_of(inputs, "signInAudience", _SIGN_IN_AUDIENCES)
    yield from _one_of(inputs, "requestedAccessTokenVersion", (1, 2))


def _app_role(inputs: Properties) -> Problems:
    yield from _claim_value(inputs)
    yield from _not_empty(inputs, "description", "displayName")
    member_types = inputs.get("allowedMemberTypes")
    if _is_known(member_types) and (not member_types or set(_texts(member_types)) - {"User", "Application"}):
        yield "allowedMemberTypes", f"{member_types!r} is not allowed; allowed: User, Application, or both"


def _permission_scope(inputs: Properties) -> Problems:
    yield from _claim_value(inputs)
    yield from _not_empty(inputs, "adminConsentDescription", "adminConsentDisplayName")
    yield from _one_of(inputs, "type", ("Admin", "User"))


def _redirect_uris(inputs: Properties) -> Problems:
    yield from _one_of(inputs, "type", _REDIRECT_URI_TYPES)
    uris = inputs.get("redirectUris")
    if isinstance(uris, list) and len(uris) > _MOST_REDIRECT_URIS:
        yield "redirectUris", f"{len(uris)} URIs are too many; at most {_MOST_REDIRECT_URIS} are allowed"
    for text in _texts(uris):
        reason = redirect_uri_problem(text)
        if reason is not None:
            yield "redirectUris", f"{text!r}: {reason}"


def redirect_uri_problem(text: str) -> str | None:
    """Why Entra ID refuses a redirect URI, or None.

    https://learn.microsoft.com/entra/identity-platform/reply-url
    """
    uri = urlsplit(text)
    if uri.scheme == "http" and uri.hostname not in _LOCAL_HOSTS:
        return "the scheme must be https, except for localhost and 127.0.0.1"
    if uri.scheme not in {"http", "https"} or not uri.hostname:
        return "it must be an absolute URI with https, or with http for localhost and 127.0.0.1"
    if _NOT_IN_REDIRECT_URIS.search(text):
        return "it has a fragment, a blank, or one of the characters ! $ ' ( ) , ;"
    if len(text) > _LONGEST_REDIRECT_URI:
        return f"it is longer than {_LONGEST_REDIRECT_URI} characters"
    return None


_CHECKS: Mapping[str, Callable[[Properties], Problems]] = {
    types.REGISTRATION: _registration,
    types.APP_ROLE: _app_role,
    types.PERMISSION_SCOPE: _permission_scope,
    types.REDIRECT_URIS: _redirect_uris,
    types.PRE_AUTHORIZED: lambda inputs: _guids(inputs, "permissionIds"),
    types.SERVICE_PRINCIPAL: lambda inputs: _guids(inputs, "owners"),
    types.APP_ROLE_ASSIGNMENT: lambda inputs: _guids(inputs, "appRoleId", "resourceObjectId"),
}
# The only values with an effect, by type and input.
_SUPPORTED: Mapping[str, Mapping[str, Any]] = {
    types.REGISTRATION: {
        "signInAudience": "AzureADMyOrg",
        "requestedAccessTokenVersion": 2,
        "implicitAccessTokenIssuanceEnabled": False,
        "implicitIdTokenIssuanceEnabled": False,
    },
    types.REDIRECT_URIS: {"type": "SPA"},
}
