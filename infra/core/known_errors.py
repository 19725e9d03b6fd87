"""Errors of Azure that a correct deployment can get: which of them are transient, and what to do."""

from infra.core.error_hooks import KnownError

# Role definitions and new principals are replicated to the servers of Azure Resource Manager. A server that does not
# have them yet refuses an assignment, and azure-native does not retry it:
# https://github.com/hashicorp/terraform-provider-azurerm/issues/10602 and /19916 (RoleDefinitionDoesNotExist),
# https://learn.microsoft.com/azure/role-based-access-control/troubleshooting (PrincipalNotFound)
NOT_REPLICATED = KnownError(
    name="role-or-principal-not-replicated",
    pattern="RoleDefinitionDoesNotExist|PrincipalNotFound",
    retry_seconds=600,
    advice="Azure still does not know the role or the principal after ten minutes. Running `pulumi up` again is safe:"
    " it makes what is missing. If it fails again, check that the role definition and the principal exist.",
)

# An account accepts one management operation at a time; azure-native does not retry:
# https://github.com/hashicorp/terraform-provider-azurerm/issues/15842, /17233 and
# https://github.com/pulumi/pulumi-azure-native/issues/1266
ACCOUNT_LOCKED = KnownError(
    name="account-locked",
    pattern="exclusive lock",
    retry_seconds=600,
    advice="another operation on the Cosmos DB account has not ended within ten minutes. Running `pulumi up` again is"
    " safe: it makes what is missing.",
)
# How Cosmos DB's own role assignments refuse a principal that was created moments ago (the text is in the tests of
# azure-native: provider/pkg/provider in https://github.com/pulumi/pulumi-azure-native).
PRINCIPAL_NOT_FOUND = KnownError(
    name="principal-not-replicated",
    pattern=r"principal ID .*was not found in the AAD tenant",
    retry_seconds=600,
    advice="Cosmos DB still does not find the principal after ten minutes. Running `pulumi up` again is safe: it makes"
    " what is missing. If it fails again, check that the principal exists in the subscription's tenant.",
)
# "It may take up to 15 minutes to take effect":
# https://learn.microsoft.com/azure/cosmos-db/how-to-javascript-vector-index-query; the text of the error is quoted in
# https://github.com/spring-projects/spring-ai/pull/1580
VECTOR_SEARCH_INACTIVE = KnownError(
    name="vector-search-inactive",
    pattern="capability has not been enabled on your account",
    retry_seconds=900,
    advice="the account's capability EnableNoSQLVectorSearch is not active after fifteen minutes. Running `pulumi up`"
    " again is safe: it makes the container once the capability is active.",
)

# Event Grid checks, when a subscription is saved, that the topic's identity may write to the queue and to the
# dead-letter container (https://github.com/MicrosoftDocs/azure-docs/issues/98216). How long role assignments take to
# become effective there is not documented, and neither is the error's text: any authorization error is retried, except
# ARM's own AuthorizationFailed, which is about the deployer.
IDENTITY_REFUSED = KnownError(
    name="role-assignments-not-in-effect",
    pattern=r"^(?!.*AuthorizationFailed).*(forbidden|unauthori[sz]ed|not authori[sz]ed|permission|lacks)",
    retry_seconds=600,
    advice="Event Grid still refuses the subscription after ten minutes. Running `pulumi up` again is safe: the roles"
    " of the topic's identity are assigned already, and only what is missing is made; Azure can take longer than this"
    " to put role assignments into effect. If it fails again an hour later, check the roles of the topic's identity:"
    " Storage Queue Data Message Sender on the queue, Storage Blob Data Contributor on the dead-letter container.",
)

# For some seconds after Azure has called an account of AI services ready, the network still sees it as being made and
# refuses a private endpoint: https://github.com/hashicorp/terraform-provider-azurerm/issues/31712 and
# https://github.com/DefangLabs/pulumi-defang/issues/274 (the text with azure-native)
PRIVATE_LINK_TARGET_NOT_READY = KnownError(
    name="private-link-target-not-ready",
    pattern="AccountProvisioningStateInvalid",
    retry_seconds=600,
    advice="Azure still sees the account as being made after ten minutes. Running `pulumi up` again is safe: it makes"
    " what is missing. If it fails again, see the account's provisioning state in the portal.",
)

# An account of Foundry accepts one operation on its deployments at a time; azure-native does not retry:
# https://github.com/Azure/bicep/issues/11211 and https://github.com/hashicorp/terraform-provider-azurerm/issues/22607
FOUNDRY_ACCOUNT_BUSY = KnownError(
    name="foundry-account-busy",
    pattern="RequestConflict|Another operation is being performed on the parent|AccountProvisioningStateInvalid",
    retry_seconds=600,
    advice="another operation on the Foundry account has not ended within ten minutes. Running `pulumi up` again is"
    " safe: it makes what is missing.",
)

# https://learn.microsoft.com/azure/foundry/openai/how-to/quota
QUOTA_EXCEEDED = KnownError(
    name="model-quota-exceeded",
    pattern="InsufficientQuota",
    advice="the subscription has no quota left for this model, deployment type and region. Request more"
    " (https://aka.ms/oai/stuquotarequest), or set foundry.capacityKTpm to what there is, or choose another"
    " foundry.deploymentType or foundry.location. Another version of a model takes quota beside the old one, which is"
    " deleted last: halve foundry.capacityKTpm before. Then run `pulumi up` again; what was made so far stays.",
)

# Azure shows the terms in its portal only, once for each subscription; waiting does not help:
# https://github.com/hashicorp/terraform-provider-azurerm/issues/23580
TERMS_NOT_ACCEPTED = KnownError(
    name="terms-not-accepted",
    pattern="ResourceKindRequireAcceptTerms",
    advice="this subscription has not accepted the Responsible AI terms of Azure AI Vision. Somebody with the right to"
    " create resources does it once for each subscription: create one Computer Vision resource in the portal"
    " (https://portal.azure.com/#create/Microsoft.CognitiveServicesComputerVision), tick the box that accepts the"
    " terms, and delete the resource again. Then run `pulumi up` again; what was made so far stays.",
)
