"""Changes after which data is gone or guarded less."""

from typing import Any

import pytest

from checks.plan.changes import Action
from checks.plan.data_loss import DataRisk, DataStatus
from checks.plan.preview import Diagnostic, Step
from checks.plan.protection import refused_urns
from checks.plan.report import PlanReport, create_report
from tests.support.plan_builder import preview_of, state, step

UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
DAY = 86_400


def report(*steps: Step) -> PlanReport:
    return create_report(preview_of(*steps))


def risks(*steps: Step) -> list[tuple[str, str]]:
    return [(risk.status.value, risk.effect) for risk in report(*steps).data_risks]


def updated(type_: str, before: dict[str, Any], after: dict[str, Any]) -> Step:
    return step("update", "a", before=state(type_, before), after=state(type_, after))


def rules(*days_and_prefixes: tuple[int, str], enabled: bool = True) -> dict[str, Any]:
    return {
        "accountName": "st",
        "policy": {
            "rules": [
                {
                    "name": prefix,
                    "enabled": enabled,
                    "definition": {
                        "filters": {"prefixMatch": [prefix]},
                        "actions": {"baseBlob": {"delete": {"daysAfterModificationGreaterThan": days}}},
                    },
                }
                for days, prefix in days_and_prefixes
            ]
        },
    }


def container(**resource: Any) -> dict[str, Any]:
    return {"accountName": "cosmos", "resource": resource}


