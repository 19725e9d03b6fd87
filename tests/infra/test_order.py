"""What Azure accepts only one at a time is made one after the other."""

from itertools import combinations

import pytest

from tests.conftest import RecordedResource, Recorder, run_program


def reachable(recorder: Recorder, resource: RecordedResource) -> set[str]:
    """Everything that the resource depends on, directly or through others."""
    by_urn = {f"{item.type}::{item.name}": item for item in recorder.resources}
    reached: set[str] = set()
    pending = [*resource.dependencies]
    while pending:
        urn = pending.pop()
        if urn not in reached and urn in by_urn:
            reached.add(urn)
            pending.extend(by_urn[urn].dependencies)
    return reached


@pytest.mark.parametrize("stack", ["local", "dev", "prod"])
def test_what_lies_in_a_cosmos_account_is_made_one_by_one(stack: str) -> None:
    recorder = run_program(stack)
    children = [item for item in recorder.resources if item.kind.startswith("cosmosdb:Sql")]
    order = sorted(children, key=lambda item: len(reachable(recorder, item)))
    for before, after in combinations(order, 2):
        # Directly: Pulumi orders deletions by direct dependencies, whatever is kept in between.
        assert f"{before.type}::{before.name}" in after.dependencies
    types = list(dict.fromkeys(item.kind.removeprefix("cosmosdb:SqlResourceSql") for item in order))
    assert types == ["Database", "Container", "RoleDefinition", "RoleAssignment"]
