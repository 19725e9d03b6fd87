"""The pipeline's infrastructure: components, grants, and the release of the function code.

Its modules put off evaluating annotations (`from __future__ import annotations`): azure-native loads a module's
classes when one is first named, which takes seconds for `network` alone, and a stack names only what it uses.
"""

from infra.components.analyzers import Analyzer, analyzer
from infra.components.cosmos import READ_RECORDS, WRITE_RECORDS, Records
from infra.components.event_grid import ImageRoute, ImageTopic
from infra.components.function_app import FunctionApp, code_settings
from infra.components.network import Door, PrivateNetwork
from infra.components.resource_group import Foundation, Place
from infra.components.result_topic import ResultsTopic
from infra.components.storage import HostStorage, ImageStorage
from infra.components.vision import VisionPool
from infra.config.settings import Settings
from infra.core.aliases import drop_version_aliases
from infra.core.naming import Names
from infra.core.principals import DirectoryPrincipal
from infra.core.rbac import (
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
from infra.dynamic.code_deployment import Release
from infra.dynamic.role_assignment_delay import Propagation, RoleDefinitionDelay
from infra.monitoring.alerts import Alerts
from infra.monitoring.diagnostics import Diagnostics, Source
from infra.monitoring.monitoring import Budget, Operations
from infra.monitoring.telemetry import Telemetry
from infra.monitoring.workbook import Dashboard
from infra.outputs import export
from infra.packaging import build

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
