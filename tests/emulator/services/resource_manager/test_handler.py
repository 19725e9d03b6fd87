"""An app's deployment service and Azure Resource Manager: deployments, trigger syncs, and the functions they list."""

import asyncio
import io
import json
import signal
import zipfile
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import requests
from aiohttp.test_utils import TestClient, TestServer
from azure.core.rest import HttpRequest

from emulator.core import process
from emulator.core.faults import Faults
from emulator.core.identity import USER_OBJECT_ID, Identities
from emulator.core.state_directory import Ports, StateDirectory
from emulator.gateway.proxy import ConnectionOrigins
from emulator.gateway.router import create_application
from emulator.services.functions.deployment_handler import DeploymentHandler
from emulator.services.functions.function_apps import FunctionApps
from emulator.services.resource_manager.handler import ResourceManagerHandler
from infra.core.errors import CodeDeploymentError
from infra.dynamic.code_deployer import CodeDeployer
from tests.emulator.conftest import CONTRIBUTOR, Deployment

FUNCTIONS = ["classify", "reconcile"]
SCM = "func.scm.azurewebsites.net"
UNAVAILABLE = "Encountered an error (ServiceUnavailable) from host runtime."


def package(content: str = "") -> bytes:
    """A zip file with one file."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("function_app.py", content)
    return buffer.getvalue()


class Azurite:
    """Stores blobs by path."""

    def __init__(self) -> None:
        self.blobs: dict[str, bytes] = {}

    @asynccontextmanager
    async def request(self, _service: str, _account: str, method: str, path: str, **named: Any) -> AsyncIterator[Any]:
        if method == "PUT":
            self.blobs[path] = named["body"]

        blobs = self.blobs

        class Response:
            status = 201 if method == "PUT" else 200 if path in blobs else 404

            async def read(self) -> bytes:
                return blobs[path]

        yield Response()


class Hosts:
    """Starts host processes that run nothing; keeps the signals that they get."""

    def __init__(self) -> None:
        self.starting = asyncio.Event()
        self.starting.set()
        self.started = 0
        self.signals: list[signal.Signals] = []
        self.answer: Any = {"functions": FUNCTIONS, "url": "http://127.0.0.1:1"}
        self.children: list[Any] = []
        self.waits: list[float] = []
        # What the next hosts answer instead; `recovered` is set when one gives the usual answer.
        self.failures: list[str] = []
        self.recovered = asyncio.Event()
        self.waiting = asyncio.Event()

    async def start(self, name: str, *_command: Any, **_options: Any) -> tuple[Any, dict[str, str]]:
        await self.starting.wait()
        self.started += 1
        answer = self.failures.pop(0) if self.failures else self.answer
        hosts = self

        class ChildProcess:
            def __init__(self) -> None:
                self.name = name
                self.ended: asyncio.Future[int] = asyncio.get_running_loop().create_future()

            def signal(self, number: signal.Signals) -> None:
                hosts.signals.append(number)

            async def stop(self) -> None:
                pass

        self.children.append(ChildProcess())
        if answer is self.answer:
            self.recovered.set()
        return self.children[-1], {"line": json.dumps(answer)}

    async def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.waiting.set()
        await asyncio.sleep(0)


class EmulatedApp:
    """The gateway with one app, and what is behind it."""

    def __init__(
        self, client: TestClient[Any, Any], hosts: Hosts, function_apps: FunctionApps, site: str, token: str
    ) -> None:
        self.client = client
        self.hosts = hosts
        self.function_apps = function_apps
        self.site = site
        self.token = token

    async def send(self, host: str, method: str, path: str, **named: Any) -> tuple[int, Any]:
        headers = {"Host": host, "Authorization": f"Bearer {self.token}"} | named.pop("headers", {})
        async with self.client.request(method, path, headers=headers, **named) as response:
            text = await response.text()
            return response.status, json.loads(text) if text else None

    async def publish(self, content: bytes) -> tuple[int, Any]:
        return await self.send(SCM, "POST", "/api/publish", headers={"Content-Type": "application/zip"}, data=content)

    async def ended(self) -> Mapping[str, Any]:
        """The latest deployment, once it has ended."""
        while True:
            status, latest = await self.send(SCM, "GET", "/api/deployments/latest")
            assert status == 200
            if latest["complete"]:
                return latest

    async def sync(self) -> tuple[int, Any]:
        return await self.send("management.azure.com", "POST", f"{self.site}/host/default/sync?api-version=2025-05-01")

    async def functions(self) -> list[str]:
        path = f"{self.site}/functions?api-version=2025-05-01"
        status, functions = await self.send("management.azure.com", "GET", path)
        assert status == 200
        return [item["properties"]["name"] for item in functions["value"]]

    def deployer(self, without: str = " ") -> CodeDeployer:
        """The program's own, whose requests to paths with `without` in them are left out."""
        base = str(self.client.make_url("")).rstrip("/")

        class Response:
            def __init__(self, status_code: int, content: bytes) -> None:
                self.status_code, self.reason, self._content = status_code, "", content

            def json(self) -> Any:
                return json.loads(self._content)

            def text(self) -> str:
                return self._content.decode()

        def to(host: str) -> Callable[[HttpRequest], Any]:
            def send(request: HttpRequest) -> Any:
                if without in request.url:
                    return Response(204, b"")
                headers = {**request.headers, "Host": host, "Authorization": f"Bearer {self.token}"}
                answer = requests.request(
                    request.method, base + request.url, headers=headers, data=request.content, timeout=10
                )
                return Response(answer.status_code, answer.content)

            return send

        return CodeDeployer(to(SCM), to("management.azure.com"), timeout_seconds=1, first_wait_seconds=0.01)


