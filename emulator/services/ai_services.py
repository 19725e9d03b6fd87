"""The services of the accounts of Azure AI services, each under a domain of its own."""

import aiohttp

from emulator.core.faults import Faults
from emulator.core.identity import Identities
from emulator.core.resource_store import ResourceStore
from emulator.gateway.router import Handler
from emulator.services.content_understanding.analyzer_store import AnalyzerStore
from emulator.services.content_understanding.handler import ContentUnderstandingHandler
from emulator.services.foundry.handler import FoundryHandler
from emulator.services.vision.handler import VisionHandler


def create_ai_handlers(
    resources: ResourceStore,
    identities: Identities,
    session: aiohttp.ClientSession,
    models_url: str,
    faults: Faults,
    *,
    analyzers: AnalyzerStore,
) -> dict[str, Handler]:
    """Return the handlers by domain; `models_url` is the URL of the model server."""
    vision = VisionHandler(resources, identities, session, models_url, faults)
    foundry = FoundryHandler(resources, identities, session, models_url, faults)
    content_understanding = ContentUnderstandingHandler(
        resources, identities, session, models_url, faults, analyzers=analyzers
    )
    return {
        "cognitiveservices.azure.com": vision.handle,
        "openai.azure.com": foundry.handle,
        "services.ai.azure.com": content_understanding.handle,
    }
