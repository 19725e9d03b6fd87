"""The generated parts of the documents by name, and the documents that may have such parts."""

from pathlib import Path

from classifier.domain import comparison
from common.domain.record import json_schema

from checks.docs.app_registration import app_registration_json, app_roles_table
from checks.docs.architecture import component_diagram
from checks.docs.blocks import Generators
from checks.docs.commands import commands_table
from checks.docs.operations import alerts_table, policy_rules_table, resources_table
from checks.docs.query_costs import data_models_table, queries_table, volumes_table
from checks.docs.record_example import record_example
from checks.docs.record_schema import schema_table
from checks.docs.recordings import ROOT, read_recording, read_recordings
from checks.docs.role_assignments import access_diagram, custom_roles_table, role_assignments_table
from checks.docs.sections import read_sections
from infra.config.reference import settings_table

# The stack that has a principal of every kind and, with a private network, a component in every section.
_STACK_WITH_UPLOADERS = "local"


def _component_diagram() -> str:
    sections = read_sections((ROOT / "__main__.py").read_text(), (ROOT / "infra/stack_analyzer.py").read_text())
    return component_diagram(read_recording(_STACK_WITH_UPLOADERS, "private"), sections)


def _commands(group: str) -> str:
    return commands_table((ROOT / "Makefile").read_text(), group)


GENERATORS: Generators = {
    "access-diagram": lambda: access_diagram(read_recording(_STACK_WITH_UPLOADERS, "public")),
    "alerts": lambda: alerts_table(read_recording("prod", "public")),
    "app-registration": app_registration_json,
    "app-roles": app_roles_table,
    "commands-develop": lambda: _commands("Develop"),
    "commands-operate": lambda: _commands("Operate a deployed stack"),
    "commands-use": lambda: _commands("Use the pipeline"),
    "comparison": lambda: schema_table(comparison.json_schema()),
    "component-diagram": _component_diagram,
    "custom-roles": lambda: custom_roles_table(read_recordings()),
    "policy-rules": policy_rules_table,
    "query-costs": queries_table,
    "query-data-models": data_models_table,
    "query-volumes": volumes_table,
    "record": lambda: schema_table(json_schema()),
    "record-example": lambda: record_example("classified-with-every-visual-feature"),
    "resources": lambda: resources_table(
        [read_recording(stack, network) for stack in ("dev", "prod") for network in ("public", "private")]
    ),
    "role-assignments": lambda: role_assignments_table(read_recordings()),
    "settings": settings_table,
}


def find_documents() -> list[Path]:
    """Return the documents of users, operators and contributors, and the decision records."""
    return [
        ROOT / "README.md",
        ROOT / "CONTRIBUTING.md",
        *sorted((ROOT / "docs").glob("*.md")),
        *sorted((ROOT / "docs" / "decisions").glob("*.md")),
    ]