@pytest.fixture
def run(
    tmp_path: Path, deployment: Deployment, identities: Identities, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., None]:
    """Runs a coroutine function with an emulated app; the app's identity has a role unless that is not wanted."""

    def run(scenario: Callable[[EmulatedApp], Awaitable[None]], *, role: bool = True, faults: str = "{}") -> None:
        state_directory = StateDirectory(tmp_path / "home")
        state_directory.create()
        (tmp_path / "faults.json").write_text(faults)
        account = deployment.storage()
        deployment.add("storage:BlobContainer", resourceGroupName="rg", accountName="stdata", containerName="packages")
        identity = deployment.add(
            "managedidentity:UserAssignedIdentity", resourceGroupName="rg", resourceName="id", location="x"
        )
        if role:
            deployment.assign_role(identity.outputs["principalId"], CONTRIBUTOR, account.id)
        storage = {
            "value": "https://stdata.blob.core.windows.net/packages",
            "authentication": {"userAssignedIdentityResourceId": identity.id},
        }
        site = deployment.add(
            "web:WebApp",
            resourceGroupName="rg",
            name="func",
            identity={"userAssignedIdentities": [identity.id]},
            functionAppConfig={"deployment": {"storage": storage}},
            siteConfig={"appSettings": []},
        )

        async def run() -> None:
            hosts = Hosts()
            monkeypatch.setattr(process, "start", hosts.start)
            ports = Ports(
                provider=1,
                preview_provider=1,
                directory_provider=1,
                preview_directory_provider=1,
                identity=1,
                proxy=1,
                browser_addresses=1,
            )
            function_apps = FunctionApps(
                state_directory,
                ports,
                resources=deployment.resources,
                identities=identities,
                azurite_client=Azurite(),  # type: ignore[arg-type]
                faults=Faults(tmp_path / "faults.json"),
                worker_library=tmp_path,
                sleep=hosts.sleep,
            )
            await function_apps.apply(site)
            handlers = {
                "scm.azurewebsites.net": DeploymentHandler(identities, function_apps).handle,
                "management.azure.com": ResourceManagerHandler(deployment.resources, identities, function_apps).handle,
            }
            token, _ = identities.issue_token(USER_OBJECT_ID, "https://management.azure.com")
            async with TestClient(TestServer(create_application(handlers, ConnectionOrigins()))) as client:
                await scenario(EmulatedApp(client, hosts, function_apps, site.id, token))

        asyncio.run(run())

    return run


