"""Role checks, from the role assignments that are deployed in the emulator and nothing else."""

from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase

from emulator.core.identity import USER_OBJECT_ID
from emulator.core.resource_store import ResourceStore

_BLOBS = "Microsoft.Storage/storageAccounts/blobServices/containers"
_QUEUES = "Microsoft.Storage/storageAccounts/queueServices/queues"
_DELEGATION = "Microsoft.Storage/storageAccounts/blobServices/generateUserDelegationKey/action"
_SERVICES = "Microsoft.CognitiveServices/accounts"
# https://learn.microsoft.com/azure/role-based-access-control/permissions/ai-machine-learning
ANALYZE = f"{_SERVICES}/ComputerVision/imageanalysis:analyze/action"
ANALYZE_3_2 = f"{_SERVICES}/ComputerVision/analyze/action"
VECTORIZE_IMAGE = f"{_SERVICES}/ComputerVision/retrieval:vectorizeimage/action"
VECTORIZE_TEXT = f"{_SERVICES}/ComputerVision/retrieval:vectorizetext/action"
CHAT_COMPLETIONS = f"{_SERVICES}/OpenAI/deployments/chat/completions/action"
# The name that Content Understanding had first.
CONTENT_UNDERSTANDING = f"{_SERVICES}/MultiModalIntelligence"
COSMOS = "Microsoft.DocumentDB/databaseAccounts"
PUBLISH = "Microsoft.EventGrid/events/send/action"
_ADD_BLOB = f"{_BLOBS}/blobs/add/action"
# Data actions of services that the emulator does not have: a preview accepts roles with them, a deployment does not.
UNSUPPORTED_ACTIONS = frozenset(
    {
        f"{_SERVICES}/CustomVision/classify/iterations/image/nostore/action",
        f"{_SERVICES}/CustomVision/detect/iterations/image/nostore/action",
        f"{_SERVICES}/CustomVision.Prediction/classify/iterations/image/nostore/action",
        f"{_SERVICES}/CustomVision.Prediction/detect/iterations/image/nostore/action",
    }
)


@dataclass(frozen=True, kw_only=True)
class RoleDefinition:
    """The part of a role definition that the emulated services check."""

    name: str
    actions: tuple[str, ...] = ()
    data_actions: tuple[str, ...] = ()


# https://learn.microsoft.com/azure/role-based-access-control/built-in-roles/storage and .../ai-machine-learning
BUILT_IN = {
    "b7e6dc6d-f1e8-4753-8033-0f276bb0955b": RoleDefinition(
        name="Storage Blob Data Owner",
        actions=(f"{_BLOBS}/*", _DELEGATION),
        data_actions=(f"{_BLOBS}/blobs/*",),
    ),
    "db58b8e5-c6ad-4a2a-8342-4190687cbf4a": RoleDefinition(name="Storage Blob Delegator", actions=(_DELEGATION,)),
    "ba92f5b4-2d11-453d-a403-e96b0029c9fe": RoleDefinition(
        name="Storage Blob Data Contributor",
        actions=(f"{_BLOBS}/delete", f"{_BLOBS}/read", f"{_BLOBS}/write", _DELEGATION),
        data_actions=tuple(
            f"{_BLOBS}/blobs/{verb}" for verb in ("delete", "read", "write", "move/action", "add/action")
        ),
    ),
    "2a2b9908-6ea1-4ae2-8e65-a410df84e7d1": RoleDefinition(
        name="Storage Blob Data Reader",
        actions=(f"{_BLOBS}/read", _DELEGATION),
        data_actions=(f"{_BLOBS}/blobs/read",),
    ),
    "974c5e8b-45b9-4653-ba55-5f855dd0fb88": RoleDefinition(
        name="Storage Queue Data Contributor",
        actions=(f"{_QUEUES}/delete", f"{_QUEUES}/read", f"{_QUEUES}/write"),
        data_actions=tuple(f"{_QUEUES}/messages/{verb}" for verb in ("delete", "read", "write", "process/action")),
    ),
    "19e7f393-937e-4f77-808e-94535e297925": RoleDefinition(
        name="Storage Queue Data Reader",
        actions=(f"{_QUEUES}/read",),
        data_actions=(f"{_QUEUES}/messages/read",),
    ),
    "8a0f0c08-91a1-4084-bc3d-661d67233fed": RoleDefinition(
        name="Storage Queue Data Message Processor",
        data_actions=(f"{_QUEUES}/messages/read", f"{_QUEUES}/messages/process/action"),
    ),
    "c6a89b2d-59bc-44d0-9896-0f6e12d7b80a": RoleDefinition(
        name="Storage Queue Data Message Sender",
        data_actions=(f"{_QUEUES}/messages/add/action",),
    ),
    "d5a91429-5739-47e2-a06b-3470a27159e7": RoleDefinition(
        name="EventGrid Data Sender",
        actions=("Microsoft.EventGrid/topics/read",),
        data_actions=(PUBLISH,),
    ),
    "3913510d-42f4-4e42-8a64-420c390055eb": RoleDefinition(
        name="Monitoring Metrics Publisher",
        data_actions=("Microsoft.Insights/Metrics/Write",),
    ),
    # No stored copy of that page has these two yet. Reader is reported to analyze, Owner to do everything:
    # https://github.com/Azure/terraform-provider-azapi/pull/1032
    "379c52cb-64de-498c-8b5b-c6170d6c49d4": RoleDefinition(
        name="Cognitive Services Content Understanding Reader",
        data_actions=(f"{CONTENT_UNDERSTANDING}/*/read", f"{CONTENT_UNDERSTANDING}/*/action"),
    ),
    "4b42bd01-da42-4c92-9b07-15ea5bd6a602": RoleDefinition(
        name="Cognitive Services Content Understanding Owner",
        data_actions=(f"{CONTENT_UNDERSTANDING}/*",),
    ),
}

