"""The services of the API app on this machine: the emulated Cosmos DB, and the least of all others.

The worker reaches them by their host names, through the emulator's proxy.
"""

import asyncio
import json
import ssl
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jwt
import trustme
from aiohttp import web
from common.domain.principal import AppRole
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

from benchmarks.blob_service import PRINCIPAL, TENANT, blob_handler
from benchmarks.query_records import create_records
from emulator.core.directory import Directory
from emulator.core.faults import Faults
from emulator.core.identity import Identities
from emulator.core.resource_store import ResourceStore
from emulator.gateway.proxy import ConnectionOrigins, Proxy
from emulator.gateway.router import create_application, service_of
from emulator.services.cosmos.items.container import Container
from emulator.services.cosmos.items.store import ItemStore
from infra.core.rbac import RECORD_QUERY_DATA_ACTIONS
from tests.emulator.conftest import Deployment
from tests.emulator.services.cosmos.conftest import HOST as COSMOS_HOST
from tests.emulator.services.cosmos.conftest import CosmosAccount
from tests.support.container_policies import record_container_policies

_APPLICATION = "client-1"
_BLOB_HOST = "acct.blob.core.windows.net"
_LOGIN_HOST = "login.microsoftonline.com"
_KEY_ID = "1"


@dataclass(frozen=True, kw_only=True)
class ApiServices:
    """The services, and what is in them.

    Attributes:
        environment: The app settings with which the app reaches them.
        record_ids: Ids of the stored records.
        key: Signs the tokens of callers.
    """

    environment: dict[str, str]
    record_ids: list[str]
    key: rsa.RSAPrivateKey

    def issue_token(self, caller: str) -> str:
        """Return an access token of a caller with every app role."""
        now = int(time.time())
        claims = {
            "aud": _APPLICATION,
            "iss": f"https://{_LOGIN_HOST}/{TENANT}/v2.0",
            "iat": now,
            "nbf": now,
            "exp": now + 3600,
            "azp": _APPLICATION,
            "oid": caller,
            "tid": TENANT,
            "ver": "2.0",
            "roles": [*AppRole],
        }
        return jwt.encode(claims, self.key, algorithm="RS256", headers={"kid": _KEY_ID})


@asynccontextmanager
async def serve(folder: Path, records: int) -> AsyncIterator[ApiServices]:
    """Store so many records, and answer the requests of the app.

    Args:
        folder: For the files of the services.
        records: Number of records.
    """
    async with AsyncExitStack() as stack:
        resources = ResourceStore(folder / "resources.db")
        stack.callback(resources.close)
        objects = ResourceStore(folder / "objects.db")
        stack.callback(objects.close)
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        identities = Identities(key, resources, Directory(objects))
        store = stack.enter_context(closing(ItemStore(folder / "cosmos.db")))
        account = CosmosAccount(Deployment(resources), identities, store, Faults(folder / "faults.json"))
        stack.enter_context(account.handler)
        account.assign_role(PRINCIPAL, *RECORD_QUERY_DATA_ACTIONS)
        # The recorder of the program runs event loops of its own.
        policies = await asyncio.to_thread(record_container_policies, "dev")
        container = Container.of_resource(account.add_container("images", **policies))
        record_ids: list[str] = []
        with store.transaction():
            for item in create_records(records):
                store.create(container, (item["id"],), item)
                record_ids.append(item["id"])
        authority = trustme.CA()
        ca_bundle = folder / "ca.pem"
        authority.cert_pem.write_to_path(str(ca_bundle))
        handlers = {
            "documents.azure.com": account.handler.handle,
            "blob.core.windows.net": blob_handler(),
            _LOGIN_HOST: _keys_handler(key),
        }
        origins = ConnectionOrigins()
        gateway = await _listen(stack, create_application(handlers, origins), authority)
        identity = await _listen(stack, _identity_application(identities), None)
        server, proxy = await Proxy(gateway, lambda host: service_of(host) is not None, resources, origins).start()
        stack.callback(server.close)
        yield ApiServices(environment=_environment(ca_bundle, proxy, identity), record_ids=record_ids, key=key)


async def _listen(stack: AsyncExitStack, application: web.Application, authority: trustme.CA | None) -> int:
    """Serve an application on 127.0.0.1, with TLS if there is an authority; return its port."""
    context = None
    if authority is not None:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        authority.issue_cert(COSMOS_HOST, _BLOB_HOST, _LOGIN_HOST).configure_cert(context)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
    return runner.addresses[0][1]


def _environment(ca_bundle: Path, proxy: int, identity: int) -> dict[str, str]:
    return {
        "HTTPS_PROXY": f"http://127.0.0.1:{proxy}",
        "SSL_CERT_FILE": str(ca_bundle),
        "IDENTITY_ENDPOINT": f"http://127.0.0.1:{identity}/msi/token",
        "IDENTITY_HEADER": "x",
        "IMAGE_API_CLIENT_ID": "x",
        "IMAGE_API_BLOB_ENDPOINT": f"https://{_BLOB_HOST}/",
        "IMAGE_API_IMAGES_CONTAINER": "images",
        "IMAGE_API_COSMOS_ENDPOINT": f"https://{COSMOS_HOST}:443/",
        "IMAGE_API_COSMOS_DATABASE": "pipeline",
        "IMAGE_API_COSMOS_IMAGES": "images",
        "IMAGE_API_MIN_SIMILARITY": "0.25",
        "IMAGE_API_ANALYZER": "image-analysis",
        "IMAGE_API_FEATURES": '["tags"]',
        "IMAGE_API_PIPELINE_URL": "https://pipeline.azurewebsites.net/api",
        "IMAGE_API_TENANT_ID": TENANT,
        "IMAGE_API_APPLICATION_ID": _APPLICATION,
    }


def _keys_handler(key: rsa.RSAPrivateKey) -> Any:
    public_key = {**RSAAlgorithm.to_jwk(key.public_key(), as_dict=True), "kid": _KEY_ID, "use": "sig"}

    async def answer(_request: web.Request) -> web.Response:
        return web.json_response({"keys": [public_key]})

    return answer


def _identity_application(identities: Identities) -> web.Application:
    """The endpoint of managed identities: https://learn.microsoft.com/azure/app-service/overview-managed-identity."""

    async def answer(request: web.Request) -> web.Response:
        token, expires_on = identities.issue_token(PRINCIPAL, request.query["resource"])
        body = {"access_token": token, "expires_on": str(expires_on), "resource": "any", "token_type": "Bearer"}
        return web.Response(text=json.dumps(body), content_type="application/json")

    application = web.Application()
    application.router.add_get("/msi/token", answer)
    return application