def test_functions_are_listed_and_triggers_started_at_the_second_sync(run: Callable[..., None]) -> None:
    async def scenario(emulated: EmulatedApp) -> None:
        assert await emulated.functions() == []
        assert (await emulated.publish(package()))[0] == 202
        assert (await emulated.ended())["status"] == 4
        assert await emulated.functions() == ["WarmUp"]
        status, answer = await emulated.sync()
        assert (status, answer["Code"], answer["Message"]) == (400, "BadRequest", UNAVAILABLE)
        assert await emulated.functions() == ["WarmUp"]
        assert emulated.hosts.signals == []
        assert (await emulated.sync())[0] == 204
        assert await emulated.functions() == FUNCTIONS
        assert emulated.hosts.signals == [signal.SIGUSR1]

    run(scenario)


def test_a_restart_of_the_app_needs_no_sync_and_another_package_does(run: Callable[..., None]) -> None:
    async def scenario(emulated: EmulatedApp) -> None:
        await asyncio.to_thread(emulated.deployer().deploy, package())
        await asyncio.to_thread(emulated.deployer().wait_for_functions, emulated.site, FUNCTIONS)
        site = emulated.function_apps.get(emulated.site)
        assert site is not None
        await emulated.function_apps.apply(site.resource)
        assert emulated.hosts.signals == [signal.SIGUSR1] * 2
        assert await emulated.functions() == FUNCTIONS
        await asyncio.to_thread(emulated.deployer().deploy, package("changed"))
        assert emulated.hosts.signals == [signal.SIGUSR1] * 2
        assert await emulated.functions() == ["WarmUp"]

    run(scenario)


def test_a_host_that_ended_and_does_not_start_is_tried_again_until_it_does(run: Callable[..., None]) -> None:
    async def scenario(emulated: EmulatedApp) -> None:
        await asyncio.to_thread(emulated.deployer().deploy, package())
        await asyncio.to_thread(emulated.deployer().wait_for_functions, emulated.site, FUNCTIONS)
        hosts = emulated.hosts
        hosts.failures = ["503 ServerBusy"] * 9
        hosts.recovered.clear()
        hosts.children[-1].ended.set_result(-9)
        await asyncio.wait_for(hosts.recovered.wait(), 10)
        app = emulated.function_apps.get(emulated.site)
        assert app is not None
        async with app.lock:
            assert await emulated.functions() == FUNCTIONS
        assert hosts.waits == [1, 2, 4, 8, 16, 32, 64, 120, 120, 120]
        # Its triggers need no other sync.
        assert hosts.signals == [signal.SIGUSR1] * 2

    run(scenario)


def test_an_app_that_is_removed_while_its_host_is_tried_again_stays_away(run: Callable[..., None]) -> None:
    async def scenario(emulated: EmulatedApp) -> None:
        await asyncio.to_thread(emulated.deployer().deploy, package())
        app = emulated.function_apps.get(emulated.site)
        assert app is not None
        assert app.watch_task is not None
        restarting = app.watch_task
        hosts = emulated.hosts
        hosts.failures = ["503 ServerBusy"] * 1_000
        hosts.children[-1].ended.set_result(-9)
        await asyncio.wait_for(hosts.waiting.wait(), 10)
        await emulated.function_apps.remove(app.resource)
        started = hosts.started
        with pytest.raises(asyncio.CancelledError):
            await restarting
        assert hosts.started == started

    run(scenario)


def test_an_app_that_was_removed_and_made_again_needs_a_sync(run: Callable[..., None]) -> None:
    async def scenario(emulated: EmulatedApp) -> None:
        await asyncio.to_thread(emulated.deployer().deploy, package())
        await asyncio.to_thread(emulated.deployer().wait_for_functions, emulated.site, FUNCTIONS)
        site = emulated.function_apps.get(emulated.site)
        assert site is not None
        await emulated.function_apps.remove(site.resource)
        await emulated.function_apps.apply(site.resource)
        assert await emulated.functions() == ["WarmUp"]

    run(scenario)


def test_a_release_that_requests_no_sync_is_refused_with_what_to_do(run: Callable[..., None]) -> None:
    async def scenario(emulated: EmulatedApp) -> None:
        await asyncio.to_thread(emulated.deployer().deploy, package())
        deployer = emulated.deployer(without="/host/default/sync")
        with pytest.raises(
            CodeDeploymentError, match="lists only the placeholder WarmUp because its triggers were not sync"
        ):
            await asyncio.to_thread(deployer.wait_for_functions, emulated.site, FUNCTIONS)

    run(scenario)


