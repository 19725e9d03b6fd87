"""The condition under which the deployer may assign roles, for `az role assignment create --condition`.

    python -m checks.role_condition --stack prod --subscription <id> --excluded <object id> --uploader <object id>

The deployer of a stack may assign and remove the roles that the program assigns, and no others: those of the function
app's identity and of Event Grid to service principals other than the excluded ones (the deployer itself and the preview
identity), the custom role Image Uploader to the uploaders, and with the analyzer content-understanding the role that
defines analyzers to the deployer itself. Grammar and attributes:
https://learn.microsoft.com/azure/role-based-access-control/delegate-role-assignments-examples.
"""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass

from infra import BuiltInRole, Names

# The custom roles of __main__.py that the identities of the apps get; a test compares them with the program.
SERVICE_ROLES = (
    "vision-caller",
    "queue-processor",
    "dead-letter-processor",
    "image-deleter",
    "image-creator",
    "text-vectorizer",
)
UPLOADER_ROLE = "image-uploader"
# What the deployer needs itself, and no identity of an app.
_DEPLOYER_ROLE = BuiltInRole.CONTENT_UNDERSTANDING_OWNER
_ATTRIBUTES = "Microsoft.Authorization/roleAssignments"


@dataclass(frozen=True, kw_only=True)
class AssignableRoles:
    """Who may get which roles from the deployer.

    Attributes:
        service_roles: GUIDs of the role definitions that service principals may get.
        excluded: Object ids of service principals that may get none, such as that of the deployer.
        uploader_role: GUID of the role definition that uploaders may get.
        uploaders: Object ids of the uploaders.
        deployers: Object ids of the identities that define analyzers of Content Understanding: the deployer, or none.
    """

    service_roles: Sequence[str]
    excluded: Sequence[str]
    uploader_role: str
    uploaders: Sequence[str]
    deployers: Sequence[str] = ()


def role_condition(roles: AssignableRoles) -> str:
    """Return the condition of a role assignment, in version 2.0 of Azure's grammar."""
    # An assignment that is removed is described by the resource, a new one by the request.
    return f"{_rule('write', '@Request', roles)}\nAND\n{_rule('delete', '@Resource', roles)}\n"


def _rule(action: str, source: str, roles: AssignableRoles) -> str:
    role = f"{source}[{_ATTRIBUTES}:RoleDefinitionId] ForAnyOfAnyValues:GuidEquals"
    kind = f"{source}[{_ATTRIBUTES}:PrincipalType] ForAnyOfAnyValues:StringEqualsIgnoreCase"
    principal = f"{source}[{_ATTRIBUTES}:PrincipalId]"
    for_services = [
        f"{role} {_set(roles.service_roles)}",
        f"{kind} {{'ServicePrincipal'}}",
        f"{principal} ForAnyOfAllValues:GuidNotEquals {_set(roles.excluded)}",
    ]
    alternatives = [for_services]
    if roles.uploaders:
        for_uploaders = [
            f"{role} {_set([roles.uploader_role])}",
            f"{principal} ForAnyOfAnyValues:GuidEquals {_set(roles.uploaders)}",
        ]
        alternatives.append(for_uploaders)
    if roles.deployers:
        for_deployers = [
            f"{role} {_set([_DEPLOYER_ROLE.value])}",
            f"{principal} ForAnyOfAnyValues:GuidEquals {_set(roles.deployers)}",
        ]
        alternatives.append(for_deployers)
    allowed = "\n ) OR (\n".join("  " + "\n  AND ".join(conditions) for conditions in alternatives)
    return f"(\n !(ActionMatches{{'{_ATTRIBUTES}/{action}'}})\n OR (\n{allowed}\n )\n)"


def _set(guids: Sequence[str]) -> str:
    return "{" + ", ".join(guids) + "}"


def main() -> int:
    """Entry point."""
    parser = argparse.ArgumentParser(
        prog="python -m checks.role_condition",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--stack", required=True)
    parser.add_argument("--subscription", required=True, help="the id of the stack's subscription")
    parser.add_argument("--name-prefix", default="imgpipe", help="the setting namePrefix of the stack")
    parser.add_argument(
        "--excluded", action="append", required=True, help="object id of a service principal that may get no role"
    )
    parser.add_argument("--uploader", action="append", default=[], help="object id of an uploader")
    parser.add_argument(
        "--deployer",
        action="append",
        default=[],
        help="object id of the deployer, with the analyzer content-understanding; the setting deployer has the same",
    )
    arguments = parser.parse_args()
    names = Names(prefix=arguments.name_prefix, stack=arguments.stack, subscription_id=arguments.subscription)
    roles = {name: names.guid("role", name) for name in (*SERVICE_ROLES, UPLOADER_ROLE)}
    assignable = AssignableRoles(
        service_roles=[
            *(role.value for role in BuiltInRole if role is not _DEPLOYER_ROLE),
            *(roles[name] for name in SERVICE_ROLES),
        ],
        excluded=arguments.excluded,
        uploader_role=roles[UPLOADER_ROLE],
        uploaders=arguments.uploader,
        deployers=arguments.deployer,
    )
    print(role_condition(assignable), end="")
    return 0


if __name__ == "__main__":
    sys.exit(main())
