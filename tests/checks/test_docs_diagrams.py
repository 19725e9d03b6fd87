"""The diagrams: sections of the program, order of creation, access."""

import re

import pytest

from checks.docs.architecture import UnassignedResourceError, component_diagram
from checks.docs.recordings import ROOT, RecordedResource, Recording, read_recording, read_recordings
from checks.docs.role_assignments import access_diagram, custom_roles_table, role_assignments_table
from checks.docs.sections import creating_section, read_sections

PROGRAM = """
import infra

# --- First things
group = infra.ResourceGroup("group", location="a")
# --- Storage
storage = infra.Storage(
    "images",
)
# --- Access
for user in users:
    infra.RoleAssignments(f"{user}-access", context=1)
infra.RoleAssignments("app-access", context=1)
storage.assign_data_role("reader", principals=[])
# --- Outputs
infra.export_stack_outputs(storage=storage)
print("not a component")
"""
STACK = "pulumi:pulumi:Stack::image-pipeline-dev"


def resource(key: str, *dependencies: str, parent: str = STACK) -> RecordedResource:
    return RecordedResource(key=key, inputs={}, parent=parent, dependencies=frozenset(dependencies))


def recording(*resources: RecordedResource) -> Recording:
    return Recording(
        stack="dev", network="public", resources={item.key: item for item in resources}, outputs=("apiUrl", "sizing")
    )


GROUP = "image-pipeline:index:ResourceGroup::group"
IMAGES = "image-pipeline:index:Storage::images"
ACCESS = "image-pipeline:index:RoleAssignments::app-access"


def test_a_section_has_the_names_that_it_states_and_computes() -> None:
    first, storage, access, outputs = read_sections(PROGRAM)
    assert [first.title, storage.title, access.title, outputs.title] == ["First things", "Storage", "Access", "Outputs"]
    assert (first.names, storage.names, access.names, outputs.names) == (("group",), ("images",), ("app-access",), ())
    assert access.patterns == (r".+\-access",)
    assert [section.has_data_roles for section in (first, storage, access, outputs)] == [False, False, True, False]
    assert [section.has_outputs for section in (first, storage, access, outputs)] == [False, False, False, True]


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("group", "First things"),
        ("app-access", "Access"),
        ("user-1-access", "Access"),
        ("images-revision", "Storage"),
        ("imagery", None),
        ("other", None),
    ],
)
def test_the_section_of_a_name(name: str, title: str | None) -> None:
    section = creating_section(read_sections(PROGRAM), name)
    assert (section.title if section is not None else None) == title


def test_the_longest_stated_name_decides() -> None:
    helpers = 'def create_b():\n    if x:\n        return create("b1", y=1)\n    return B("b2")\n'
    (with_helpers,) = read_sections("# --- A\ninfra.create_b()\n", helpers)
    assert sorted(with_helpers.names) == ["b1", "b2"]
    sections = read_sections('# --- A\ninfra.A("app")\n# --- B\ninfra.B("app-code")\n')
    section = creating_section(sections, "app-code-revision")
    assert section is not None
    assert section.title == "B"


def test_a_component_diagram_has_sections_components_and_the_order_of_creation() -> None:
    diagram = component_diagram(
        recording(
            resource(GROUP),
            resource(IMAGES),
            resource("azure-native:storage:StorageAccount::images-account", GROUP, parent=IMAGES),
            resource("azure-native:storage:Queue::images-queue", GROUP, parent=IMAGES),
            resource("azure-native:storage:Queue::images-poison-queue", GROUP, parent=IMAGES),
            resource(ACCESS),
            resource(
                "azure-native:authorization:RoleAssignment::app-on-queue",
                GROUP,
                "azure-native:storage:Queue::images-queue",
                parent=ACCESS,
            ),
            resource(
                "azure-native:cosmosdb:SqlResourceSqlRoleDefinition::images-reader-role", IMAGES, ACCESS, parent=IMAGES
            ),
        ),
        read_sections(PROGRAM),
    )
    assert diagram.splitlines() == [
        "```mermaid",
        "flowchart LR",
        '  subgraph s1["First things"]',
        '    c_group["<b>ResourceGroup</b> group"]',
        "  end",
        '  subgraph s2["Storage"]',
        '    c_images["<b>Storage</b> images<br/>2 x Queue<br/>StorageAccount"]',
        "  end",
        '  subgraph s3["Access"]',
        '    c_app_access["<b>RoleAssignments</b> app-access<br/>RoleAssignment"]',
        '    c_data_roles["<b>Cosmos DB</b> data-roles<br/>SqlResourceSqlRoleDefinition"]',
        "  end",
        '  subgraph s4["Outputs"]',
        '    outputs["apiUrl<br/>sizing"]',
        "  end",
        # The roles depend on the images as well, which follows from the assignment.
        "  c_images --> c_app_access",
        "  c_app_access --> c_data_roles",
        "```",
    ]


def test_a_component_that_no_section_creates_is_an_error() -> None:
    with pytest.raises(UnassignedResourceError) as error:
        component_diagram(recording(resource("image-pipeline:index:Search::search")), read_sections(PROGRAM))
    assert str(error.value) == "no section creates Search search"


def test_the_diagram_of_the_documents_has_the_sections_of_the_program_in_their_order() -> None:
    program = (ROOT / "__main__.py").read_text()
    titles = re.findall(r"^# --- (.+)$", program, re.MULTILINE)
    document = (ROOT / "docs/architecture.md").read_text()
    assert re.findall(r'^  subgraph s\d+\["(.+)"\]$', document, re.MULTILINE) == titles
    assert len(titles) > 10


