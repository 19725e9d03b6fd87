"""Runs the whole Pulumi program without an engine, and records the resources that it registers."""

import asyncio
import json
import runpy
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, override

import pulumi
import yaml
from pulumi.runtime import mocks
from pulumi.runtime.settings import _shutdown_callbacks
from pulumi.runtime.stack import wait_for_rpcs

ROOT = Path(__file__).resolve().parents[2]
_CLIENT_CONFIG_FUNCTIONS = {
    "azure-native:authorization:getClientConfig",
    "azuread:index/getClientConfig:getClientConfig",
}
SUBSCRIPTION = "11111111-2222-4333-8444-555555555555"


class RecorderError(Exception):
    """The program cannot be recorded; the message says why."""


@dataclass
class RecordedResource:
    """One resource: type token, logical name, inputs, id, and the options that it was registered with.

    Other resources (`parent`, `dependencies`, `property_dependencies`) are named `<type>::<logical name>`.
    """

    type: str
    name: str
    inputs: dict[str, Any]
    id: str
    parent: str = ""
    protect: bool = False
    replace_on_changes: tuple[str, ...] = ()
    delete_before_replace: bool = False
    ignore_changes: tuple[str, ...] = ()
    dependencies: frozenset[str] = frozenset()
    property_dependencies: dict[str, frozenset[str]] = field(default_factory=dict)
    additional_secret_outputs: frozenset[str] = frozenset()
    error_hooks: tuple[str, ...] = ()
    update_hooks: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    outputs_registered: bool = False

    @property
    def kind(self) -> str:
        """The type token without the provider's name."""
        return self.type.removeprefix("azure-native:")


@dataclass
class Recorder(mocks.Mocks):
    """Pulumi mocks whose resource ids are `/<type>::<name>`, so that a reference to a resource names it."""

    resources: list[RecordedResource] = field(default_factory=list)
    outputs: dict[str, Any] = field(default_factory=dict)

    @override
    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str, dict[str, Any]]:
        resource_id, name = self.identify(args)
        self.resources.append(RecordedResource(args.typ, args.name, dict(args.inputs), resource_id))
        return resource_id, dict(args.inputs) | {"name": name} | _provider_outputs(args)

    def identify(self, args: mocks.MockResourceArgs) -> tuple[str, str]:
        """Return the id and the physical name of a resource."""
        return f"/{args.typ}::{args.name}", args.name

    @override
    def call(self, args: mocks.MockCallArgs) -> tuple[dict[str, Any], list[tuple[str, str]]]:
        if args.token not in _CLIENT_CONFIG_FUNCTIONS:
            raise RecorderError(f"the recorder does not know the function {args.token}")
        client = {"subscriptionId": SUBSCRIPTION, "tenantId": "tenant", "objectId": "deployer", "clientId": "client"}
        return client, []

    def of_type(self, kind: str) -> list[RecordedResource]:
        """Return the resources of an azure-native type such as `storage:Queue`."""
        return [resource for resource in self.resources if resource.kind == kind]

    def one(self, kind: str, name: str) -> RecordedResource:
        """Return the resource of this type and logical name."""
        return next(resource for resource in self.of_type(kind) if resource.name == name)

    @property
    def cloud(self) -> list[RecordedResource]:
        """The resources that azure-native would create."""
        return [resource for resource in self.resources if resource.type.startswith("azure-native:")]

    @property
    def components(self) -> list[RecordedResource]:
        """The program's own component resources."""
        return [resource for resource in self.resources if resource.type.startswith("image-pipeline:")]


class Monitor(mocks.MockMonitor):
    """Pulumi's mock monitor, which also keeps resource options and which components registered their outputs."""

    def __init__(self, recorder: Recorder) -> None:
        super().__init__(recorder)
        self._recorder = recorder
        self._requests: dict[tuple[str, str], Any] = {}
        self._registered: set[str] = set()

    @override
    def RegisterResource(self, request: Any) -> Any:
        if (request.type, request.name) in self._requests:
            raise RecorderError(f"{request.type} {request.name} is registered twice")
        if request.type != "pulumi:pulumi:Stack":
            self._requests[request.type, request.name] = request
        return super().RegisterResource(request)

    @override
    def RegisterResourceOutputs(self, request: Any) -> Any:
        self._registered.add(_type_and_name(request.urn))
        return super().RegisterResourceOutputs(request)

    def finish(self) -> None:
        """Add the options of their registration to the recorded resources."""
        for resource in self._recorder.resources:
            request = self._requests[resource.type, resource.name]
            resource.parent = _type_and_name(request.parent)
            resource.protect = request.protect
            resource.replace_on_changes = tuple(request.replaceOnChanges)
            resource.delete_before_replace = request.deleteBeforeReplace
            resource.ignore_changes = tuple(request.ignoreChanges)
            resource.dependencies = frozenset(map(_type_and_name, request.dependencies))
            resource.property_dependencies = {
                name: frozenset(map(_type_and_name, origins.urns))
                for name, origins in request.propertyDependencies.items()
            }
            resource.aliases = tuple(request.aliasURNs) + tuple(str(alias) for alias in request.aliases)
            resource.additional_secret_outputs = frozenset(request.additionalSecretOutputs)
            resource.error_hooks = tuple(request.hooks.on_error)
            resource.update_hooks = tuple(request.hooks.before_update)
            resource.outputs_registered = f"{resource.type}::{resource.name}" in self._registered


