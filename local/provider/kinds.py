"""The resource types that the stand-in knows: how their ids are formed and which inputs they take."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

_RG = "/subscriptions/{subscription}/resourceGroups/{resourceGroupName}"
_STORAGE = f"{_RG}/providers/Microsoft.Storage/storageAccounts/{{accountName}}"
_COSMOS = f"{_RG}/providers/Microsoft.DocumentDB/databaseAccounts/{{accountName}}"
_SITE = f"{_RG}/providers/Microsoft.Web/sites/{{name}}"
_GUID = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
# https://learn.microsoft.com/azure/azure-resource-manager/management/resource-name-rules
_COMMON = r"[A-Za-z0-9][A-Za-z0-9-]{0,58}[A-Za-z0-9]"


@dataclass(frozen=True, kw_only=True)
class Kind:
    """A resource type: `id` is its ARM id with input names in braces; `name` is the input that names it."""

    type: str
    id: str
    name: str
    pattern: str
    required: frozenset[str]
    optional: frozenset[str] = frozenset()
    replaces: frozenset[str] = field(default=frozenset())

    @property
    def parents(self) -> list[str]:
        """Id templates of what must exist first, the outermost first."""
        ends = [found.end() for found in re.finditer(r"\{\w+\}", self.id)]
        inner = ends[:-1] if self.id.endswith("}") else ends
        return [self.id[:end] for end in inner if not self.id[:end].endswith("{subscription}")]


def _kind(
    type_: str,
    id_: str,
    *,
    name: str,
    pattern: str = _COMMON,
    required: str = "",
    optional: str = "",
    replaces: str = "",
) -> Kind:
    in_id = frozenset(re.findall(r"\{(\w+)\}", id_)) - {"subscription"}
    return Kind(
        type=f"azure-native:{type_}",
        id=id_,
        name=name,
        pattern=pattern,
        required=in_id | set(required.split()),
        optional=frozenset(optional.split()),
        replaces=in_id | {"location"} | set(replaces.split()),
    )


_KINDS = (
    _kind("resources:ResourceGroup", _RG, name="resourceGroupName", required="location", optional="tags"),
    _kind(
        "managedidentity:UserAssignedIdentity",
        f"{_RG}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/{{resourceName}}",
        name="resourceName",
        required="location",
        optional="tags",
    ),
    _kind(
        "operationalinsights:Workspace",
        f"{_RG}/providers/Microsoft.OperationalInsights/workspaces/{{workspaceName}}",
        name="workspaceName",
        required="location sku",
        optional="tags retentionInDays features workspaceCapping",
    ),
    _kind(
        "applicationinsights:Component",
        f"{_RG}/providers/Microsoft.Insights/components/{{resourceName}}",
        name="resourceName",
        required="location kind applicationType workspaceResourceId",
        optional="tags ingestionMode disableLocalAuth flowType requestSource"
        " publicNetworkAccessForIngestion publicNetworkAccessForQuery",
    ),
    _kind(
        "storage:StorageAccount",
        _STORAGE,
        name="accountName",
        pattern=r"[a-z0-9]{3,24}",
        required="location kind sku allowSharedKeyAccess",
        optional="tags defaultToOAuthAuthentication allowBlobPublicAccess allowCrossTenantReplication"
        " isLocalUserEnabled minimumTlsVersion enableHttpsTrafficOnly publicNetworkAccess",
        replaces="kind",
    ),
    _kind(
        "storage:BlobContainer",
        f"{_STORAGE}/blobServices/default/containers/{{containerName}}",
        name="containerName",
        pattern=r"(?=.{3,63}$)[a-z0-9]+(-[a-z0-9]+)*",
        optional="publicAccess",
    ),
    _kind(
        "storage:Queue",
        f"{_STORAGE}/queueServices/default/queues/{{queueName}}",
        name="queueName",
        pattern=r"(?=.{3,63}$)[a-z0-9]+(-[a-z0-9]+)*",
    ),
    _kind(
        "eventgrid:SystemTopic",
        f"{_RG}/providers/Microsoft.EventGrid/systemTopics/{{systemTopicName}}",
        name="systemTopicName",
        required="location source topicType identity",
        optional="tags",
        replaces="source topicType",
    ),
    _kind(
        "eventgrid:SystemTopicEventSubscription",
        f"{_RG}/providers/Microsoft.EventGrid/systemTopics/{{systemTopicName}}"
        "/eventSubscriptions/{eventSubscriptionName}",
        name="eventSubscriptionName",
        required="deliveryWithResourceIdentity deadLetterWithResourceIdentity filter",
        optional="eventDeliverySchema retryPolicy",
    ),
    _kind(
        "cognitiveservices:Account",
        f"{_RG}/providers/Microsoft.CognitiveServices/accounts/{{accountName}}",
        name="accountName",
        required="location kind sku properties",
        optional="tags",
        replaces="kind",
    ),
    _kind(
        "cosmosdb:DatabaseAccount",
        _COSMOS,
        name="accountName",
        pattern=r"[a-z0-9][a-z0-9-]{1,42}[a-z0-9]",
        required="location databaseAccountOfferType locations disableLocalAuth",
        optional="tags kind consistencyPolicy disableKeyBasedMetadataWriteAccess minimalTlsVersion publicNetworkAccess"
        " createMode",
    ),
    _kind(
        "cosmosdb:SqlResourceSqlDatabase",
        f"{_COSMOS}/sqlDatabases/{{databaseName}}",
        name="databaseName",
        required="resource",
    ),
    _kind(
        "cosmosdb:SqlResourceSqlContainer",
        f"{_COSMOS}/sqlDatabases/{{databaseName}}/containers/{{containerName}}",
        name="containerName",
        required="resource options",
    ),
    _kind(
        "cosmosdb:SqlResourceSqlRoleDefinition",
        f"{_COSMOS}/sqlRoleDefinitions/{{roleDefinitionId}}",
        name="roleDefinitionId",
        pattern=_GUID,
        required="roleName type assignableScopes permissions",
    ),
    _kind(
        "cosmosdb:SqlResourceSqlRoleAssignment",
        f"{_COSMOS}/sqlRoleAssignments/{{roleAssignmentId}}",
        name="roleAssignmentId",
        pattern=_GUID,
        required="principalId roleDefinitionId scope",
        replaces="principalId scope",
    ),
    _kind(
        "authorization:RoleAssignment",
        "{scope}/providers/Microsoft.Authorization/roleAssignments/{roleAssignmentName}",
        name="roleAssignmentName",
        pattern=_GUID,
        required="principalId principalType roleDefinitionId",
        replaces="principalId principalType roleDefinitionId",
    ),
    _kind(
        "web:AppServicePlan",
        f"{_RG}/providers/Microsoft.Web/serverfarms/{{name}}",
        name="name",
        required="location sku",
        optional="tags kind reserved hyperV isSpot isXenon targetWorkerCount targetWorkerSizeId zoneRedundant"
        " perSiteScaling elasticScaleEnabled maximumElasticWorkerCount",
    ),
    _kind(
        "web:WebApp",
        _SITE,
        name="name",
        pattern=r"[A-Za-z0-9][A-Za-z0-9-]{0,58}[A-Za-z0-9]",
        required="location kind serverFarmId identity functionAppConfig siteConfig",
        # The last line is what the SDK adds to every app by itself.
        optional="tags httpsOnly clientAffinityEnabled hyperV isXenon scmSiteAlsoStopped reserved",
        replaces="kind",
    ),
    _kind("web:WebAppFtpAllowed", f"{_SITE}/basicPublishingCredentialsPolicies/ftp", name="name", required="allow"),
    _kind("web:WebAppScmAllowed", f"{_SITE}/basicPublishingCredentialsPolicies/scm", name="name", required="allow"),
)

KINDS: Mapping[str, Kind] = {kind.type: kind for kind in _KINDS}
