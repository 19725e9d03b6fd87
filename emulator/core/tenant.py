"""Ids of the emulated tenant and subscription, and of applications of Microsoft's."""

SUBSCRIPTION_ID = "00000000-0000-4000-8000-0000000005ab"
TENANT_ID = "00000000-0000-4000-8000-000000007e4a"
AUTHORITY = "https://login.microsoftonline.com"
# Azure CLI, as which the emulator's users sign in to commands:
# https://learn.microsoft.com/troubleshoot/entra/entra-id/governance/verify-first-party-apps-sign-in
AZURE_CLI_CLIENT_ID = "04b07795-8ddb-461a-bbee-02f9e1bf7b46"
# The application as which the pipelines of docs/ci.md sign in; in the emulator, its rights are those of the deployer.
DEPLOYMENT_PIPELINE_CLIENT_ID = "00000000-0000-4000-8000-0000000c11e4"
