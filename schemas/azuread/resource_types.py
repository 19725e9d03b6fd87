"""The azuread resource types of the program, which are all that the emulator supports.

The forms of the ids are those of https://github.com/hashicorp/terraform-provider-azuread, on which the provider is
based (internal/services/applications/parse, serviceprincipals and approleassignments).
"""

from collections.abc import Mapping

from schemas.azure_native.resource_type import GUID, ResourceType

REGISTRATION = "azuread:index/applicationRegistration:ApplicationRegistration"
APP_ROLE = "azuread:index/applicationAppRole:ApplicationAppRole"
PERMISSION_SCOPE = "azuread:index/applicationPermissionScope:ApplicationPermissionScope"
IDENTIFIER_URI = "azuread:index/applicationIdentifierUri:ApplicationIdentifierUri"
REDIRECT_URIS = "azuread:index/applicationRedirectUris:ApplicationRedirectUris"
PRE_AUTHORIZED = "azuread:index/applicationPreAuthorized:ApplicationPreAuthorized"
SERVICE_PRINCIPAL = "azuread:index/servicePrincipal:ServicePrincipal"
APP_ROLE_ASSIGNMENT = "azuread:index/appRoleAssignment:AppRoleAssignment"


def _define(
    type_: str, id_: str, *, name: str, pattern: str = r"[\s\S]+", required: str, optional: str = "", replaces: str = ""
) -> ResourceType:
    """A resource type; `id_` has the names of inputs and outputs in braces, lists are separated by blanks."""
    return ResourceType(
        type=type_,
        id=id_,
        name=name,
        pattern=pattern,
        required=frozenset(required.split()),
        optional=frozenset(optional.split()),
        replaces=frozenset(replaces.split()),
    )


_TYPES = (
    _define(
        REGISTRATION,
        "/applications/{objectId}",
        name="displayName",
        required="displayName",
        optional="description signInAudience requestedAccessTokenVersion implicitAccessTokenIssuanceEnabled"
        " implicitIdTokenIssuanceEnabled",
    ),
    _define(
        APP_ROLE,
        "{applicationId}/appRoles/{roleId}",
        name="roleId",
        pattern=GUID,
        required="applicationId roleId allowedMemberTypes description displayName",
        optional="value",
        replaces="applicationId roleId",
    ),
    _define(
        PERMISSION_SCOPE,
        "{applicationId}/permissionScopes/{scopeId}",
        name="scopeId",
        pattern=GUID,
        required="applicationId scopeId adminConsentDescription adminConsentDisplayName value",
        optional="type userConsentDescription userConsentDisplayName",
        replaces="applicationId scopeId",
    ),
    _define(
        IDENTIFIER_URI,
        "{applicationId}/identifierUris/{encodedUri}",
        name="identifierUri",
        required="applicationId identifierUri",
        replaces="applicationId identifierUri",
    ),
    _define(
        REDIRECT_URIS,
        "{applicationId}/redirectUris/{type}",
        name="type",
        required="applicationId type redirectUris",
        replaces="applicationId type",
    ),
    _define(
        PRE_AUTHORIZED,
        "{applicationObjectId}/preAuthorizedApplication/{authorizedClientId}",
        name="authorizedClientId",
        pattern=GUID,
        required="applicationId authorizedClientId permissionIds",
        replaces="applicationId authorizedClientId",
    ),
    _define(
        SERVICE_PRINCIPAL,
        "/servicePrincipals/{objectId}",
        name="clientId",
        pattern=GUID,
        required="clientId",
        optional="appRoleAssignmentRequired owners",
        replaces="clientId",
    ),
    _define(
        APP_ROLE_ASSIGNMENT,
        "/servicePrincipals/{resourceObjectId}/appRoleAssignedTo/{assignmentId}",
        name="principalObjectId",
        pattern=GUID,
        required="appRoleId principalObjectId resourceObjectId",
        replaces="appRoleId principalObjectId resourceObjectId",
    ),
)

AZUREAD_TYPES: Mapping[str, ResourceType] = {resource_type.type: resource_type for resource_type in _TYPES}
