"""The pack as Pulumi runs it: a process that is asked over gRPC."""

import subprocess
from collections.abc import Iterator
from typing import Any

import grpc
import pytest
from google.protobuf import empty_pb2, json_format, struct_pb2
from pulumi.runtime.proto import analyzer_pb2, analyzer_pb2_grpc

from policy.rules import RULES
from tests.conftest import ROOT

UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
SECRET = {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270"}
CONTAINER = "azure-native:storage:BlobContainer"
ASSIGNMENT = "azure-native:authorization:RoleAssignment"


@pytest.fixture(scope="module")
def pack() -> Iterator[Any]:
    with subprocess.Popen([ROOT / "policy/pack", "127.0.0.1:1"], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        port = process.stdout.readline().strip()
        with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
            yield analyzer_pb2_grpc.AnalyzerStub(channel)
        process.terminate()


def struct(properties: dict[str, Any]) -> struct_pb2.Struct:
    return json_format.ParseDict(properties, struct_pb2.Struct())


def about_one(pack: Any, type_: str, properties: dict[str, Any]) -> dict[str, str]:
    request = analyzer_pb2.AnalyzeRequest(type=type_, urn="u", name="n", properties=struct(properties))
    return {diagnostic.policyName: diagnostic.message for diagnostic in pack.Analyze(request).diagnostics}


def test_every_rule_is_mandatory(pack: Any) -> None:
    info = pack.GetAnalyzerInfo(empty_pb2.Empty())
    assert {policy.name for policy in info.policies} == {rule.name for rule in RULES}
    assert {policy.enforcementLevel for policy in info.policies} == {analyzer_pb2.MANDATORY}


def test_the_pack_and_its_policies_are_described(pack: Any) -> None:
    info = pack.GetAnalyzerInfo(empty_pb2.Empty())
    assert info.name == "image-pipeline"
    assert {policy.name: policy.description for policy in info.policies} == {
        rule.name: rule.description for rule in RULES
    }


def test_a_violation_is_reported_of_its_resource(pack: Any) -> None:
    request = analyzer_pb2.AnalyzeRequest(type=CONTAINER, urn="urn:it", properties=struct({"publicAccess": "Blob"}))
    (diagnostic,) = pack.Analyze(request).diagnostics
    assert diagnostic.urn == "urn:it"
    resources = [
        analyzer_pb2.AnalyzerResource(type=kind, urn=f"urn:{kind}", name="n")
        for kind in ("azure-native:storage:Queue", "random:index:RandomPet", "azure-native:keyvault:Vault")
    ]
    diagnostics = pack.AnalyzeStack(analyzer_pb2.AnalyzeStackRequest(resources=resources)).diagnostics
    assert {(diagnostic.policyName, diagnostic.urn) for diagnostic in diagnostics} == {
        ("types-known", "urn:random:index:RandomPet"),
        ("types-known", "urn:azure-native:keyvault:Vault"),
    }


def test_what_is_not_known_is_found_in_lists_and_objects(pack: Any) -> None:
    definition = "azure-native:authorization:RoleDefinition"
    for actions in (UNKNOWN, [UNKNOWN], ["Microsoft.Storage/read", UNKNOWN]):
        (message,) = about_one(pack, definition, {"permissions": [{"dataActions": actions}]}).values()
        assert "not known before it is deployed" in message
    (message,) = about_one(pack, definition, {"permissions": [UNKNOWN]}).values()
    assert "dataActions is not known before it is deployed" in message
    known = {
        "permissions": [{"dataActions": ["Microsoft.Storage/read"]}],
        "other": {"deep": [UNKNOWN], "n": 5, "flag": True, "none": None},
    }
    assert about_one(pack, definition, known) == {}


def test_a_violation_names_the_setting_the_value_and_what_is_allowed(pack: Any) -> None:
    assert about_one(pack, CONTAINER, {"publicAccess": "None", "accountName": UNKNOWN}) == {}
    (message,) = about_one(pack, CONTAINER, {"publicAccess": "Blob"}).values()
    assert "publicAccess is 'Blob'; allowed: 'None'" in message


def test_what_is_not_known_is_a_violation_and_not_advice(pack: Any) -> None:
    request = analyzer_pb2.AnalyzeRequest(type=CONTAINER, urn="u", properties=struct({"publicAccess": UNKNOWN}))
    (diagnostic,) = pack.Analyze(request).diagnostics
    assert diagnostic.enforcementLevel == analyzer_pb2.MANDATORY
    assert "not known before it is deployed" in diagnostic.message


def test_other_providers_are_left_alone(pack: Any) -> None:
    assert about_one(pack, "random:index:RandomPet", {}) == {}


def test_the_stack_is_judged_by_where_values_come_from(pack: Any) -> None:
    def assignment(source: str) -> Any:
        return analyzer_pb2.AnalyzerResource(
            type=ASSIGNMENT,
            urn="urn:assignment",
            name="a",
            properties=struct({"scope": UNKNOWN, "roleDefinitionId": "/x/2a2b9908-6ea1-4ae2-8e65-a410df84e7d1"}),
            propertyDependencies={"scope": analyzer_pb2.AnalyzerPropertyDependencies(urns=[source])},
        )

    group = analyzer_pb2.AnalyzerResource(type="azure-native:resources:ResourceGroup", urn="urn:group", name="g")
    queue = analyzer_pb2.AnalyzerResource(type="azure-native:storage:Queue", urn="urn:queue", name="q")

    def about_all(source: str) -> set[str]:
        request = analyzer_pb2.AnalyzeStackRequest(resources=[group, queue, assignment(source)])
        return {diagnostic.policyName for diagnostic in pack.AnalyzeStack(request).diagnostics}

    assert about_all("urn:queue") == set()
    assert about_all("urn:group") == {"roles-narrow"}


def test_a_secret_is_reported_only_where_it_is_not_encrypted(pack: Any) -> None:
    def about(secret_outputs: list[str]) -> set[str]:
        resource = analyzer_pb2.AnalyzerResource(
            type="azure-native:storage:Queue",
            urn="u",
            name="n",
            properties=struct({"key": {**SECRET, "value": "A" * 86 + "=="}}),
            options=analyzer_pb2.AnalyzerResourceOptions(additionalSecretOutputs=secret_outputs),
        )
        request = analyzer_pb2.AnalyzeStackRequest(resources=[resource])
        return {diagnostic.policyName for diagnostic in pack.AnalyzeStack(request).diagnostics}

    assert about(["key"]) == set()
    assert about([]) == {"no-secrets"}


def test_the_order_is_judged_by_what_resources_depend_on(pack: Any) -> None:
    def about_all(*dependencies: str) -> set[str]:
        resources = [
            analyzer_pb2.AnalyzerResource(
                type="azure-native:cosmosdb:SqlResourceSqlRoleAssignment",
                urn=f"urn::{name}",
                name=name,
                properties=struct({"accountName": "a", "scope": UNKNOWN}),
                dependencies=[urn for urn in dependencies if name == "second"],
            )
            for name in ("first", "second")
        ]
        request = analyzer_pb2.AnalyzeStackRequest(resources=resources)
        return {diagnostic.policyName for diagnostic in pack.AnalyzeStack(request).diagnostics}

    assert "cosmos-one-by-one" in about_all()
    assert "cosmos-one-by-one" not in about_all("urn::first")
