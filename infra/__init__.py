"""Infrastructure of the image pipeline: components, role assignments, and the deployment of the function code.

    core          names, value objects, roles, errors; imports nothing else of infra
    config        the stack's settings, and the sizes and the cost derived from them
    dynamic       Pulumi dynamic providers, for operations that azure-native has no resource for
    components    Pulumi components, one for each capability
    monitoring    telemetry, diagnostic settings, alerts, workbook, budget

Its modules postpone the evaluation of annotations (`from __future__ import annotations`): azure-native loads a module's
classes when one is first named, which takes seconds for `network` alone, and a stack names only what it uses.
"""

from infra.api_settings import API_FUNCTIONS, api_app_settings
from infra.app_settings import function_app_settings, pipeline_functions
from infra.components.analyzers import (
    Analyzer,
    create_foundry_vision,
    create_image_analysis,
    use_custom_vision,
)
from infra.components.api_registration import ApiRegistration
from infra.components.app_prerequisites import AppPrerequisites
from infra.components.content_understanding import ContentAnalyzers, create_content_understanding
from infra.components.cosmos import CosmosDatabase
from infra.components.event_grid import BlobEventSubscription, BlobEventTopic, ResultTopic
from infra.components.foundry import FoundryAccount
from infra.components.function_app import FunctionApp
from infra.components.function_identity import FunctionIdentity
from infra.components.host_storage import HostStorage
from infra.components.image_storage import ImageStorage
from infra.components.network import PrivateNetwork
from infra.components.resource_group import ResourceGroup
from infra.components.role_assignments import CustomRoleDefinition, RoleAssignments
from infra.components.shadow_queue import ShadowQueue
from infra.components.vision import VisionAccounts
from infra.config.settings import Settings
from infra.config.sizing import API_INSTANCE_MEMORY_MB, API_MAXIMUM_INSTANCES
from infra.core.aliases import drop_version_aliases
from infra.core.analysis import CustomVisionProject, FoundryModel
from infra.core.app_roles import derive_app_role_assignees
from infra.core.context import (
    AzureService,
    DeploymentContext,
    DeploymentPackage,
    DiagnosticTarget,
    DirectoryPrincipal,
    Principal,
    PrivateLinkTarget,
    Scope,
    derive_names,
    derive_tags,
)
from infra.core.naming import Names
from infra.core.rbac import (
    COMPARISON_WRITER_DATA_ACTIONS,
    DEAD_LETTER_PROCESSOR_DATA_ACTIONS,
    IMAGE_CREATOR_DATA_ACTIONS,
    IMAGE_DELETER_DATA_ACTIONS,
    IMAGE_UPLOADER_DATA_ACTIONS,
    QUEUE_PROCESSOR_DATA_ACTIONS,
    RECORD_QUERY_DATA_ACTIONS,
    RECORD_READER_DATA_ACTIONS,
    RECORD_WRITER_DATA_ACTIONS,
    TEXT_VECTORIZER_DATA_ACTIONS,
    BuiltInRole,
)
from infra.dynamic.code_deployment import CodeDeployment, DeploymentTarget
from infra.dynamic.role_assignment_delay import RoleAssignmentDelay, RoleDefinitionDelay
from infra.monitoring.alerts import Alerts
from infra.monitoring.budget import Budget
from infra.monitoring.diagnostics import DiagnosticSettings
from infra.monitoring.monitoring import Monitoring
from infra.monitoring.telemetry import Telemetry
from infra.monitoring.workbook import Workbook
from infra.outputs import export_stack_outputs
from infra.packaging import PYTHON_VERSION, build_deployment_package
from infra.stack_analyzer import create_analyzer, define_content_analyzers
from infra.stack_cost import estimate_stack_cost

__all__ = [
    "API_FUNCTIONS",
    "API_INSTANCE_MEMORY_MB",
    "API_MAXIMUM_INSTANCES",
    "COMPARISON_WRITER_DATA_ACTIONS",
    "DEAD_LETTER_PROCESSOR_DATA_ACTIONS",
    "IMAGE_CREATOR_DATA_ACTIONS",
    "IMAGE_DELETER_DATA_ACTIONS",
    "IMAGE_UPLOADER_DATA_ACTIONS",
    "PYTHON_VERSION",
    "QUEUE_PROCESSOR_DATA_ACTIONS",
    "RECORD_QUERY_DATA_ACTIONS",
    "RECORD_READER_DATA_ACTIONS",
    "RECORD_WRITER_DATA_ACTIONS",
    "TEXT_VECTORIZER_DATA_ACTIONS",
    "Alerts",
    "Analyzer",
    "ApiRegistration",
    "AppPrerequisites",
    "AzureService",
    "BlobEventSubscription",
    "BlobEventTopic",
    "Budget",
    "BuiltInRole",
    "CodeDeployment",
    "ContentAnalyzers",
    "CosmosDatabase",
    "CustomRoleDefinition",
    "CustomVisionProject",
    "DeploymentContext",
    "DeploymentPackage",
    "DeploymentTarget",
    "DiagnosticSettings",
    "DiagnosticTarget",
    "DirectoryPrincipal",
    "FoundryAccount",
    "FoundryModel",
    "FunctionApp",
    "FunctionIdentity",
    "HostStorage",
    "ImageStorage",
    "Monitoring",
    "Names",
    "Principal",
    "PrivateLinkTarget",
    "PrivateNetwork",
    "ResourceGroup",
    "ResultTopic",
    "RoleAssignmentDelay",
    "RoleAssignments",
    "RoleDefinitionDelay",
    "Scope",
    "Settings",
    "ShadowQueue",
    "Telemetry",
    "VisionAccounts",
    "Workbook",
    "api_app_settings",
    "build_deployment_package",
    "create_analyzer",
    "create_content_understanding",
    "create_foundry_vision",
    "create_image_analysis",
    "define_content_analyzers",
    "derive_app_role_assignees",
    "derive_names",
    "derive_tags",
    "drop_version_aliases",
    "estimate_stack_cost",
    "export_stack_outputs",
    "function_app_settings",
    "pipeline_functions",
    "use_custom_vision",
]
