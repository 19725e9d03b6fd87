"""The rules about order on resources of the test's own: what counts as before, and what belongs together."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from policy.model import UNKNOWN, Resource, StackRule
from policy.order import (
    COSMOS_ONE_BY_ONE,
    CUSTOM_ROLE_AFTER_REPLICATION,
    PRIVATE_ENDPOINTS_ONE_BY_ONE,
    SUBSCRIPTION_AFTER_ROLES,
    Order,
)

ASSIGNMENT_DELAY = "pulumi-python:dynamic/image-pipeline:RoleAssignmentDelay"
DEFINITION_DELAY = "pulumi-python:dynamic/image-pipeline:RoleDefinitionDelay"
ASSIGNMENT, DEFINITION = "authorization:RoleAssignment", "authorization:RoleDefinition"
SUBSCRIPTION = "eventgrid:SystemTopicEventSubscription"
ENDPOINT = "network:PrivateEndpoint"


def resource(
    name: str,
    *after: str,
    kind: str = "x:Y",
    properties: Mapping[str, Any] | None = None,
    refers: Mapping[str, Sequence[str]] | None = None,
) -> Resource:
    """A resource with this logical name, which depends on those called `after` and refers to others."""
    return Resource(
        urn=f"urn::{name}",
        type=kind,
        properties=properties or {},
        dependencies=frozenset(f"urn::{other}" for other in after),
        property_dependencies={
            key: frozenset(f"urn::{other}" for other in others) for key, others in (refers or {}).items()
        },
    )


def violations(rule: StackRule, *resources: Resource) -> list[tuple[str, str]]:
    """The logical names and sentences that the rule gives."""
    return [(violating.urn.removeprefix("urn::"), sentence) for violating, sentence in rule.check(resources)]


def test_what_comes_before_includes_dependencies_references_and_theirs() -> None:
    first, second = resource("first"), resource("second", "first")
    third = resource("third", refers={"a": ["second"], "b": ["elsewhere"]})
    order = Order([third, second, first])
    assert order.before(first) == frozenset()
    assert order.before(second) == {"urn::first"}
    assert order.before(third) == {"urn::first", "urn::second", "urn::elsewhere"}


def test_only_what_comes_before_a_delay_of_the_type_is_waited_for() -> None:
    resources = [
        resource("role"),
        resource("other-role"),
        resource("delay", "role", kind=ASSIGNMENT_DELAY),
        resource("other-delay", "other-role", kind=DEFINITION_DELAY),
        resource("late", "delay", "other-delay", "elsewhere"),
    ]
    order = Order(resources)
    assert order.before_delays(resources[-1], ASSIGNMENT_DELAY) == {"urn::role"}
    assert order.before_delays(resources[-1], DEFINITION_DELAY) == {"urn::other-role"}
    assert order.before_delays(resources[0], ASSIGNMENT_DELAY) == frozenset()


def test_resources_without_an_order_are_found_in_pairs() -> None:
    first, second = resource("first"), resource("second", "first")
    beside, last = resource("beside", "first"), resource("last", "second", "beside")
    order = Order([first, second, beside, last])
    assert list(order.unordered([last, second, first])) == []
    assert [(earlier.urn, later.urn) for earlier, later in order.unordered([last, beside, second, first])] == [
        ("urn::beside", "urn::second")
    ]


def subscribed(*after: str) -> Resource:
    return resource("subscription", *after, kind=SUBSCRIPTION, refers={"systemTopicName": ["topic"]})


def role(name: str, principal: str = "topic") -> Resource:
    return resource(name, kind=ASSIGNMENT, refers={"principalId": [principal]})


def test_a_subscription_waits_for_the_roles_of_its_own_topic() -> None:
    delay = resource("delay", "one", "two", kind=ASSIGNMENT_DELAY)
    roles = [role("one"), role("two"), role("somebody-elses", "app")]
    assert violations(SUBSCRIPTION_AFTER_ROLES, *roles, delay, subscribed("delay")) == []


def test_a_subscription_that_does_not_wait_is_reported_with_the_roles() -> None:
    delay = resource("delay", "one", kind=ASSIGNMENT_DELAY)
    remedy = (
        ": let it depend on the delay behind the role assignments of its topic's identity (infra.RoleAssignmentDelay);"
        " Event Grid refuses a subscription whose identity may not deliver yet"
    )
    roles = [role("two"), role("three"), role("one"), role("somebody-elses", "app")]
    # The roles themselves are no delay: the service may not know them yet.
    late = subscribed("delay", "two", "three")
    assert violations(SUBSCRIPTION_AFTER_ROLES, *roles, delay, late) == [
        ("subscription", f"it does not wait for three, two{remedy}")
    ]
    assert violations(SUBSCRIPTION_AFTER_ROLES, role("somebody-elses", "app"), delay, subscribed("delay")) == [
        ("subscription", f"its topic's identity has no role{remedy}")
    ]


def test_every_subscription_is_looked_at() -> None:
    one = resource("one", kind=SUBSCRIPTION, refers={"systemTopicName": ["topic"]})
    two = resource("two", kind=SUBSCRIPTION, refers={"systemTopicName": ["topic"]})
    other = resource("other")
    violating = violations(SUBSCRIPTION_AFTER_ROLES, other, one, other, two, role("role"))
    assert [name for name, _ in violating] == ["one", "two"]


GUID = "11111111-2222-4333-8444-555555555555"


def definition(name: str = "definition", guid: str = GUID) -> Resource:
    return resource(name, kind=DEFINITION, properties={"roleDefinitionId": guid})


def assignment(*after: str, guid: str = GUID) -> Resource:
    return resource("assignment", *after, kind=ASSIGNMENT, properties={"roleDefinitionId": f"/x/{guid.upper()}"})


def test_a_custom_role_is_assigned_after_the_delay_behind_its_own_definition() -> None:
    delay = resource("delay", "definition", kind=DEFINITION_DELAY)
    assert violations(CUSTOM_ROLE_AFTER_REPLICATION, definition(), delay, assignment("delay")) == []
    sentence = (
        "it assigns definition without waiting until that is replicated: let it depend on the delay behind the"
        " definition (infra.RoleDefinitionDelay); until then, Azure answers RoleDefinitionDoesNotExist"
    )
    other_delay = resource("delay", "other", kind=DEFINITION_DELAY)
    wrong_delay = resource("delay", "definition", kind=ASSIGNMENT_DELAY)
    for wait, early_assignment in (
        (delay, assignment("definition")),
        (other_delay, assignment("delay")),
        (wrong_delay, assignment("delay")),
    ):
        assert violations(CUSTOM_ROLE_AFTER_REPLICATION, definition(), wait, early_assignment) == [
            ("assignment", sentence)
        ]


def test_a_built_in_role_needs_no_delay_and_does_not_end_the_search() -> None:
    built_in = resource("built-in", kind=ASSIGNMENT, properties={"roleDefinitionId": "/x/another"})
    violating = violations(CUSTOM_ROLE_AFTER_REPLICATION, definition(), built_in, assignment())
    assert [name for name, _ in violating] == ["assignment"]
    no_assignment = resource("no-assignment", properties={"roleDefinitionId": f"/x/{GUID}"})
    assert violations(CUSTOM_ROLE_AFTER_REPLICATION, definition(), no_assignment) == []


def child(name: str, *after: str, account: object = UNKNOWN, refers: str = "") -> Resource:
    return resource(
        name,
        *after,
        kind="cosmosdb:SqlResourceSqlContainer",
        properties={"accountName": account},
        refers={"accountName": [refers]} if refers else {},
    )


def test_what_lies_in_one_cosmos_account_is_made_one_by_one() -> None:
    sentence = (
        "it can be created at the same time as one, which is in the same Cosmos DB account: let one depend on the"
        " other; Azure answers 412 PreconditionFailed while the account is locked"
    )
    for key in ({"account": "a"}, {"refers": "a"}):
        assert violations(COSMOS_ONE_BY_ONE, child("one", **key), child("two", "one", **key)) == []
        assert violations(COSMOS_ONE_BY_ONE, child("one", **key), child("two", **key)) == [("two", sentence)]


def test_what_lies_in_two_cosmos_accounts_may_be_made_at_once() -> None:
    assert violations(COSMOS_ONE_BY_ONE, child("one", account="a"), child("two", account="b")) == []
    assert violations(COSMOS_ONE_BY_ONE, child("one", refers="a"), child("two", refers="b")) == []
    accounts = [resource(name, kind="cosmosdb:DatabaseAccount", properties={"accountName": "a"}) for name in "ab"]
    assert violations(COSMOS_ONE_BY_ONE, *accounts) == []


def endpoint(
    name: str,
    *after: str,
    subnet: object = UNKNOWN,
    targets: object = UNKNOWN,
    refers: Mapping[str, list[str]] | None = None,
) -> Resource:
    """A private endpoint: the ids of its subnet and its targets, or what they come from."""
    connections = [{"privateLinkServiceId": target} for target in targets] if isinstance(targets, list) else targets
    return resource(
        name,
        *after,
        kind=ENDPOINT,
        properties={"subnet": {"id": subnet}, "privateLinkServiceConnections": connections},
        refers={
            {"subnet": "subnet", "targets": "privateLinkServiceConnections"}[key]: urns
            for key, urns in (refers or {}).items()
        },
    )


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ({"subnet": "/s/A", "targets": ["/t/1"]}, {"subnet": "/S/a", "targets": ["/t/2"]}),
        ({"subnet": "/s/a", "targets": ["/t/1"]}, {"subnet": "/s/b", "targets": ["/T/1"]}),
        ({"subnet": "/s/a", "targets": ["/t/1", "/t/2"]}, {"subnet": "/s/b", "targets": ["/t/3", "/t/2"]}),
        ({"refers": {"subnet": ["n"], "targets": ["x"]}}, {"refers": {"subnet": ["n"], "targets": ["y"]}}),
        ({"refers": {"subnet": ["n"], "targets": ["x"]}}, {"refers": {"subnet": ["m"], "targets": ["x"]}}),
        (
            {"targets": [UNKNOWN], "refers": {"subnet": ["n"], "targets": ["x"]}},
            {"targets": [UNKNOWN], "refers": {"subnet": ["m"], "targets": ["x"]}},
        ),
        # Both in common, and still one sentence.
        ({"subnet": "/s/a", "targets": ["/t/1"]}, {"subnet": "/s/a", "targets": ["/t/1"]}),
    ],
    ids=["subnet", "target", "second target", "unknown subnet", "unknown targets", "unknown target", "both"],
)
def test_endpoints_that_share_something_are_made_one_by_one(one: dict[str, Any], two: dict[str, Any]) -> None:
    assert violations(PRIVATE_ENDPOINTS_ONE_BY_ONE, endpoint("one", **one), endpoint("two", "one", **two)) == []
    assert violations(PRIVATE_ENDPOINTS_ONE_BY_ONE, endpoint("one", **one), endpoint("two", **two)) == [
        (
            "two",
            (
                "it can be created at the same time as one, in the same subnet or for the same resource: let one depend"
                " on the other; Azure answers 429 RetryableError or StorageAccountOperationInProgress to one of them"
            ),
        )
    ]


def test_endpoints_that_share_nothing_may_be_made_at_once() -> None:
    known = [
        endpoint(name, subnet=f"/s/{name}", targets=[f"/t/{name}"], refers={"subnet": ["n"], "targets": ["x"]})
        for name in ("one", "two")
    ]
    assert violations(PRIVATE_ENDPOINTS_ONE_BY_ONE, *known) == []
    for targets in (UNKNOWN, [UNKNOWN]):
        unknown = [
            endpoint(name, targets=targets, refers={"subnet": [f"s-{name}"], "targets": [f"t-{name}"]})
            for name in ("one", "two")
        ]
        assert violations(PRIVATE_ENDPOINTS_ONE_BY_ONE, *unknown) == []
    others = [resource(name, properties={"subnet": {"id": "/s"}}) for name in ("one", "two")]
    assert violations(PRIVATE_ENDPOINTS_ONE_BY_ONE, *others) == []


def test_of_three_endpoints_each_pair_without_an_order_is_reported() -> None:
    endpoints = [endpoint(name, subnet="/s", targets=[f"/t/{name}"]) for name in ("one", "two", "three")]
    violating = violations(PRIVATE_ENDPOINTS_ONE_BY_ONE, *endpoints)
    assert [(name, sentence.split(",")[0].rpartition(" ")[2]) for name, sentence in violating] == [
        ("two", "one"),
        ("three", "two"),
    ]


@pytest.mark.parametrize(
    ("rule", "name"),
    [
        (SUBSCRIPTION_AFTER_ROLES, "subscription-after-roles"),
        (CUSTOM_ROLE_AFTER_REPLICATION, "custom-role-after-replication"),
        (COSMOS_ONE_BY_ONE, "cosmos-one-by-one"),
        (PRIVATE_ENDPOINTS_ONE_BY_ONE, "private-endpoints-one-by-one"),
    ],
)
def test_nothing_is_in_order(rule: StackRule, name: str) -> None:
    assert rule.name == name
    assert violations(rule) == []
