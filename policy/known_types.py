"""Rule about resource types: the other rules were written for every type of a stack."""

import re
from collections.abc import Iterator, Sequence

from policy.model import Resource, StackRule

# azure-native's types, without the provider's name, and azuread's. Before a type is added here, each rule of
# policy/rules.py must be reviewed for it: a rule that lists its types does not check a new one.
KNOWN_TYPES = frozenset(
    {
        "applicationinsights:Component",
        "applicationinsights:Workbook",
        "authorization:RoleAssignment",
        "authorization:RoleDefinition",
        "azuread:index/appRoleAssignment:AppRoleAssignment",
        "azuread:index/applicationAppRole:ApplicationAppRole",
        "azuread:index/applicationIdentifierUri:ApplicationIdentifierUri",
        "azuread:index/applicationPermissionScope:ApplicationPermissionScope",
        "azuread:index/applicationPreAuthorized:ApplicationPreAuthorized",
        "azuread:index/applicationRedirectUris:ApplicationRedirectUris",
        "azuread:index/applicationRegistration:ApplicationRegistration",
        "azuread:index/servicePrincipal:ServicePrincipal",
        "cognitiveservices:Account",
        # It has no keys, logs or tags of its own: those are of its account.
        "cognitiveservices:Deployment",
        "consumption:Budget",
        "cosmosdb:DatabaseAccount",
        "cosmosdb:SqlResourceSqlContainer",
        "cosmosdb:SqlResourceSqlDatabase",
        "cosmosdb:SqlResourceSqlRoleAssignment",
        "cosmosdb:SqlResourceSqlRoleDefinition",
        # Of examples/subscribe-to-results: on a topic of another stack, so no rule can see the roles of its identity.
        "eventgrid:EventSubscription",
        "eventgrid:SystemTopic",
        "eventgrid:SystemTopicEventSubscription",
        "eventgrid:Topic",
        "managedidentity:UserAssignedIdentity",
        "monitor:ActionGroup",
        "monitor:DiagnosticSetting",
        "monitor:MetricAlert",
        "monitor:ScheduledQueryRule",
        "network:NetworkSecurityGroup",
        "network:PrivateDnsZoneGroup",
        "network:PrivateEndpoint",
        "network:VirtualNetwork",
        "operationalinsights:Workspace",
        "privatedns:PrivateZone",
        "privatedns:VirtualNetworkLink",
        "resources:ResourceGroup",
        "storage:BlobContainer",
        "storage:BlobServiceProperties",
        "storage:ManagementPolicy",
        "storage:Queue",
        "storage:StorageAccount",
        "web:AppServicePlan",
        "web:WebApp",
        "web:WebAppFtpAllowed",
        "web:WebAppScmAllowed",
    }
)
# The stack, the providers, and this program's component resources and dynamic resources.
_NOT_AZURE = re.compile(
    r"pulumi:pulumi:Stack|pulumi:providers:(azure-native|azuread|pulumi-python)|image-pipeline:\w+:\w+"
    r"|pulumi-python:dynamic/image-pipeline:\w+"
)


def _known(resources: Sequence[Resource]) -> Iterator[tuple[Resource, str]]:
    for resource in resources:
        if resource.type not in KNOWN_TYPES and not _NOT_AZURE.fullmatch(resource.type):
            sentence = (
                f"no rule was written with the type {resource.type} in mind; decide which rules it must hold, and add"
                " it to policy/known_types.py"
            )
            yield resource, sentence


TYPES_KNOWN = StackRule(
    name="types-known",
    description="Every resource type is one that the rules were written for.",
    check=_known,
)
