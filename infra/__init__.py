"""The pipeline's infrastructure: components, grants, and the release of the function code."""

from infra.app import FunctionApp, code_settings
from infra.bundle import build
from infra.database import READ_RECORDS, WRITE_RECORDS, Records
from infra.events import ImageRoute, ImageTopic
from infra.foundation import Foundation
from infra.propagation import Propagation
from infra.release import Release
from infra.roles import Role, grant, user
from infra.settings import Settings
from infra.storage import HostStorage, ImageStorage
from infra.telemetry import Telemetry
from infra.vision import VisionPool

__all__ = [
    "READ_RECORDS",
    "WRITE_RECORDS",
    "Foundation",
    "FunctionApp",
    "HostStorage",
    "ImageRoute",
    "ImageStorage",
    "ImageTopic",
    "Propagation",
    "Records",
    "Release",
    "Role",
    "Settings",
    "Telemetry",
    "VisionPool",
    "build",
    "code_settings",
    "grant",
    "user",
]
