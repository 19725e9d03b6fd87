"""Who may do what, where: the roles this program uses, and `grant`, which reads as a sentence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

import pulumi
from pulumi_azure_native import authorization

from infra.core.error_hooks import error_hooks
from infra.core.known_errors import NOT_REPLICATED
from infra.core.naming import Names
from infra.core.principals import DirectoryPrincipal
from infra.dynamic.role_assignment_delay import RoleDefinitionDelay


class Role(Enum):
    """Azure built-in roles by id: https://learn.microsoft.com/azure/role-based-access-control/built-in-roles."""

    # https://learn.microsoft.com/azure/azure-functions/functions-reference (host storage: the documented minimum)
    STORAGE_BLOB_DATA_OWNER = "b7e6dc6d-f1e8-4753-8033-0f276bb0955b"
    STORAGE_BLOB_DATA_CONTRIBUTOR = "ba92f5b4-2d11-453d-a403-e96b0029c9fe"
    STORAGE_BLOB_DATA_READER = "2a2b9908-6ea1-4ae2-8e65-a410df84e7d1"
    # https://learn.microsoft.com/azure/azure-functions/functions-bindings-storage-queue-trigger#grant-permission
    STORAGE_QUEUE_DATA_READER = "19e7f393-937e-4f77-808e-94535e297925"
    STORAGE_QUEUE_DATA_MESSAGE_PROCESSOR = "8a0f0c08-91a1-4084-bc3d-661d67233fed"
    # https://learn.microsoft.com/azure/event-grid/add-identity-roles
    STORAGE_QUEUE_DATA_MESSAGE_SENDER = "c6a89b2d-59bc-44d0-9896-0f6e12d7b80a"
    EVENTGRID_DATA_SENDER = "d5a91429-5739-47e2-a06b-3470a27159e7"
    # https://learn.microsoft.com/azure/azure-monitor/app/azure-ad-authentication
    MONITORING_METRICS_PUBLISHER = "3913510d-42f4-4e42-8a64-420c390055eb"


# Put Blob, Put Block and Put Block List. Storage Blob Data Contributor, the narrowest built-in role for them, may
# also read and delete everybody's images.
# https://learn.microsoft.com/rest/api/storageservices/put-blob#permissions
UPLOAD_IMAGES = ("Microsoft.Storage/storageAccounts/blobServices/containers/blobs/write",)
# A queue's worker: receive and delete (process), put back (add), and update, by which the host prolongs a lease and
# gives a failed message back early. No built-in role allows the last without clearing the queue (docs/decisions/0014).
# https://learn.microsoft.com/rest/api/storageservices/authorize-with-azure-active-directory
WORK_QUEUE = tuple(
    f"Microsoft.Storage/storageAccounts/queueServices/queues/messages/{verb}"
    for verb in ("process/action", "add/action", "write")
)
# Dead letters are read and, once dealt with, deleted; Storage Blob Data Contributor could also write some.
CLEAR_DEAD_LETTERS = tuple(
    f"Microsoft.Storage/storageAccounts/blobServices/containers/blobs/{verb}" for verb in ("read", "delete")
)


@dataclass(frozen=True, kw_only=True)
class CustomRole:
    """A role of this program's own. `name` is ours and stable; `id` is known before the role is made."""

    name: str
    id: str
    definition: authorization.RoleDefinition


@dataclass(frozen=True, kw_only=True)
class Principal:
    """Somebody who can be granted a role. `name` is ours and stable; the object id is Entra's."""

    name: str
    object_id: pulumi.Input[str]
    kind: authorization.PrincipalType


@dataclass(frozen=True, kw_only=True)
class Scope:
    """Something a role can be granted on. `name` is ours and stable; `id` is the ARM resource id."""

    name: str
    id: pulumi.Output[str]


def principal_from_setting(principal: DirectoryPrincipal) -> Principal:
    """The principal to assign roles to, out of a setting such as `uploaders`."""
    prefix = {"User": "user", "Group": "group", "ServicePrincipal": "service-principal"}[principal.principal_type]
    return Principal(
        name=f"{prefix}-{principal.object_id}",
        object_id=principal.object_id,
        kind=authorization.PrincipalType(principal.principal_type),
    )


def custom_role(
    names: Names, name: str, data_actions: Sequence[str], *, within: Scope, also: Sequence[str] = ()
) -> CustomRole:
    """A role that allows `data_actions` and nothing else, for assignments at and below `within` and the ids in `also`.

    Azure wants the names of custom roles to be unique in the whole tenant.
    """
    guid = names.guid("role", name)
    definition = authorization.RoleDefinition(
        f"{name}-role",
        role_definition_id=guid,
        role_name=f"{names.local(name)}-{names.unique}",
        description=f"{', '.join(data_actions)}; nothing else.",
        role_type="CustomRole",
        scope=within.id,
        assignable_scopes=[within.id, *also],
        permissions=[authorization.PermissionArgs(actions=[], data_actions=[*data_actions])],
    )
    return CustomRole(name=name, id=guid, definition=definition)


def grant(
    names: Names, who: Principal, role: Role | CustomRole, on: Scope, *, custom_roles: RoleDefinitionDelay | None = None
) -> authorization.RoleAssignment:
    """`who` gets `role` on `on`, and on nothing else; a custom role after the delay behind the `custom_roles`.

    The assignment's name comes from logical names, not from ids, so it is known at preview and stays the same.
    The principal's type is always stated: without it Azure refuses an identity it has only just made
    (https://learn.microsoft.com/azure/role-based-access-control/role-assignments-template#new-service-principal).
    """
    if isinstance(role, Role):
        label, guid, after = role.name.lower().replace("_", "-"), role.value, []
    else:
        label, guid = role.name, role.id
        after = [role.definition, *([custom_roles] if custom_roles else [])]
    name = f"{who.name}-{label}-on-{on.name}"
    return authorization.RoleAssignment(
        name,
        role_assignment_name=names.guid(who.name, guid, on.name),
        principal_id=who.object_id,
        principal_type=who.kind,
        role_definition_id=f"/subscriptions/{names.subscription_id}/providers/Microsoft.Authorization"
        f"/roleDefinitions/{guid}",
        scope=on.id,
        opts=pulumi.ResourceOptions(depends_on=after, hooks=error_hooks(name, NOT_REPLICATED)),
    )