@pytest.mark.parametrize("item", read_recordings(), ids=lambda item: f"{item.stack}-{item.network}")
def test_every_component_of_every_stack_is_in_a_section(item: Recording) -> None:
    diagram = component_diagram(
        item, read_sections((ROOT / "__main__.py").read_text(), (ROOT / "infra/stack_analyzer.py").read_text())
    )
    top_level = [resource for resource in item.resources.values() if resource.parent.startswith("pulumi:pulumi:Stack")]
    assert len(top_level) > 15
    # One box for each, one for Cosmos DB's roles, one for the stack outputs.
    assert len(re.findall(r'^    \w+\["', diagram, re.MULTILINE)) == len(top_level) + 2


USER = "99999999-8888-4777-8666-555555555555"
CONTAINER = "azure-native:storage:BlobContainer::images-container"
ITEMS = "azure-native:cosmosdb:SqlResourceSqlContainer::records-images"


def access(stack: str, network: str, *, more: bool) -> Recording:
    def item(key: str, **inputs: object) -> RecordedResource:
        return RecordedResource(key=key, inputs=inputs, parent=STACK, dependencies=frozenset())

    roles = "/subscriptions/1/providers/Microsoft.Authorization/roleDefinitions/"
    resources = [
        item(CONTAINER, containerName="images"),
        item(ITEMS, containerName="images"),
        item(
            "azure-native:authorization:RoleAssignment::a",
            principalId="function-principal",
            roleDefinitionId=f"{roles}2a2b9908-6ea1-4ae2-8e65-a410df84e7d1",
            scope=f"/{CONTAINER}",
        ),
    ]
    if more:
        resources += [
            item(
                "azure-native:authorization:RoleDefinition::uploader-role",
                roleDefinitionId="1234",
                roleName="Image Pipeline Image Uploader (x-dev-abc)",
                permissions=[{"actions": [], "dataActions": ["b/write", "a/write"]}],
            ),
            item(
                "azure-native:authorization:RoleAssignment::b",
                principalId=USER,
                roleDefinitionId=f"{roles}1234",
                scope=f"/{CONTAINER}",
            ),
            item(
                "azure-native:cosmosdb:SqlResourceSqlRoleDefinition::reader-role",
                roleName="reader",
                permissions=[{"dataActions": ["items/read"]}],
            ),
            item(
                "azure-native:cosmosdb:SqlResourceSqlRoleAssignment::c",
                principalId=USER,
                roleDefinitionId="/azure-native:cosmosdb:SqlResourceSqlRoleDefinition::reader-role",
                scope="/azure-native:cosmosdb:DatabaseAccount::records-account/dbs/db/colls/records-images",
            ),
        ]
    return Recording(stack=stack, network=network, resources={resource.key: resource for resource in resources})


RECORDINGS = [
    access("dev", "public", more=False),
    access("dev", "private", more=True),
    access("local", "public", more=True),
    access("local", "private", more=True),
]


def test_role_assignments_name_principal_role_scope_and_stacks() -> None:
    assert role_assignments_table(RECORDINGS).splitlines()[2:] == [
        "| function app (user-assigned identity) | Storage Blob Data Reader | blob container `images` | all |",
        (
            "| each of `uploaders` | `reader` (custom, Cosmos DB) | Cosmos DB container `images`"
            " | `dev` (private network), `local` |"
        ),
        (
            "| each of `uploaders` | Image Pipeline Image Uploader (custom) | blob container `images`"
            " | `dev` (private network), `local` |"
        ),
    ]


def test_custom_roles_have_their_data_actions() -> None:
    assert custom_roles_table(RECORDINGS[2:]).splitlines()[2:] == [
        "| Image Pipeline Image Uploader (custom) | `a/write`<br>`b/write` | all |",
        "| `reader` (custom, Cosmos DB) | `items/read` | all |",
    ]


def test_an_access_diagram_has_an_arrow_from_principal_to_scope() -> None:
    assert access_diagram(RECORDINGS[1]).splitlines()[2:-1] == [
        '  p1(["function app (user-assigned identity)"])',
        '  p2(["each of uploaders"])',
        '  s1["Cosmos DB container images"]',
        '  s2["blob container images"]',
        '  p1 -- "Storage Blob Data Reader" --> s2',
        '  p2 -- "reader (custom, Cosmos DB)" --> s1',
        '  p2 -- "Image Pipeline Image Uploader (custom)" --> s2',
    ]


def test_a_principal_without_a_name_in_the_documents_is_an_error() -> None:
    item = RecordedResource(
        key="azure-native:authorization:RoleAssignment::a",
        inputs={
            "principalId": "api-principal",
            "roleDefinitionId": "/x/2a2b9908-6ea1-4ae2-8e65-a410df84e7d1",
            "scope": f"/{CONTAINER}",
        },
        parent=STACK,
        dependencies=frozenset(),
    )
    with pytest.raises(ValueError, match="a is for api-principal, which has no name in the documents"):
        role_assignments_table([recording(item)])


def test_every_role_assignment_of_the_local_stack_is_in_the_table_of_the_documents() -> None:
    local = read_recording("local", "public")
    count = len(local.of_type("authorization:RoleAssignment")) + len(
        local.of_type("cosmosdb:SqlResourceSqlRoleAssignment")
    )
    document = (ROOT / "docs/role-assignments.md").read_text()
    rows = re.findall(r"^\| (?:function app|API app|Event Grid system topic|each of) ", document, re.MULTILINE)
    # One row stands for each of the two uploaders.
    uploader_rows = [row for row in rows if "each of" in row]
    assert len(uploader_rows) == 2
    assert len(rows) + len(uploader_rows) == count == 26
