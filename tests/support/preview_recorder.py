"""Records `pulumi preview --json` of this program before and after changes, for the tests of `checks/plan`.

    python -m tests.support.preview_recorder [NAME …]

Each scenario of tests/support/preview_scenarios.py is a deployed stack and a change of its settings or of its source.
The real engine runs the real program. The emulator's provider, without the emulator's services, takes the place of
Azure, and dynamic resources send no requests. A recording has the fields of the preview that `checks/plan` reads, and
is written to tests/checks/recordings/.
"""

import argparse
import asyncio
import json
import os
import re
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any, cast, override

import grpc.aio
import yaml

from emulator.core.resource_store import Resource, ResourceStore
from emulator.provider.protocol import serve
from emulator.provider.server import Provider
from tests.support.preview_scenarios import SCENARIOS, Edit, Scenario

ROOT = Path(__file__).resolve().parents[2]
RECORDINGS = ROOT / "tests/checks/recordings"
# The parts of a checkout that `pulumi preview` reads. Scenarios may change those that are copied.
_COPIED = ("__main__.py", "Pulumi.yaml", "infra", "functions", "policy", "prices", "stacks")
_LINKED = (".venv", ".build", "policy/.venv")
# Dynamic resources are created without their requests to Azure.
_OFFLINE = (
    Edit(
        path="infra/dynamic/code_deployment.py",
        old="        self._deploy(props)\n        return dynamic.CreateResult",
        new="        return dynamic.CreateResult",
    ),
    Edit(
        path="infra/dynamic/purge_deleted_account.py",
        old='        purge_deleted_account(authenticated_client(), props["deleted_account"])\n',
        new="",
    ),
)
_STATE_FIELDS = ("type", "custom", "parent", "inputs", "protect", "retainOnDelete")
_STEP_FIELDS = ("op", "urn", "diffReasons", "replaceReasons", "detailedDiff")
# The stack and the component whose outputs `checks/plan` reads.
_WITH_OUTPUTS = frozenset({"pulumi:pulumi:Stack", "image-pipeline:index:FunctionApp"})
_EVENT_FIELDS = ("resourceUrn", "message", "policyName", "policyPackName", "enforcementLevel")
# What differs between two recordings of the same change.
_PACKAGE_SHA256 = re.compile(r"\b[0-9a-f]{64}\b")
_UPDATE_ID = re.compile(r"\b[0-9a-f]{32}\b")
_UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
_RANDOM = "revision"
_MONTH = re.compile(r"\d{4}-\d{2}-01T00:00:00Z")


class RecordingError(Exception):
    """Pulumi failed where it should not; the message has the end of its output."""


class _InstantProvider(Provider):
    """The emulator's provider; it accepts all that Azure supports, and deploys by storing inputs and outputs."""

    def __init__(self, resources: ResourceStore) -> None:
        super().__init__(resources, activate=_do_nothing, deactivate=_do_nothing, preview_only=True)

    @override
    async def _check_deploys(self, context: Any) -> None:
        """Deployments are allowed, although the provider is one that previews."""


async def _do_nothing(_resource: Resource) -> None:
    pass


