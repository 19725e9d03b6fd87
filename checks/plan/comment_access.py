"""The parts of the comment about data and access."""

from collections.abc import Iterator, Sequence

from checks.plan.comment_values import short
from checks.plan.data_loss import DataRisk, DataStatus
from checks.plan.markdown import code, table
from checks.plan.network import NetworkOpening
from checks.plan.roles import RoleAssignmentChange, RoleDefinitionChange, RoleEffect


def data_section(risks: Sequence[DataRisk], *, failed: bool) -> Iterator[str]:
    """The lines about data that is lost, deleted earlier or guarded less."""
    yield "### Data"
    yield ""
    if risks:
        rows = [
            [_status(risk.status), code(risk.name), code(risk.type), code(risk.effect), risk.data, _protection(risk)]
            for risk in risks
        ]
        yield from table(("data", "resource", "type", "change", "what is at stake", "protection"), rows)
    else:
        yield "No resource that holds data is replaced or deleted." + (" The plan is incomplete." if failed else "")
    yield ""


def access_section(
    assignments: Sequence[RoleAssignmentChange], definitions: Sequence[RoleDefinitionChange]
) -> Iterator[str]:
    """The lines about role assignments and role definitions."""
    yield "### Access"
    yield ""
    if assignments:
        headings = ("role assignment", "role", "principal", "scope", "resource", "before")
        yield from table(headings, [_assignment(item) for item in assignments])
        yield ""
    if definitions:
        headings = ("role definition", "role", "allows in addition", "no longer allows")
        yield from table(headings, [_definition(item) for item in definitions])
        yield ""
    if not assignments and not definitions:
        yield "No role assignment and no role definition changes."
        yield ""


def network_section(openings: Sequence[NetworkOpening]) -> Iterator[str]:
    """The lines about resources that can be reached from more networks; none if there are none."""
    if not openings:
        return
    yield "### Reachable from more networks"
    yield ""
    rows = [
        [code(item.name), code(item.type), code(item.path), code(short(item.before)), code(short(item.after))]
        for item in openings
    ]
    yield from table(("resource", "type", "property", "before", "after"), rows)
    yield ""


def _status(status: DataStatus) -> str:
    return f"**{status.value}**" if status.needs_approval else status.value


def _protection(risk: DataRisk) -> str:
    return "protected: Pulumi refuses the change" if risk.protected else ""


def _assignment(item: RoleAssignmentChange) -> list[str]:
    principal = f"{code(item.principal_type)} {code(item.principal)}".strip()
    return [
        _effect(item.effect),
        code(item.role),
        principal,
        code(short(item.scope)),
        code(item.name),
        code(short(item.before)),
    ]


def _definition(item: RoleDefinitionChange) -> list[str]:
    return [_effect(item.effect), code(item.role), _list(item.added), _list(item.removed)]


def _effect(effect: RoleEffect) -> str:
    return f"**{effect.value}**" if effect.grants else effect.value


def _list(rights: Sequence[str]) -> str:
    return "<br>".join(code(short(right)) for right in rights)
