"""Rules of the policy pack, as plain functions."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from policy.known_types import TYPES_KNOWN
from policy.model import UNKNOWN, Resource, ResourceRule, Rule, StackRule
from policy.order import (
    COSMOS_ONE_BY_ONE,
    CUSTOM_ROLE_AFTER_REPLICATION,
    PRIVATE_ENDPOINTS_ONE_BY_ONE,
    SUBSCRIPTION_AFTER_ROLES,
)
from policy.roles import ROLES_FROM_THE_LIST, ROLES_NARROW, ROLES_SPELLED_OUT
from policy.secrets import NO_SECRETS

# By type and path: the values that are allowed, and no others.
Literals = Mapping[str, Mapping[str, tuple[Any, ...]]]


def _literals(name: str, description: str, table: Literals) -> ResourceRule:
    def check(resource: Resource) -> Iterator[str]:
        for path, allowed in table.get(resource.type, {}).items():
            value = resource.get(path)
            # Not `in`: 1 is not True here.
            if not any(value is option or (isinstance(option, str) and value == option) for option in allowed):
                yield f"{path} is {value!r}; allowed: {' or '.join(map(repr, allowed))}"

    return ResourceRule(name=name, description=description, check=check)


LOCAL_AUTH_OFF = _literals(
    "local-auth-off",
    "Keys, local users and publishing passwords are disabled: Entra identities only.",
    {
        "storage:StorageAccount": {"allowSharedKeyAccess": (False,), "isLocalUserEnabled": (False,)},
        "cognitiveservices:Account": {"properties.disableLocalAuth": (True,)},
        "cosmosdb:DatabaseAccount": {"disableLocalAuth": (True,), "disableKeyBasedMetadataWriteAccess": (True,)},
        "applicationinsights:Component": {"disableLocalAuth": (True,)},
        "operationalinsights:Workspace": {"features.disableLocalAuth": (True,)},
        "eventgrid:Topic": {"disableLocalAuth": (True,)},
        "web:WebAppFtpAllowed": {"allow": (False,)},
        "web:WebAppScmAllowed": {"allow": (False,)},
    },
)
TLS = _literals(
    "tls-1-2",
    "No service accepts connections without TLS 1.2 or later.",
    {
        "storage:StorageAccount": {
            "minimumTlsVersion": ("TLS1_2", "TLS1_3"),
            "enableHttpsTrafficOnly": (True,),
        },
        "cosmosdb:DatabaseAccount": {"minimalTlsVersion": ("Tls12",)},
        "eventgrid:Topic": {"minimumTlsVersionAllowed": ("1.2",)},
        "web:WebApp": {"httpsOnly": (True,), "siteConfig.minTlsVersion": ("1.2", "1.3")},
    },
)
NO_PUBLIC_BLOBS = _literals(
    "no-public-blobs",
    "No blob can be read without a token.",
    {
        "storage:StorageAccount": {"allowBlobPublicAccess": (False,)},
        "storage:BlobContainer": {"publicAccess": ("None",)},
    },
)

_REGISTRATION = "azuread:index/applicationRegistration:ApplicationRegistration"
_SERVICE_PRINCIPAL = "azuread:index/servicePrincipal:ServicePrincipal"
SIGN_IN = _literals(
    "sign-in",
    "An app registration is for one tenant, and only principals with an app role get tokens for it.",
    {
        _REGISTRATION: {
            "signInAudience": ("AzureADMyOrg",),
            "implicitAccessTokenIssuanceEnabled": (False,),
            "implicitIdTokenIssuanceEnabled": (False,),
        },
        _SERVICE_PRINCIPAL: {"appRoleAssignmentRequired": (True,)},
    },
)


def _autoscale(resource: Resource) -> Iterator[str]:
    if resource.type not in {"cosmosdb:SqlResourceSqlContainer", "cosmosdb:SqlResourceSqlDatabase"}:
        return
    if resource.get("options.throughput") is not None:
        yield "options.throughput fixes the throughput; use options.autoscaleSettings"
    ceiling = resource.get("options.autoscaleSettings.maxThroughput")
    if resource.type == "cosmosdb:SqlResourceSqlContainer" and not (
        isinstance(ceiling, int | float) and ceiling >= 1000
    ):
        yield f"options.autoscaleSettings.maxThroughput is {ceiling!r}; it must be 1000 or more"


def _dead_letter(resource: Resource) -> Iterator[str]:
    if resource.type not in {"eventgrid:SystemTopicEventSubscription", "eventgrid:EventSubscription"}:
        return
    ways = ("deadLetterWithResourceIdentity.deadLetterDestination", "deadLetterDestination")
    if not any(resource.get(way) not in (None, UNKNOWN) for way in ways):
        yield "events that cannot be delivered are lost: there is no dead-letter destination"


_TAGS = ("application", "environment")
# Azure gives these no tags: https://learn.microsoft.com/azure/azure-resource-manager/management/tag-support
_UNTAGGABLE = frozenset(
    {
        "authorization:RoleAssignment",
        "authorization:RoleDefinition",
        "cognitiveservices:Deployment",
        "consumption:Budget",
        "cosmosdb:SqlResourceSqlContainer",
        "cosmosdb:SqlResourceSqlDatabase",
        "cosmosdb:SqlResourceSqlRoleAssignment",
        "cosmosdb:SqlResourceSqlRoleDefinition",
        "eventgrid:EventSubscription",
        "eventgrid:SystemTopicEventSubscription",
        "monitor:DiagnosticSetting",
        "network:PrivateDnsZoneGroup",
        "storage:BlobContainer",
        "storage:BlobServiceProperties",
        "storage:ManagementPolicy",
        "storage:Queue",
        "web:WebAppFtpAllowed",
        "web:WebAppScmAllowed",
    }
)


def _tags(resource: Resource) -> Iterator[str]:
    # The objects of Microsoft Entra ID have no such tags.
    if resource.type in _UNTAGGABLE or resource.type.startswith("azuread:"):
        return
    for tag in _TAGS:
        value = resource.get(f"tags.{tag}")
        if not isinstance(value, str) or not value:
            yield f"the tag {tag} is {value!r}; every resource that can be tagged carries {' and '.join(_TAGS)}"


_LOGGED = frozenset(
    {
        "cognitiveservices:Account",
        "cosmosdb:DatabaseAccount",
        "eventgrid:SystemTopic",
        "eventgrid:Topic",
        "storage:StorageAccount",
    }
)


def _diagnostics(resources: Sequence[Resource]) -> Iterator[tuple[Resource, str]]:
    logged = {
        urn
        for setting in resources
        if setting.type == "monitor:DiagnosticSetting"
        for urn in setting.property_dependencies.get("resourceUri", ())
    }
    for resource in resources:
        if resource.type in _LOGGED and resource.urn not in logged:
            yield resource, "it logs nothing: no diagnostic setting refers to it"


RULES: tuple[Rule, ...] = (
    LOCAL_AUTH_OFF,
    TLS,
    NO_PUBLIC_BLOBS,
    SIGN_IN,
    ResourceRule(name="autoscale", description="Cosmos DB containers use autoscale.", check=_autoscale),
    ResourceRule(
        name="dead-letter", description="Events that cannot be delivered become dead letters.", check=_dead_letter
    ),
    ResourceRule(
        name="tags",
        description="Every resource that can be tagged has the tags application and environment.",
        check=_tags,
    ),
    StackRule(
        name="diagnostic-settings",
        description="Every service that stores, delivers or analyzes data has a diagnostic setting.",
        check=_diagnostics,
    ),
    ROLES_FROM_THE_LIST,
    ROLES_NARROW,
    ROLES_SPELLED_OUT,
    NO_SECRETS,
    TYPES_KNOWN,
    SUBSCRIPTION_AFTER_ROLES,
    CUSTOM_ROLE_AFTER_REPLICATION,
    COSMOS_ONE_BY_ONE,
    PRIVATE_ENDPOINTS_ONE_BY_ONE,
)