@contextmanager
def _provider(folder: Path) -> Iterator[str]:
    """Run the provider; the value of PULUMI_DEBUG_PROVIDERS."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    async def start() -> tuple[grpc.aio.Server, int]:
        return await serve(_InstantProvider(ResourceStore(folder / "resources.db")))

    server, port = asyncio.run_coroutine_threadsafe(start(), loop).result(timeout=10)
    try:
        yield f"azure-native:{port}"
    finally:
        asyncio.run_coroutine_threadsafe(server.stop(None), loop).result(timeout=10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


@dataclass(frozen=True, kw_only=True)
class _Project:
    """A copy of the program, with Pulumi state of its own."""

    root: Path
    environment: Mapping[str, str]

    def configure(self, scenario: Scenario, settings: Mapping[str, Any]) -> None:
        """Write the stack's file: that of the checkout, the settings, and delays of no seconds."""
        source = yaml.safe_load((ROOT / f"stacks/Pulumi.{scenario.stack}.yaml").read_text())
        no_delays = {"roleDefinitionReplicationSeconds": 0, "rolePropagationSeconds": 0}
        overrides = {f"image-pipeline:{name}": value for name, value in {**no_delays, **settings}.items()}
        config = source["config"] | overrides
        self._stack_file(scenario.stack).write_text(yaml.safe_dump(source | {"config": config}))

    def edit(self, scenario: Scenario) -> None:
        """Make the scenario's changes of the source, and no others."""
        for name in _COPIED:
            _copy(ROOT / name, self.root / name)
        for edit in (*_OFFLINE, *scenario.edits):
            path = self.root / edit.path
            text = path.read_text()
            if text.count(edit.old) != 1:
                raise RecordingError(f"{scenario.name}: {edit.path} must have {edit.old!r} once")
            path.write_text(text.replace(edit.old, edit.new))

    def pulumi(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run the Pulumi CLI."""
        return subprocess.run(
            ["pulumi", *arguments, "--non-interactive"],
            cwd=self.root,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )

    def deploy(self, scenario: Scenario) -> None:
        """Create the stack, and deploy it unless the scenario begins with nothing."""
        self.edit(Scenario(name=scenario.name, stack=scenario.stack))
        _check(self.pulumi("stack", "init", scenario.stack))
        if scenario.deployed:
            self.configure(scenario, scenario.before)
            _check(self.pulumi("up", "--yes", "--skip-preview", "--stack", scenario.stack))

    def preview(self, scenario: Scenario) -> dict[str, Any]:
        """Return the recording of the scenario's preview."""
        self.edit(scenario)
        self.configure(scenario, {**scenario.before, **scenario.after})
        events = self.root / "events.json"
        events.unlink(missing_ok=True)
        operation = ("destroy", "--preview-only") if scenario.destroy else ("preview", "--policy-pack", "policy/pack")
        result = self.pulumi(*operation, "--json", "--stack", scenario.stack, "--event-log", str(events))
        if (result.returncode != 0) is not scenario.fails:
            _check(result)
            raise RecordingError(f"{scenario.name} did not fail")
        output = result.stdout.replace(str(self.root.resolve()), "/project")
        return {
            "preview": _reduce_preview(json.loads(output)),
            "events": _reduce_events(events.read_text().splitlines()),
        }

    def _stack_file(self, stack: str) -> Path:
        return self.root / f"stacks/Pulumi.{stack}.yaml"


def _check(result: subprocess.CompletedProcess[str]) -> None:
    if result.returncode != 0:
        raise RecordingError(f"{result.args} failed:\n{result.stdout[-3000:]}\n{result.stderr[-3000:]}")


def _copy(source: Path, target: Path) -> None:
    if source.is_file():
        shutil.copy2(source, target)
        return
    ignored = shutil.ignore_patterns("__pycache__", ".venv")
    shutil.copytree(source, target, ignore=ignored, dirs_exist_ok=True)


@contextmanager
def _project() -> Iterator[_Project]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        root = folder / "project"
        root.mkdir()
        (root / "policy").mkdir()
        for link in _LINKED:
            (root / link).symlink_to((ROOT / link).resolve())
        (folder / "state").mkdir()
        path = [str(ROOT / ".venv/bin"), os.environ["PATH"], str(ROOT / ".tools/pulumi-3.274.1/bin")]
        with _provider(folder) as provider:
            environment = os.environ | {
                "PATH": os.pathsep.join(path),
                "PULUMI_BACKEND_URL": f"file://{folder / 'state'}",
                "PULUMI_HOME": str(folder / "home"),
                "PULUMI_CONFIG_PASSPHRASE": "recording",
                "PULUMI_SKIP_UPDATE_CHECK": "true",
                "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
                "PULUMI_DEBUG_PROVIDERS": provider,
                # Shows the option --event-log.
                "PULUMI_DEBUG_COMMANDS": "true",
            }
            yield _Project(root=root, environment=environment)


def _reduce_preview(digest: dict[str, Any]) -> dict[str, Any]:
    """The preview without what `checks/plan` does not read, and without what differs between two runs."""
    steps = [_reduce_step(step) for step in digest.get("steps", [])]
    # The others are what the program wrote, with paths of the machine.
    reported = [item for item in digest.get("diagnostics", []) if item["severity"] in {"error", "warning"}]
    diagnostics = [{key: _reduce(value) for key, value in item.items()} for item in reported]
    return {"steps": steps, "diagnostics": diagnostics, "changeSummary": digest.get("changeSummary")}


def _reduce_step(step: dict[str, Any]) -> dict[str, Any]:
    reduced = {key: step[key] for key in _STEP_FIELDS if key in step}
    for side in ("oldState", "newState"):
        if side in step:
            reduced[side] = {key: _reduce(step[side][key]) for key in _STATE_FIELDS if key in step[side]}
    inputs = reduced.get("newState", {}).get("inputs", {})
    dependencies = step.get("newState", {}).get("propertyDependencies", {})
    unknown = {name: urns for name, urns in dependencies.items() if urns and _UNKNOWN in json.dumps(inputs.get(name))}
    if unknown:
        reduced["newState"]["propertyDependencies"] = unknown
    return reduced


def _reduce(value: Any) -> Any:
    if isinstance(value, dict):
        properties = cast("dict[str, Any]", value)
        return {
            key: _RANDOM if key == _RANDOM and isinstance(item, str) else _reduce(item)
            for key, item in properties.items()
        }
    if isinstance(value, list):
        return [_reduce(item) for item in cast("list[Any]", value)]
    if isinstance(value, str):
        text = _PACKAGE_SHA256.sub("0" * 64, value)
        text = _UPDATE_ID.sub("0" * 32, text)
        return _MONTH.sub("2026-12-01T00:00:00Z", text)
    return value


def _reduce_events(lines: Sequence[str]) -> list[dict[str, Any]]:
    events = [json.loads(line) for line in lines]
    violations = [event["policyEvent"] for event in events if "policyEvent" in event]
    # The last one of the stack and of each component has what the program registered.
    outputs = {
        event["resOutputsEvent"]["metadata"]["urn"]: event["resOutputsEvent"]["metadata"]
        for event in events
        if "resOutputsEvent" in event and event["resOutputsEvent"]["metadata"]["type"] in _WITH_OUTPUTS
    }
    return [
        *({"policyEvent": {key: item[key] for key in _EVENT_FIELDS if key in item}} for item in violations),
        *({"resOutputsEvent": {"metadata": _reduce_outputs(item)}} for item in outputs.values()),
    ]


def _reduce_outputs(metadata: dict[str, Any]) -> dict[str, Any]:
    states = {side: metadata[side] for side in ("old", "new") if metadata.get(side) is not None}
    return {
        "urn": metadata["urn"],
        **{side: {"outputs": _reduce(state.get("outputs", {}))} for side, state in states.items()},
    }


def main() -> None:
    """Entry point."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.support.preview_recorder",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("names", nargs="*", help="scenarios to record; all of them if none is named")
    arguments = parser.parse_args()
    scenarios = [scenario for scenario in SCENARIOS if not arguments.names or scenario.name in arguments.names]
    RECORDINGS.mkdir(exist_ok=True)
    # Scenarios that begin with the same stack stand side by side, and share its deployment.
    for _, group in groupby(scenarios, key=lambda item: (item.stack, item.deployed, json.dumps(item.before))):
        members = list(group)
        with _project() as project:
            project.deploy(members[0])
            for scenario in members:
                content = project.preview(scenario)
                path = RECORDINGS / f"{scenario.name}.json"
                path.write_text(json.dumps(content, indent=1, sort_keys=True) + "\n")
                print(f"{path.relative_to(ROOT)}: {content['preview']['changeSummary']}")


if __name__ == "__main__":
    main()
