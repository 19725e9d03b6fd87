"""The recorder: the whole Pulumi program, run without an engine, and what it would have made."""

import asyncio
import json
import runpy
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import hypothesis
import pulumi
import pytest
import yaml
from pulumi.runtime import mocks
from pulumi.runtime.stack import wait_for_rpcs

# Slow machines are no reason for a test to fail, and the same commit gives the same result.
hypothesis.settings.register_profile("steady", deadline=None, derandomize=True)
hypothesis.settings.load_profile("steady")
ROOT = Path(__file__).resolve().parents[1]
SUBSCRIPTION = "11111111-2222-4333-8444-555555555555"


@dataclass
class Recorded:
    """One resource: its type, its logical name, its inputs, its outputs."""

    type: str
    name: str
    inputs: dict[str, Any]
    outputs: dict[str, Any]
    id: str


@dataclass
class Recorder(mocks.Mocks):
    """Stands in for the engine; ids are `<type>::<name>`, so that whatever refers to a resource says to which."""

    resources: list[Recorded] = field(default_factory=list)

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str, dict[str, Any]]:
        outputs = dict(args.inputs) | {"name": args.name} | _answers(args)
        resource_id = f"/{args.typ}::{args.name}"
        self.resources.append(Recorded(args.typ, args.name, dict(args.inputs), outputs, resource_id))
        return resource_id, outputs

    def call(self, args: mocks.MockCallArgs) -> dict[str, Any]:
        assert args.token == "azure-native:authorization:getClientConfig"
        return {"subscriptionId": SUBSCRIPTION, "tenantId": "tenant", "objectId": "deployer", "clientId": "client"}

    def of_type(self, kind: str) -> list[Recorded]:
        return [resource for resource in self.resources if resource.type == f"azure-native:{kind}"]

    def one(self, kind: str, name: str) -> Recorded:
        return next(resource for resource in self.of_type(kind) if resource.name == name)


def _answers(args: mocks.MockResourceArgs) -> dict[str, Any]:
    """What Azure would add; names in it are the resource's own."""
    host = f"https://{args.name}."
    match args.typ.removeprefix("azure-native:"):
        case "storage:StorageAccount":
            services = ("blob", "queue", "table", "file", "dfs", "web")
            return {"primaryEndpoints": {service: f"{host}{service}.core.windows.net/" for service in services}}
        case "managedidentity:UserAssignedIdentity":
            return {"principalId": "function-principal", "clientId": "function-client"}
        case "eventgrid:SystemTopic":
            return {"identity": {"type": "SystemAssigned", "principalId": "topic-principal"}}
        case "cognitiveservices:Account":
            return {"properties": {**args.inputs["properties"], "endpoint": f"{host}cognitiveservices.azure.com/"}}
        case "cosmosdb:DatabaseAccount":
            return {"documentEndpoint": f"{host}documents.azure.com:443/"}
        case "applicationinsights:Component":
            return {"connectionString": "InstrumentationKey=x", "instrumentationKey": "x"}
        case "web:WebApp":
            return {
                "identity": {"type": "UserAssigned", "userAssignedIdentities": {}},
                "hostNameSslStates": [{"hostType": "Repository", "name": "scm.example"}],
            }
        case _:
            return {}


def run_program(stack: str, config: Mapping[str, Any] | None = None) -> Recorder:
    """Runs __main__.py as `stack` of stacks/, with `config` instead of single settings of it."""
    recorder = Recorder()
    project = yaml.safe_load((ROOT / "Pulumi.yaml").read_text())
    values = {f"image-pipeline:{key}": schema["default"] for key, schema in project["config"].items()}
    values |= yaml.safe_load((ROOT / f"stacks/Pulumi.{stack}.yaml").read_text())["config"]
    values |= {f"image-pipeline:{key}": value for key, value in (config or {}).items()}
    pulumi.runtime.set_all_config(
        {key: value if isinstance(value, str) else json.dumps(value) for key, value in values.items()}
    )

    # Pulumi's mocks give every thread of the executor an event loop and never close it; these are ours to close.
    loops: list[asyncio.AbstractEventLoop] = []

    def with_a_loop() -> None:
        loops.append(asyncio.new_event_loop())
        asyncio.set_event_loop(loops[-1])

    async def program() -> None:
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(initializer=with_a_loop))
        mocks.set_mocks(recorder, project="image-pipeline", stack=stack, preview=False)
        runpy.run_path(str(ROOT / "__main__.py"))
        await wait_for_rpcs()

    asyncio.run(program())
    for loop in loops:
        loop.close()
    return recorder


@pytest.fixture(scope="session")
def dev() -> Recorder:
    """The program as the stack `dev`."""
    return run_program("dev")