# Every data action that an emulated service requires, or that a built-in role contains.
DATA_ACTIONS = frozenset(
    {
        ANALYZE,
        _ADD_BLOB,
        ANALYZE_3_2,
        VECTORIZE_IMAGE,
        VECTORIZE_TEXT,
        CHAT_COMPLETIONS,
        *UNSUPPORTED_ACTIONS,
        *(action for role in BUILT_IN.values() for action in role.data_actions if "*" not in action),
    }
)


class Authorization:
    """Evaluates role assignments."""

    def __init__(self, resources: ResourceStore, *, pending: frozenset[str] = frozenset()) -> None:
        """Take the deployed resources, and the ids in lower case of role assignments that are not in effect yet."""
        self._resources = resources
        self._pending = pending

    def allows(self, principal: str, action: str, scope: str) -> bool:
        """Whether an ARM role assignment at `scope` or above it lets `principal` do `action`."""
        for assignment in self._resources.of_type("authorization:RoleAssignment"):
            inputs = assignment.inputs
            if assignment.id.lower() in self._pending:
                continue
            if inputs["principalId"].lower() == principal.lower() and _is_within(scope, inputs["scope"]):
                role = self.role(inputs["roleDefinitionId"])
                if role is not None and _matches(action, (*role.actions, *role.data_actions)):
                    return True
        return False

    def role(self, definition_id: str) -> RoleDefinition | None:
        """The built-in or deployed role with this id, or None."""
        guid = definition_id.rsplit("/", 1)[1].lower()
        custom = self._resources.find_by_name("authorization:RoleDefinition", guid)
        if custom is None:
            return BUILT_IN.get(guid)
        return RoleDefinition(
            name=custom.inputs["roleName"],
            data_actions=tuple(
                action for permission in custom.inputs["permissions"] for action in permission["dataActions"]
            ),
        )

    def allows_cosmos(self, principal: str, action: str, account_id: str, path: str) -> bool:
        """Whether a Cosmos DB role assignment lets `principal` do `action` at `path` (`/dbs/x/colls/y`, or ``).

        A principal with any role assignment in an account may read the account's metadata.
        """
        for assignment in self._resources.of_type("cosmosdb:SqlResourceSqlRoleAssignment"):
            inputs = assignment.inputs
            if inputs["principalId"].lower() != principal.lower() or not _is_within(inputs["scope"], account_id):
                continue
            if action != f"{COSMOS}/readMetadata" and not _is_within(account_id + path, inputs["scope"]):
                continue
            definition = self._resources.get(inputs["roleDefinitionId"])
            if definition is not None and any(
                _matches(action, permission.get("dataActions", ())) for permission in definition.inputs["permissions"]
            ):
                return True
        return False

    @staticmethod
    def can_manage(principal: str) -> bool:
        """Whether `principal` may manage resources. Only the emulator's user may, as owner of the subscription."""
        return principal == USER_OBJECT_ID


def _is_within(scope: str, outer: str) -> bool:
    inner = scope.lower().rstrip("/")
    outer = outer.lower().rstrip("/")
    return inner == outer or inner.startswith(outer + "/")


def _matches(action: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(action.lower(), pattern.lower()) for pattern in patterns)
