"""The report on a preview: everything that the comment shows, and whether the change needs approval."""

from collections.abc import Sequence

import msgspec

from checks.plan.changes import Action, ResourceChange, collect_changes, collect_pairs
from checks.plan.cost import CostComparison, read_cost_comparison
from checks.plan.data_loss import DataRisk, DataStatus, find_data_risks
from checks.plan.event_log import EventLog, PolicyViolation
from checks.plan.inputs import ScanResult
from checks.plan.network import NetworkOpening, find_network_openings
from checks.plan.preview import Preview
from checks.plan.protection import refused_urns
from checks.plan.roles import RoleAssignmentChange, RoleDefinitionChange, find_role_changes
from checks.plan.urn import name_of, stack_of, type_of

_MANDATORY = "mandatory"


class Problem(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """An error or a warning of the preview; `type` and `name` are empty if it is about no resource."""

    severity: str
    message: str
    type: str = ""
    name: str = ""


class PlanReport(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What a preview would change.

    Attributes:
        stack: Name of the stack; empty if the preview failed before it had one.
        failed: Whether the preview failed or violates a mandatory policy, so that nothing can be deployed.
        approval_reasons: Why the change needs approval; none if it does not.
        data_risks: Data that is lost, deleted earlier or guarded less.
        role_assignments: Role assignments that change.
        role_definitions: Custom roles that change.
        changes: All resources that change.
        unchanged: Number of resources that do not change; None if the preview does not say.
        network_openings: Inputs with which resources can be reached from more networks.
        cost: Cost by meter before and after; None without an event log, or if the preview failed.
        policy_violations: Violations of policies; None without an event log.
        scan_results: Results of the scan; None without a scan.
        problems: Errors and warnings.
    """

    stack: str
    failed: bool
    approval_reasons: list[str]
    data_risks: list[DataRisk]
    role_assignments: list[RoleAssignmentChange]
    role_definitions: list[RoleDefinitionChange]
    network_openings: list[NetworkOpening]
    changes: list[ResourceChange]
    unchanged: int | None
    cost: CostComparison | None
    policy_violations: list[PolicyViolation] | None
    scan_results: list[ScanResult] | None
    problems: list[Problem]

    @property
    def needs_approval(self) -> bool:
        """Whether somebody must approve the change."""
        return bool(self.approval_reasons)


def create_report(
    preview: Preview, *, event_log: EventLog | None = None, scan_results: list[ScanResult] | None = None
) -> PlanReport:
    """Return the report on a preview.

    Args:
        preview: The preview.
        event_log: The event log that it wrote.
        scan_results: Results of the scan.

    Raises:
        PlanInputError: The estimates of the cost in the event log cannot be compared.
    """
    pairs = collect_pairs(preview)
    outputs = {} if event_log is None else event_log.outputs
    changes = [change for change in collect_changes(pairs, outputs) if _is_shown(change)]
    protected_urns = refused_urns(preview.errors)
    data_risks = find_data_risks(pairs, changes, protected_urns)
    role_assignments, role_definitions = find_role_changes(pairs)
    network_openings = find_network_openings(pairs)
    policy_violations = None if event_log is None else event_log.policy_violations
    mandatory = [item for item in policy_violations or () if item.enforcement_level == _MANDATORY]
    return PlanReport(
        stack=next((stack_of(step.urn) for step in preview.steps), ""),
        failed=bool(preview.errors or mandatory),
        approval_reasons=[
            *_approval_reasons(changes, protected_urns, data_risks, role_assignments, role_definitions),
            *_opening_reason(network_openings),
        ],
        data_risks=data_risks,
        role_assignments=role_assignments,
        role_definitions=role_definitions,
        network_openings=network_openings,
        changes=changes,
        unchanged=None if preview.change_summary is None else preview.change_summary.get("same"),
        cost=None if event_log is None or preview.errors else _cost(event_log),
        policy_violations=policy_violations,
        scan_results=scan_results,
        problems=[
            Problem(
                severity=item.severity,
                message=item.message.strip().removeprefix(f"{item.severity}: "),
                type=type_of(item.urn),
                name=name_of(item.urn),
            )
            for item in preview.diagnostics
            if item.severity in {"error", "warning"}
        ],
    )


def _cost(event_log: EventLog) -> CostComparison | None:
    outputs = event_log.stack_outputs
    return read_cost_comparison(outputs.before, outputs.after)


def _is_shown(change: ResourceChange) -> bool:
    return change.action is not Action.SAME or change.protection_removed


def _approval_reasons(
    changes: Sequence[ResourceChange],
    protected_urns: Sequence[str],
    data_risks: Sequence[DataRisk],
    role_assignments: Sequence[RoleAssignmentChange],
    role_definitions: Sequence[RoleDefinitionChange],
) -> list[str]:
    lost_resources = {
        (risk.type, risk.name) for risk in data_risks if risk.status in {DataStatus.LOST, DataStatus.LOST_OR_REFUSED}
    }
    reduced = {(risk.type, risk.name) for risk in data_risks if risk.status is DataStatus.GUARDED_LESS}
    granted = [item for item in role_assignments if item.effect.grants]
    widened = [item for item in role_definitions if item.effect.grants]
    protected = {change.urn for change in changes if change.protected and change.deletes_resource} | {*protected_urns}
    reasons: list[str] = []
    if lost_resources:
        reasons.append(f"{_count(len(lost_resources), 'resource')} whose data is lost or deleted earlier")
    if reduced:
        reasons.append(f"{_count(len(reduced), 'resource')} whose data is guarded less")
    if protected:
        reasons.append(f"{_count(len(protected), 'protected resource')} deleted or replaced")
    if granted:
        reasons.append(f"{_count(len(granted), 'role assignment')} added or widened")
    if widened:
        reasons.append(f"{_count(len(widened), 'role definition')} added or widened")
    return reasons


def _opening_reason(openings: Sequence[NetworkOpening]) -> list[str]:
    opened = {(item.type, item.name) for item in openings}
    return [f"{_count(len(opened), 'resource')} reachable from more networks"] if opened else []


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
