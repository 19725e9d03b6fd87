"""The pipeline's infrastructure: components, grants, and the release of the function code.

Its modules put off evaluating annotations (`from __future__ import annotations`): azure-native loads a module's
classes when one is first named, which takes seconds for `network` alone, and a stack names only what it uses.
"""

from infra.alerts import Alerts
from infra.aliases import drop_version_aliases
from infra.analyzers import Analyzer, analyzer
from infra.app import FunctionApp, code_settings
from infra.bundle import build
from infra.dashboard import Dashboard
from infra.database import READ_RECORDS, WRITE_RECORDS, Records
from infra.diagnostics import Diagnostics, Source
from infra.events import ImageRoute, ImageTopic
from infra.foundation import Foundation, Place
from infra.naming import Names
from infra.network import Door, PrivateNetwork
from infra.operations import Budget, Operations
from infra.outputs import export
from infra.principals import DirectoryPrincipal
from infra.propagation import Propagation, RoleDefinitionDelay
from infra.release import Release
from infra.results import ResultsTopic
from infra.roles import (
    CLEAR_DEAD_LETTERS,
    UPLOAD_IMAGES,
    WORK_QUEUE,
    Principal,
    Role,
    Scope,
    custom_role,
    grant,
    principal_from_setting,
)
from infra.settings import Settings
from infra.storage import HostStorage, ImageStorage
from infra.telemetry import Telemetry
from infra.vision import VisionPool

__all__ = [
    "CLEAR_DEAD_LETTERS",
    "READ_RECORDS",
    "UPLOAD_IMAGES",
    "WORK_QUEUE",
    "WRITE_RECORDS",
    "Alerts",
    "Analyzer",
    "Budget",
    "Dashboard",
    "Diagnostics",
    "DirectoryPrincipal",
    "Door",
    "Foundation",
    "FunctionApp",
    "HostStorage",
    "ImageRoute",
    "ImageStorage",
    "ImageTopic",
    "Names",
    "Operations",
    "Place",
    "Principal",
    "PrivateNetwork",
    "Propagation",
    "Records",
    "Release",
    "ResultsTopic",
    "Role",
    "RoleDefinitionDelay",
    "Scope",
    "Settings",
    "Source",
    "Telemetry",
    "VisionPool",
    "analyzer",
    "build",
    "code_settings",
    "custom_role",
    "drop_version_aliases",
    "export",
    "grant",
    "principal_from_setting",
]
