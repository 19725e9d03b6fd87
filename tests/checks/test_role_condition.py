"""The condition of the deployer's right to assign roles: what it says, and that the program needs no more."""

import re

import pytest

from checks import role_condition
from checks.role_condition import AssignableRoles
from tests.conftest import SUBSCRIPTION, Recorder, run_program
from tests.infra.test_golden import DEPLOYER
from tests.infra.test_settings import CONTENT_UNDERSTANDING

CONDITION = """\
(
 !(ActionMatches{'Microsoft.Authorization/roleAssignments/write'})
 OR (
  @Request[Microsoft.Authorization/roleAssignments:RoleDefinitionId] ForAnyOfAnyValues:GuidEquals {r1, r2}
  AND @Request[Microsoft.Authorization/roleAssignments:PrincipalType] ForAnyOfAnyValues:StringEqualsIgnoreCase \
{'ServicePrincipal'}
  AND @Request[Microsoft.Authorization/roleAssignments:PrincipalId] ForAnyOfAllValues:GuidNotEquals {me, preview}
 ) OR (
  @Request[Microsoft.Authorization/roleAssignments:RoleDefinitionId] ForAnyOfAnyValues:GuidEquals {up}
  AND @Request[Microsoft.Authorization/roleAssignments:PrincipalId] ForAnyOfAnyValues:GuidEquals {alice}
 )
)
"""


def test_the_condition_for_writing_and_for_deleting() -> None:
    roles = AssignableRoles(
        service_roles=["r1", "r2"], excluded=["me", "preview"], uploader_role="up", uploaders=["alice"]
    )
    text = role_condition.role_condition(roles)
    deleting = CONDITION.replace("@Request", "@Resource").replace("roleAssignments/write", "roleAssignments/delete")
    assert text == f"{CONDITION}AND\n{deleting}"


def test_the_deployer_may_give_itself_the_role_to_define_analyzers_and_no_other() -> None:
    roles = AssignableRoles(service_roles=["r"], excluded=["me"], uploader_role="up", uploaders=[], deployers=["me"])
    text = role_condition.role_condition(roles)
    assert text.count("4b42bd01-da42-4c92-9b07-15ea5bd6a602") == 2
    assert (
        " ) OR (\n"
        "  @Request[Microsoft.Authorization/roleAssignments:RoleDefinitionId] ForAnyOfAnyValues:GuidEquals"
        " {4b42bd01-da42-4c92-9b07-15ea5bd6a602}\n"
        "  AND @Request[Microsoft.Authorization/roleAssignments:PrincipalId] ForAnyOfAnyValues:GuidEquals {me}\n"
        " )\n" in text
    )


def test_without_uploaders_nobody_gets_their_role() -> None:
    roles = AssignableRoles(service_roles=["r"], excluded=["me"], uploader_role="up", uploaders=[])
    text = role_condition.role_condition(roles)
    assert "up" not in re.findall(r"\{([^}]*)\}", text)
    assert text.count("(") == text.count(")")


@pytest.fixture
def printed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> str:
    """The condition for the stack `dev` in the subscription of the recorded program."""
    arguments = ["--stack", "dev", "--subscription", SUBSCRIPTION, "--excluded", "me", "--uploader", "alice"]
    arguments += ["--deployer", "me"]
    monkeypatch.setattr("sys.argv", ["role_condition", *arguments])
    assert role_condition.main() == 0
    return capsys.readouterr().out


def role_guids(recorder: Recorder, principal_type: str, principal_id: str | None = None) -> set[str]:
    """The roles that the program assigns to principals of a type: GUIDs, or logical names of custom roles."""
    return {
        re.split(r"/|::", str(resource.inputs["roleDefinitionId"]))[-1]
        for resource in recorder.resources
        if resource.kind == "authorization:RoleAssignment"
        and resource.inputs["principalType"] == principal_type
        and principal_id in {None, resource.inputs["principalId"]}
    }


def test_every_role_that_the_program_assigns_is_allowed_and_no_other(printed: str) -> None:
    uploader = {"objectId": "00000000-0000-4000-8000-00000000a11c", "principalType": "User"}
    features = ["tags", "embeddings"]
    recorder = run_program("dev", {"uploaders": [uploader], "copyClassified": True, "features": features})
    guids = {
        resource.name: resource.inputs["roleDefinitionId"]
        for resource in recorder.resources
        if resource.kind == "authorization:RoleDefinition"
    }
    for_services, for_uploaders, for_deployers = re.findall(r"@Request.*RoleDefinitionId\] \S+ \{(.*)\}", printed)
    deployer = {"objectId": DEPLOYER, "principalType": "ServicePrincipal"}
    with_definitions = run_program("dev", CONTENT_UNDERSTANDING | {"deployer": deployer})
    of_the_deployer = role_guids(with_definitions, "ServicePrincipal", DEPLOYER)
    assert of_the_deployer == {for_deployers}
    services = {guids.get(role, role) for role in role_guids(recorder, "ServicePrincipal")}
    services |= role_guids(with_definitions, "ServicePrincipal") & {"379c52cb-64de-498c-8b5b-c6170d6c49d4"}
    assert set(for_services.split(", ")) == services
    assert {guids.get(role, role) for role in role_guids(recorder, "User")} == {for_uploaders}
