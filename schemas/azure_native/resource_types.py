"""The azure-native resource types of the program, which are all that the emulator supports."""

from collections.abc import Mapping

from schemas.azure_native.monitoring import MONITORING
from schemas.azure_native.networking import NETWORKING
from schemas.azure_native.resource_type import GUID, RESOURCE_GROUP, ResourceType, define_resource_type

_STORAGE = f"{RESOURCE_GROUP}/providers/Microsoft.Storage/storageAccounts/{{accountName}}"
_COSMOS = f"{RESOURCE_GROUP}/providers/Microsoft.DocumentDB/databaseAccounts/{{accountName}}"
_WEB_APP = f"{RESOURCE_GROUP}/providers/Microsoft.Web/sites/{{name}}"

_PIPELINE = (
    define_resource_type(
        "resources:ResourceGroup", RESOURCE_GROUP, name="resourceGroupName", required="location", optional="tags"
    ),
    define_resource_type(
        "managedidentity:UserAssignedIdentity",
        f"{RESOURCE_GROUP}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/{{resourceName}}",
        name="resourceName",
        required="location",
        optional="tags",
    ),
    define_resource_type(
        "operationalinsights:Workspace",
        f"{RESOURCE_GROUP}/providers/Microsoft.OperationalInsights/workspaces/{{workspaceName}}",
        name="workspaceName",
        required="location sku",
        optional="tags retentionInDays features workspaceCapping",
    ),
    define_resource_type(
        "applicationinsights:Component",
        f"{RESOURCE_GROUP}/providers/Microsoft.Insights/components/{{resourceName}}",
        name="resourceName",
        required="location kind applicationType workspaceResourceId",
        optional="tags ingestionMode disableLocalAuth flowType requestSource"
        " publicNetworkAccessForIngestion publicNetworkAccessForQuery",
    ),
    define_resource_type(
        "storage:StorageAccount",
        _STORAGE,
        name="accountName",
        pattern=r"[a-z0-9]{3,24}",
        required="location kind sku allowSharedKeyAccess",
        optional="tags defaultToOAuthAuthentication allowBlobPublicAccess allowCrossTenantReplication"
        " isLocalUserEnabled minimumTlsVersion enableHttpsTrafficOnly publicNetworkAccess networkRuleSet",
        replaces="kind",
    ),
    define_resource_type(
        "storage:BlobServiceProperties",
        f"{_STORAGE}/blobServices/{{blobServicesName}}",
        name="blobServicesName",
        pattern="default",
        optional="deleteRetentionPolicy containerDeleteRetentionPolicy cors",
    ),
    define_resource_type(
        "storage:ManagementPolicy",
        f"{_STORAGE}/managementPolicies/{{managementPolicyName}}",
        name="managementPolicyName",
        pattern="default",
        required="policy",
    ),
    define_resource_type(
        "storage:BlobContainer",
        f"{_STORAGE}/blobServices/default/containers/{{containerName}}",
        name="containerName",
        pattern=r"(?=.{3,63}$)[a-z0-9]+(-[a-z0-9]+)*",
        optional="publicAccess",
    ),
    define_resource_type(
        "storage:Queue",
        f"{_STORAGE}/queueServices/default/queues/{{queueName}}",
        name="queueName",
        pattern=r"(?=.{3,63}$)[a-z0-9]+(-[a-z0-9]+)*",
    ),
    define_resource_type(
        "eventgrid:Topic",
        f"{RESOURCE_GROUP}/providers/Microsoft.EventGrid/topics/{{topicName}}",
        name="topicName",
        required="location inputSchema disableLocalAuth",
        optional="tags identity minimumTlsVersionAllowed publicNetworkAccess dataResidencyBoundary",
        replaces="inputSchema",
    ),
    define_resource_type(
        "eventgrid:SystemTopic",
        f"{RESOURCE_GROUP}/providers/Microsoft.EventGrid/systemTopics/{{systemTopicName}}",
        name="systemTopicName",
        required="location source topicType identity",
        optional="tags",
        replaces="source topicType",
    ),
    define_resource_type(
        "eventgrid:SystemTopicEventSubscription",
        f"{RESOURCE_GROUP}/providers/Microsoft.EventGrid/systemTopics/{{systemTopicName}}"
        "/eventSubscriptions/{eventSubscriptionName}",
        name="eventSubscriptionName",
        required="deliveryWithResourceIdentity deadLetterWithResourceIdentity filter",
        optional="eventDeliverySchema retryPolicy",
    ),
    define_resource_type(
        "cognitiveservices:Account",
        f"{RESOURCE_GROUP}/providers/Microsoft.CognitiveServices/accounts/{{accountName}}",
        name="accountName",
        required="location kind sku properties",
        optional="tags",
        replaces="kind",
    ),
    define_resource_type(
        "cognitiveservices:Deployment",
        f"{RESOURCE_GROUP}/providers/Microsoft.CognitiveServices/accounts/{{accountName}}/deployments/{{deploymentName}}",
        name="deploymentName",
        pattern=r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}[A-Za-z0-9]",
        required="sku properties",
    ),
    define_resource_type(
        "cosmosdb:DatabaseAccount",
        _COSMOS,
        name="accountName",
        pattern=r"[a-z0-9][a-z0-9-]{1,42}[a-z0-9]",
        required="location databaseAccountOfferType locations disableLocalAuth",
        optional="tags kind consistencyPolicy disableKeyBasedMetadataWriteAccess minimalTlsVersion publicNetworkAccess"
        " createMode enableAutomaticFailover enableMultipleWriteLocations backupPolicy capabilities",
    ),
    define_resource_type(
        "cosmosdb:SqlResourceSqlDatabase",
        f"{_COSMOS}/sqlDatabases/{{databaseName}}",
        name="databaseName",
        required="resource",
    ),
    define_resource_type(
        "cosmosdb:SqlResourceSqlContainer",
        f"{_COSMOS}/sqlDatabases/{{databaseName}}/containers/{{containerName}}",
        name="containerName",
        required="resource options",
    ),
    define_resource_type(
        "cosmosdb:SqlResourceSqlRoleDefinition",
        f"{_COSMOS}/sqlRoleDefinitions/{{roleDefinitionId}}",
        name="roleDefinitionId",
        pattern=GUID,
        required="roleName type assignableScopes permissions",
    ),
    define_resource_type(
        "cosmosdb:SqlResourceSqlRoleAssignment",
        f"{_COSMOS}/sqlRoleAssignments/{{roleAssignmentId}}",
        name="roleAssignmentId",
        pattern=GUID,
        required="principalId roleDefinitionId scope",
        replaces="principalId scope",
    ),
    define_resource_type(
        "authorization:RoleDefinition",
        # Azure answers with an id of the subscription, whatever the scope, and azure-native deletes it there:
        # https://github.com/pulumi/pulumi-azure-native/issues/2610, https://github.com/Azure/azure-cli/issues/28354
        "/subscriptions/{subscription}/providers/Microsoft.Authorization/roleDefinitions/{roleDefinitionId}",
        name="roleDefinitionId",
        pattern=GUID,
        required="scope roleName permissions assignableScopes",
        optional="description roleType",
        replaces="scope",
    ),
    define_resource_type(
        "authorization:RoleAssignment",
        "{scope}/providers/Microsoft.Authorization/roleAssignments/{roleAssignmentName}",
        name="roleAssignmentName",
        pattern=GUID,
        required="principalId roleDefinitionId",
        optional="principalType",
        replaces="principalId principalType roleDefinitionId",
    ),
    define_resource_type(
        "web:AppServicePlan",
        f"{RESOURCE_GROUP}/providers/Microsoft.Web/serverfarms/{{name}}",
        name="name",
        required="location sku",
        optional="tags kind reserved hyperV isSpot isXenon targetWorkerCount targetWorkerSizeId zoneRedundant"
        " perSiteScaling elasticScaleEnabled maximumElasticWorkerCount",
    ),
    define_resource_type(
        "web:WebApp",
        _WEB_APP,
        name="name",
        pattern=r"[A-Za-z0-9][A-Za-z0-9-]{0,58}[A-Za-z0-9]",
        required="location kind serverFarmId identity functionAppConfig siteConfig",
        # The SDK adds the inputs of the last line to every app.
        optional="tags httpsOnly publicNetworkAccess virtualNetworkSubnetId"
        " clientAffinityEnabled hyperV isXenon scmSiteAlsoStopped reserved",
        replaces="kind",
    ),
    define_resource_type(
        "web:WebAppFtpAllowed", f"{_WEB_APP}/basicPublishingCredentialsPolicies/ftp", name="name", required="allow"
    ),
    define_resource_type(
        "web:WebAppScmAllowed", f"{_WEB_APP}/basicPublishingCredentialsPolicies/scm", name="name", required="allow"
    ),
)

RESOURCE_TYPES: Mapping[str, ResourceType] = {
    resource_type.type: resource_type for resource_type in (*_PIPELINE, *MONITORING, *NETWORKING)
}