@pytest.mark.parametrize(
    ("type_", "before", "after", "expected"),
    [
        (
            "storage:ManagementPolicy",
            rules((30, "images/")),
            rules((7, "images/")),
            [("lost", "deletes blobs below images/ after 7 days, before: 30 days")],
        ),
        ("storage:ManagementPolicy", rules((7, "images/")), rules((30, "images/")), []),
        ("storage:ManagementPolicy", rules((7, "images/")), rules((1, "images/"), enabled=False), []),
        (
            "storage:ManagementPolicy",
            rules(),
            rules((7, "images/")),
            [("lost", "deletes blobs below images/ after 7 days, before: never")],
        ),
        (
            "cosmosdb:SqlResourceSqlContainer",
            container(defaultTtl=30 * DAY),
            container(defaultTtl=7 * DAY),
            [("lost", "deletes items after 7 days, before: 30 days")],
        ),
        (
            "cosmosdb:SqlResourceSqlContainer",
            container(defaultTtl=-1),
            container(defaultTtl=DAY // 2),
            [("lost", "deletes items after 0.5 days, before: never")],
        ),
        ("cosmosdb:SqlResourceSqlContainer", container(defaultTtl=7 * DAY), container(defaultTtl=-1), []),
        ("cosmosdb:SqlResourceSqlContainer", container(defaultTtl=7 * DAY), container(), []),
        (
            "cosmosdb:SqlResourceSqlContainer",
            container(partitionKey={"paths": ["/id"]}),
            container(partitionKey={"paths": ["/key"]}),
            [("lost or refused", "Azure refuses to change resource.partitionKey of a container that exists")],
        ),
        (
            "operationalinsights:Workspace",
            {"retentionInDays": 90},
            {"retentionInDays": 30},
            [("lost", "deletes logs after 30 days, before: 90 days")],
        ),
        (
            "storage:BlobServiceProperties",
            {"deleteRetentionPolicy": {"enabled": True, "days": 14}},
            {"deleteRetentionPolicy": {"enabled": True, "days": 7}},
            [("guarded less", "deleteRetentionPolicy.days is 7, before: 14")],
        ),
        (
            "storage:BlobServiceProperties",
            {"containerDeleteRetentionPolicy": {"days": 14}},
            {},
            [("guarded less", "containerDeleteRetentionPolicy.days is not set, before: 14")],
        ),
        (
            "cosmosdb:DatabaseAccount",
            {"backupPolicy": {"type": "Continuous"}},
            {"backupPolicy": {"type": "Periodic"}},
            [("guarded less", "backupPolicy.type is Periodic, before: Continuous")],
        ),
        (
            "cosmosdb:DatabaseAccount",
            {"backupPolicy": {"type": "Periodic"}},
            {"backupPolicy": {"type": "Continuous"}},
            [],
        ),
        ("storage:Queue", {"metadata": {"a": "1"}}, {"metadata": {"a": "2"}}, []),
    ],
)
def test_what_an_update_means_for_data(
    type_: str, before: dict[str, Any], after: dict[str, Any], expected: list[tuple[str, str]]
) -> None:
    assert risks(updated(type_, before, after)) == expected


def test_a_new_lifecycle_rule_for_a_new_container_or_account_deletes_nothing() -> None:
    policy = step(
        "update",
        "p",
        before=state("storage:ManagementPolicy", rules()),
        after=state("storage:ManagementPolicy", rules((7, "copies/"))),
    )
    new_container = step(
        "create", "c", after=state("storage:BlobContainer", {"containerName": "copies", "accountName": "st"})
    )
    new_account = step("create", "s", after=state("storage:StorageAccount", {"accountName": "st"}))
    assert len(risks(policy)) == 1
    assert risks(policy, new_container) == []
    assert risks(policy, new_account) == []


@pytest.mark.parametrize(
    ("type_", "is_lost"),
    [
        ("storage:StorageAccount", True),
        ("storage:Queue", True),
        ("cosmosdb:SqlResourceSqlContainer", True),
        ("resources:ResourceGroup", True),
        ("web:WebApp", False),
        ("eventgrid:Topic", False),
        # A type that nobody has classified.
        ("sql:Database", True),
    ],
)
def test_a_deleted_resource_loses_its_data_if_it_holds_some(type_: str, is_lost: bool) -> None:
    assert risks(step("delete", "a", before=state(type_, {}))) == ([("lost", "deleted")] if is_lost else [])


def test_what_azure_keeps_is_not_lost() -> None:
    deleted = step("delete", "a", before=state("storage:Queue", {}, retain_on_delete=True))
    assert risks(deleted) == [("retained", "leaves the stack; Azure keeps it")]
    assert report(deleted).approval_reasons == []


def test_a_protected_resource_needs_approval_even_without_data() -> None:
    deleted = report(step("delete", "a", before=state("web:WebApp", {}, protect=True)))
    assert deleted.data_risks == []
    assert deleted.approval_reasons == ["1 protected resource deleted or replaced"]


def test_a_protected_resource_with_data_is_marked() -> None:
    before = state("storage:Queue", {"queueName": "a"}, protect=True)
    after = state("storage:Queue", {"queueName": "b"}, protect=True)
    assert report(step("replace", "a", before=before, after=after, replace_reasons=["queueName"])).data_risks == [
        DataRisk(
            status=DataStatus.LOST,
            type="storage:Queue",
            name="a",
            effect="replaced because of queueName",
            data="all messages of the queue",
            protected=True,
        )
    ]


@pytest.mark.parametrize(
    ("after", "effect"),
    [
        ({"queueName": UNKNOWN}, "replaced because of queueName, if the value changes"),
        ({"queueName": "b"}, "replaced because of queueName"),
    ],
)
def test_a_replacement_that_depends_on_an_unknown_value_counts_as_one(after: dict[str, Any], effect: str) -> None:
    before = state("storage:Queue", {"queueName": "a"})
    replaced = step("replace", "a", before=before, after=state("storage:Queue", after), replace_reasons=["queueName"])
    assert risks(replaced) == [("lost", effect)]
    assert report(replaced).needs_approval


@pytest.mark.parametrize(
    ("operations", "action"),
    [
        (("create-replacement", "delete-replaced"), Action.REPLACE),
        (("delete", "create"), Action.REPLACE),
        (("refresh", "update"), Action.UPDATE),
        (("refresh", "delete"), Action.DELETE),
        (("import",), Action.IMPORT),
        (("read",), Action.READ),
        (("discard-replaced", "import-replacement"), Action.REPLACE),
        # An operation that is not known is shown, and not as one that does no harm.
        (("extend-parameterize",), Action.UPDATE),
    ],
)
def test_the_steps_of_one_resource_are_one_change(operations: tuple[str, ...], action: Action) -> None:
    before = state("storage:Queue", {"queueName": "a"})
    after = state("storage:Queue", {"queueName": "b"})
    (change,) = report(*(step(operation, "a", before=before, after=after) for operation in operations)).changes
    assert change.action is action


URN = "urn:pulumi:dev::image-pipeline::image-pipeline:index:X$azure-native:storage:Queue::a"
OTHER = "urn:pulumi:dev::image-pipeline::azure-native:web:WebApp::b"


@pytest.mark.parametrize(
    ("message", "urns"),
    [
        (f'unable to replace resource "{URN}"\nas it is currently marked for protection. To unprotect', [URN]),
        (
            f'unable to replace resource "{URN}" as part of replacing "{OTHER}" as it is marked for protection',
            [URN],
        ),
        (f'Preview failed: resource "{URN}" cannot be deleted\nbecause it is protected. To unprotect', [URN]),
        (f'resource "{URN}" cannot be deleted\nbecause of a lock', []),
        (f'unable to replace resource "{URN}"', []),
        ("preview failed", []),
    ],
)
def test_the_protected_resources_that_an_error_names(message: str, urns: list[str]) -> None:
    assert refused_urns([Diagnostic(severity="error", message=message)]) == urns


def test_a_refused_change_that_is_no_step_of_the_preview_needs_approval() -> None:
    message = f'resource "{URN}" cannot be deleted\nbecause it is protected.'
    failed = create_report(preview_of(diagnostics=(Diagnostic(severity="error", message=message),)))
    assert failed.failed
    assert failed.data_risks == [
        DataRisk(
            status=DataStatus.LOST_OR_REFUSED,
            type="storage:Queue",
            name="a",
            effect="would have to be deleted or replaced",
            data="all messages of the queue",
            protected=True,
        )
    ]
    assert failed.approval_reasons == [
        "1 resource whose data is lost or deleted earlier",
        "1 protected resource deleted or replaced",
    ]


def test_a_warning_names_no_refused_change() -> None:
    message = f'resource "{URN}" cannot be deleted\nbecause it is protected.'
    warned = create_report(preview_of(diagnostics=(Diagnostic(severity="warning", message=message),)))
    assert (warned.failed, warned.approval_reasons) == (False, [])


def test_soft_delete_that_leaves_the_stack_is_guarded_less_unless_the_account_goes_too() -> None:
    properties = {"accountName": "st", "deleteRetentionPolicy": {"days": 14}}
    soft_delete = step("delete", "s", before=state("storage:BlobServiceProperties", properties))
    account = step("delete", "a", before=state("storage:StorageAccount", {"accountName": "st"}))
    assert risks(soft_delete) == [("guarded less", "deleteRetentionPolicy.days is not set, before: 14")]
    assert risks(soft_delete, account) == [("lost", "deleted")]


def test_a_replacement_that_a_known_value_forces_too_is_certain() -> None:
    before = state("storage:Queue", {"queueName": "a", "accountName": "st"})
    after = state("storage:Queue", {"queueName": "b", "accountName": UNKNOWN})
    forcing = ["accountName", "queueName"]
    assert risks(step("replace", "a", before=before, after=after, replace_reasons=forcing)) == [
        ("lost", "replaced because of accountName, queueName")
    ]


def test_protection_that_the_same_change_removes_refuses_nothing() -> None:
    before = state("storage:Queue", {"queueName": "a"}, protect=True)
    after = state("storage:Queue", {"queueName": "b"})
    replaced = report(step("replace", "a", before=before, after=after, replace_reasons=["queueName"]))
    assert [(risk.status.value, risk.protected) for risk in replaced.data_risks] == [
        ("lost", False),
        ("guarded less", False),
    ]
    assert "1 protected resource deleted or replaced" in replaced.approval_reasons
