"""Which Azure resource types hold data that is lost with the resource."""

# Type tokens, those of azure-native without its name, and what is lost.
DATA_TYPES = {
    "cosmosdb:DatabaseAccount": "all databases, containers and items of the account",
    "cosmosdb:SqlResourceSqlContainer": "all items of the container",
    "cosmosdb:SqlResourceSqlDatabase": "all containers and items of the database",
    "operationalinsights:Workspace": "logs and metrics; Azure can recover the workspace for 14 days",
    "resources:ResourceGroup": "everything in the resource group",
    "storage:BlobContainer": "all blobs of the container",
    "storage:Queue": "all messages of the queue",
    "storage:StorageAccount": "all blobs and messages of the account",
}
# Types that hold settings only, which the program sets again, or data that another resource holds: a component of
# Application Insights stores its data in the workspace.
NO_DATA_TYPES = frozenset(
    {
        "applicationinsights:Component",
        "applicationinsights:Workbook",
        "authorization:RoleAssignment",
        "authorization:RoleDefinition",
        # Who may sign in is in the settings; a new registration has another client id.
        "azuread:index/appRoleAssignment:AppRoleAssignment",
        "azuread:index/applicationAppRole:ApplicationAppRole",
        "azuread:index/applicationIdentifierUri:ApplicationIdentifierUri",
        "azuread:index/applicationPermissionScope:ApplicationPermissionScope",
        "azuread:index/applicationPreAuthorized:ApplicationPreAuthorized",
        "azuread:index/applicationRedirectUris:ApplicationRedirectUris",
        "azuread:index/applicationRegistration:ApplicationRegistration",
        "azuread:index/servicePrincipal:ServicePrincipal",
        "cognitiveservices:Account",
        "cognitiveservices:Deployment",
        "consumption:Budget",
        "cosmosdb:SqlResourceSqlRoleAssignment",
        "cosmosdb:SqlResourceSqlRoleDefinition",
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
        "privatedns:PrivateZone",
        "privatedns:VirtualNetworkLink",
        "storage:BlobServiceProperties",
        "storage:ManagementPolicy",
        "web:AppServicePlan",
        "web:WebApp",
        "web:WebAppFtpAllowed",
        "web:WebAppScmAllowed",
    }
)
_UNCLASSIFIED = "not known: checks/plan/data_types.py does not list this type"


def data_of(type_: str) -> str | None:
    """What is lost with a resource of the type; None if nothing is.

    Of a type of Azure that is not listed, the answer is that it is not known.
    """
    if type_ in DATA_TYPES:
        return DATA_TYPES[type_]
    if type_ in NO_DATA_TYPES or type_.startswith(("pulumi-python:", "pulumi:", "image-pipeline:")):
        return None
    return _UNCLASSIFIED