def _type_and_name(urn: str) -> str:
    """Return `<type>::<name>` of a URN, without the parents' types; nothing for an empty URN."""
    if not urn:
        return ""
    return urn.split("::", 2)[2].rpartition("$")[2]


def _provider_outputs(args: mocks.MockResourceArgs) -> dict[str, Any]:
    """Return the outputs that Azure would add; host names contain the logical name."""
    host = f"https://{args.name}."
    match args.typ.removeprefix("azure-native:"):
        case "storage:StorageAccount":
            services = ("blob", "queue", "table", "file", "dfs", "web")
            return {"primaryEndpoints": {service: f"{host}{service}.core.windows.net/" for service in services}}
        case "managedidentity:UserAssignedIdentity":
            return {"principalId": f"{args.name}-principal", "clientId": f"{args.name}-client", "tenantId": "tenant"}
        case "eventgrid:SystemTopic":
            return {"identity": {"type": "SystemAssigned", "principalId": "topic-principal"}}
        case "eventgrid:Topic":
            return {"identity": args.inputs["identity"], "endpoint": f"{host}eventgrid.azure.net/api/events"}
        case "cognitiveservices:Account":
            return {"properties": {**args.inputs["properties"], "endpoint": f"{host}cognitiveservices.azure.com/"}}
        case "cosmosdb:DatabaseAccount":
            return {"documentEndpoint": f"{host}documents.azure.com:443/"}
        case "applicationinsights:Component":
            return {"connectionString": "InstrumentationKey=x", "instrumentationKey": "x"}
        case "azuread:index/applicationRegistration:ApplicationRegistration":
            return {"clientId": "api-client"}
        case "azuread:index/servicePrincipal:ServicePrincipal":
            return {"objectId": "api-service-principal"}
        case "web:WebApp":
            return {
                "identity": {"type": "UserAssigned", "userAssignedIdentities": {}},
                "defaultHostName": f"{args.name.removesuffix('-site')}.example",
                "hostNameSslStates": [{"hostType": "Repository", "name": "scm.example"}],
            }
        case _:
            return {}


def configuration(stack: str, config: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return the configuration of a stack in stacks/ by key, with the defaults, overridden by `config`."""
    project = yaml.safe_load((ROOT / "Pulumi.yaml").read_text())
    file = yaml.safe_load((ROOT / f"stacks/Pulumi.{stack}.yaml").read_text())
    stack_values = {key.removeprefix("image-pipeline:"): value for key, value in file["config"].items()}
    types = {key: schema["type"] for key, schema in project["config"].items()}
    return (
        {key: schema["default"] for key, schema in project["config"].items()}
        | {key: _typed_value(value, types[key]) for key, value in stack_values.items()}
        | dict(config or {})
    )


def _typed_value(value: Any, type_name: str) -> Any:
    """The value of a setting in a stack's file, where Pulumi writes numbers and booleans as strings."""
    if not isinstance(value, str) or type_name not in {"integer", "boolean"}:
        return value
    try:
        return json.loads(value)
    except ValueError:
        return value


def run_program(stack: str, config: Mapping[str, Any] | None = None, recorder: Recorder | None = None) -> Recorder:
    """Run __main__.py with the configuration of a stack in stacks/, overridden by `config`, and record it."""
    pulumi.runtime.set_all_config(
        {
            f"image-pipeline:{key}": value if isinstance(value, str) else json.dumps(value)
            for key, value in configuration(stack, config).items()
        }
    )
    return record(lambda: runpy.run_path(str(ROOT / "__main__.py")), stack, recorder)


def record(
    program: Callable[[], object],
    stack: str = "dev",
    recorder: Recorder | None = None,
    project: str = "image-pipeline",
) -> Recorder:
    """Run a Pulumi program without an engine, and return what it registered and exported."""
    recorder = recorder or Recorder()
    monitor = Monitor(recorder)
    # Pulumi's mocks give every thread of the executor an event loop and never close it; they are closed at the end.
    loops: list[asyncio.AbstractEventLoop] = []

    def set_event_loop() -> None:
        loop = asyncio.new_event_loop()
        loops.append(loop)
        asyncio.set_event_loop(loop)

    async def run() -> None:
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(initializer=set_event_loop))
        mocks.set_mocks(recorder, project=project, stack=stack, preview=False, monitor=monitor)
        program()
        await wait_for_rpcs()
        root = pulumi.runtime.get_root_resource()
        recorder.outputs = await pulumi.Output.from_input(getattr(root, "outputs", {})).future() or {}
        # The program's error hooks made Pulumi start a server, which belongs to this event loop.
        await _shutdown_callbacks()

    asyncio.run(run())
    for loop in loops:
        loop.close()
    monitor.finish()
    return recorder