def test_an_app_whose_host_does_not_start_lists_nothing_and_cannot_be_synchronized(run: Callable[..., None]) -> None:
    async def scenario(emulated: EmulatedApp) -> None:
        emulated.hosts.answer = "HostError: no such module"
        await emulated.publish(package())
        latest = await emulated.ended()
        assert (latest["status"], latest["status_text"]) == (3, "HostError: no such module")
        assert [(await emulated.sync())[0] for _ in range(3)] == [400] * 3
        assert await emulated.functions() == []

    run(scenario)


def test_a_second_package_is_refused_while_one_is_being_deployed(run: Callable[..., None]) -> None:
    async def scenario(emulated: EmulatedApp) -> None:
        emulated.hosts.starting.clear()
        _, first = await emulated.publish(package())
        assert (await emulated.sync())[0] == 400
        status, answer = await emulated.publish(package())
        assert (status, answer["error"]["code"]) == (409, "Conflict")
        emulated.hosts.starting.set()
        latest = await emulated.ended()
        assert (latest["id"], latest["status"]) == (first, 4)
        assert (await emulated.publish(package()))[0] == 202
        await emulated.ended()

    run(scenario)


@pytest.mark.parametrize(
    ("fault", "status", "started", "problem"),
    [
        ("deploymentCancelled", -1, 0, "was cancelled"),
        ("deploymentConflict", 5, 0, "another deployment of this app is in progress"),
        ("deploymentPartialSuccess", 6, 1, "succeeded only in part"),
    ],
)
def test_a_fault_ends_a_deployment_in_its_status(
    run: Callable[..., None], fault: str, status: int, started: int, problem: str
) -> None:
    async def scenario(emulated: EmulatedApp) -> None:
        with pytest.raises(CodeDeploymentError, match=problem):
            await asyncio.to_thread(emulated.deployer().deploy, package())
        latest = await emulated.ended()
        assert latest["status"] == status
        assert latest["log_url"] == f"https://{SCM}/api/deployments/latest/log"
        assert emulated.hosts.started == started

    run(scenario, faults=json.dumps({fault: 1}))


def test_a_deployment_fails_when_the_faults_file_is_not_valid(run: Callable[..., None]) -> None:
    async def scenario(emulated: EmulatedApp) -> None:
        assert (await emulated.publish(package()))[0] == 202
        async with asyncio.timeout(10):
            latest = await emulated.ended()
        assert latest["status"] == 3
        assert "faults.json: JSON is malformed" in latest["status_text"]
        assert emulated.hosts.started == 0

    run(scenario, faults="not JSON")


def test_an_app_that_may_not_write_its_package_is_reported(run: Callable[..., None]) -> None:
    async def scenario(emulated: EmulatedApp) -> None:
        with pytest.raises(CodeDeploymentError, match="needs Storage Blob Data Owner on the host's storage account"):
            await asyncio.to_thread(emulated.deployer().deploy, package())

    run(scenario, role=False)


@pytest.mark.parametrize(
    ("host", "method", "path", "status"),
    [
        (SCM, "GET", "/api/deployments/latest", 404),
        (SCM, "GET", "/api/deployments/latest/log", 404),
        (SCM, "GET", "/api/deployments", 501),
        ("management.azure.com", "POST", "{site}/host/default/sync", 400),
        ("management.azure.com", "POST", "{site}x/host/default/sync?api-version=1", 404),
        ("management.azure.com", "GET", "{site}/host/default/sync?api-version=1", 501),
        ("management.azure.com", "POST", "{site}/functions?api-version=1", 501),
        ("management.azure.com", "POST", "{site}/restart?api-version=1", 501),
    ],
)
def test_what_does_not_exist_is_not_answered(
    run: Callable[..., None], host: str, method: str, path: str, status: int
) -> None:
    async def scenario(emulated: EmulatedApp) -> None:
        assert (await emulated.send(host, method, path.format(site=emulated.site)))[0] == status

    run(scenario)


def test_only_who_may_manage_resources_requests_a_sync(run: Callable[..., None], identities: Identities) -> None:
    async def scenario(emulated: EmulatedApp) -> None:
        emulated.token, _ = identities.issue_token("stranger", "https://management.azure.com")
        assert (await emulated.sync())[0] == 403

    run(scenario)
