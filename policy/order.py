"""Rules about order: resources that Azure refuses when created too early, or during another operation."""

from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any, cast

from policy.model import UNKNOWN, Resource, StackRule
from policy.roles import ASSIGNMENT, custom_role_guids, role_guid

_SUBSCRIPTION = "eventgrid:SystemTopicEventSubscription"
_ENDPOINT = "network:PrivateEndpoint"
# Children of a Cosmos DB account, which are managed under the account's lock.
_COSMOS_CHILD = "cosmosdb:SqlResource"
_ASSIGNMENT_DELAY = "pulumi-python:dynamic/image-pipeline:RoleAssignmentDelay"
_DEFINITION_DELAY = "pulumi-python:dynamic/image-pipeline:RoleDefinitionDelay"


class Order:
    """The order in which resources are created, as far as dependencies determine it."""

    def __init__(self, resources: Iterable[Resource]) -> None:
        self._by_urn = {resource.urn: resource for resource in resources}
        self._before: dict[str, frozenset[str]] = {}

    def before(self, resource: Resource) -> frozenset[str]:
        """The URNs of everything that the resource depends on, directly or indirectly."""
        if resource.urn not in self._before:
            direct = resource.dependencies.union(*resource.property_dependencies.values())
            others = [self.before(self._by_urn[urn]) for urn in direct if urn in self._by_urn]
            self._before[resource.urn] = direct.union(*others)
        return self._before[resource.urn]

    def before_delays(self, resource: Resource, delay_type: str) -> frozenset[str]:
        """The URNs of everything before the delays of this type that the resource depends on."""
        delays = [self._by_urn[urn] for urn in self.before(resource) if self._type(urn) == delay_type]
        return frozenset[str]().union(*(self.before(delay) for delay in delays))

    def unordered(self, resources: Iterable[Resource]) -> Iterator[tuple[Resource, Resource]]:
        """Pairs of `resources` of which neither depends on the other; none if they are created one by one."""
        for earlier, later in pairwise(sorted(resources, key=lambda resource: len(self.before(resource)))):
            if earlier.urn not in self.before(later):
                yield earlier, later

    def _type(self, urn: str) -> str:
        return self._by_urn[urn].type if urn in self._by_urn else ""


def _name(urn: str) -> str:
    return urn.rpartition("::")[2]


def _subscription_after_roles(resources: Sequence[Resource]) -> Iterator[tuple[Resource, str]]:
    order = Order(resources)
    for subscription in resources:
        if subscription.type != _SUBSCRIPTION:
            continue
        topics = subscription.property_dependencies.get("systemTopicName", frozenset())
        assignments = [item for item in resources if item.type == ASSIGNMENT]
        roles = [item for item in assignments if topics & item.property_dependencies.get("principalId", frozenset())]
        waited_for = order.before_delays(subscription, _ASSIGNMENT_DELAY)
        early = sorted(_name(role.urn) for role in roles if role.urn not in waited_for)
        if early or not roles:
            what = f"it does not wait for {', '.join(early)}" if early else "its topic's identity has no role"
            sentence = (
                f"{what}: let it depend on the delay behind the role assignments of its topic's identity"
                " (infra.RoleAssignmentDelay); Event Grid refuses a subscription whose identity may not deliver yet"
            )
            yield subscription, sentence


def _custom_role_after_replication(resources: Sequence[Resource]) -> Iterator[tuple[Resource, str]]:
    order = Order(resources)
    definitions = custom_role_guids(resources)
    for assignment in resources:
        if assignment.type != ASSIGNMENT or role_guid(assignment) not in definitions:
            continue
        definition = definitions[role_guid(assignment)]
        if definition.urn not in order.before_delays(assignment, _DEFINITION_DELAY):
            sentence = (
                f"it assigns {_name(definition.urn)} without waiting until that is replicated: let it depend on the"
                " delay behind the definition (infra.RoleDefinitionDelay); until then, Azure answers"
                " RoleDefinitionDoesNotExist"
            )
            yield assignment, sentence


def _account(resource: Resource) -> Hashable:
    return resource.property_dependencies.get("accountName") or str(resource.get("accountName"))


def _cosmos_one_by_one(resources: Sequence[Resource]) -> Iterator[tuple[Resource, str]]:
    order = Order(resources)
    accounts: dict[Hashable, list[Resource]] = defaultdict(list)
    for resource in resources:
        if resource.type.startswith(_COSMOS_CHILD):
            accounts[_account(resource)].append(resource)
    for children in accounts.values():
        for earlier, later in order.unordered(children):
            sentence = (
                f"it can be created at the same time as {_name(earlier.urn)}, which is in the same Cosmos DB account:"
                " let one depend on the other; Azure answers 412 PreconditionFailed while the account is locked"
            )
            yield later, sentence


def _shared(endpoint: Resource) -> Iterator[Hashable]:
    """What other private endpoints can share with this one: its subnet and its targets."""
    subnet = endpoint.get("subnet.id")
    yield "subnet", endpoint.property_dependencies.get("subnet") if subnet is UNKNOWN else str(subnet).lower()
    connections = endpoint.get("privateLinkServiceConnections")
    if not isinstance(connections, list):
        yield "target", endpoint.property_dependencies.get("privateLinkServiceConnections")
        return
    for connection in cast("list[Mapping[str, Any]]", connections):
        target = connection.get("privateLinkServiceId")
        known = target is not UNKNOWN
        yield (
            "target",
            str(target).lower() if known else endpoint.property_dependencies.get("privateLinkServiceConnections"),
        )


def _endpoints_one_by_one(resources: Sequence[Resource]) -> Iterator[tuple[Resource, str]]:
    order = Order(resources)
    sharing: dict[Hashable, list[Resource]] = defaultdict(list)
    for resource in resources:
        if resource.type == _ENDPOINT:
            for key in _shared(resource):
                sharing[key].append(resource)
    reported: set[tuple[str, str]] = set()
    for endpoints in sharing.values():
        for earlier, later in order.unordered(endpoints):
            if (earlier.urn, later.urn) not in reported:
                reported.add((earlier.urn, later.urn))
                sentence = (
                    f"it can be created at the same time as {_name(earlier.urn)}, in the same subnet or for the same"
                    " resource: let one depend on the other; Azure answers 429 RetryableError or"
                    " StorageAccountOperationInProgress to one of them"
                )
                yield later, sentence


SUBSCRIPTION_AFTER_ROLES = StackRule(
    name="subscription-after-roles",
    description="An event subscription waits for the role assignments of its topic's identity.",
    check=_subscription_after_roles,
)
CUSTOM_ROLE_AFTER_REPLICATION = StackRule(
    name="custom-role-after-replication",
    description="A custom role is assigned when its definition has had time to replicate.",
    check=_custom_role_after_replication,
)
COSMOS_ONE_BY_ONE = StackRule(
    name="cosmos-one-by-one",
    description="Children of a Cosmos DB account are created one after the other.",
    check=_cosmos_one_by_one,
)
PRIVATE_ENDPOINTS_ONE_BY_ONE = StackRule(
    name="private-endpoints-one-by-one",
    description="Private endpoints that share a subnet or a target are created one after the other.",
    check=_endpoints_one_by_one,
)
