"""The app registration of the API as a document of Microsoft Graph, and who gets which app role."""

import json

from checks.docs.markdown import code, table
from infra.core.app_roles import (
    OPERATOR_APP_ROLES,
    READER_APP_ROLES,
    SCOPE_DESCRIPTION,
    SCOPE_DISPLAY_NAME,
    SCOPE_ID,
    SCOPE_VALUE,
    UPLOADER_APP_ROLES,
    AppRole,
)


def app_registration_json() -> str:
    """Return the body of `POST /applications`: https://learn.microsoft.com/graph/api/resources/application."""
    document = {
        "displayName": "Image Pipeline API (prod)",
        "signInAudience": "AzureADMyOrg",
        "api": {
            "requestedAccessTokenVersion": 2,
            "oauth2PermissionScopes": [
                {
                    "id": SCOPE_ID,
                    "value": SCOPE_VALUE,
                    "type": "User",
                    "isEnabled": True,
                    "adminConsentDisplayName": SCOPE_DISPLAY_NAME,
                    "adminConsentDescription": SCOPE_DESCRIPTION,
                }
            ],
        },
        "spa": {"redirectUris": ["https://images.example.com/"]},
        "appRoles": [
            {
                "id": role.value.id,
                "value": role.value.value,
                "displayName": role.value.value,
                "description": role.value.description,
                "allowedMemberTypes": ["User", "Application"],
                "isEnabled": True,
            }
            for role in AppRole
        ],
    }
    return f"```json\n{json.dumps(document, indent=2, ensure_ascii=False)}\n```"


def app_roles_table() -> str:
    """Return each app role with its id, what it allows, and the settings whose principals get it."""
    settings = {"readers": READER_APP_ROLES, "uploaders": UPLOADER_APP_ROLES, "operators": OPERATOR_APP_ROLES}
    rows = [
        (
            code(role.value.value),
            role.value.description,
            ", ".join(code(setting) for setting, app_roles in settings.items() if role in app_roles),
            code(role.value.id),
        )
        for role in AppRole
    ]
    return table(("app role", "what it allows", "who gets it with `signIn: create`", "id"), rows)
