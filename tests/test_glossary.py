"""The code defines no name that docs/glossary.md rules out."""

from pathlib import Path

import pytest

from checks.import_graph import python_files
from tests.support.glossary import DefinedName, defined_names, read_glossary

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = (
    "__main__.py",
    "infra",
    "functions",
    "policy",
    "emulator",
    "client",
    "checks",
    "examples",
    "schemas",
    "scripts",
    "benchmarks",
    "tests",
)
# Where calls create Pulumi resources: their logical names and type tokens are names too.
RESOURCE_FOLDERS = ("__main__.py", "infra", "examples")
# Names that the glossary rules out and that are right nevertheless, without underscores at their ends.
ALLOWED_NAMES = {
    "dead_letters": "Event Grid's term: dead letter",
    "dead_letters_scope": "Event Grid's term: dead letter",
    "dead-letters": "Event Grid's term: dead letter",
    "requeue_dead_letters": "Event Grid's term: dead letter",
    "measured": "a field of the stored record",
    "missed": "a field of the stored checkpoint, and of the report of reconcile",
    "listed": "a field of the report of reconcile",
    "BLOB_FOUND_EVENT_TYPE": "the type of the events that reconcile writes, ImagePipeline.BlobFound",
    "create_blob_found_event": "the type of the events that reconcile writes, ImagePipeline.BlobFound",
    "BlobNotFoundError": "Azure Storage's error code BlobNotFound",
    "CONTAINER_NOT_FOUND": "Azure Storage's error code ContainerNotFound",
    "not_found": "HTTP's status 404 Not Found",
    "NOT_FOUND": "HTTP's status 404 Not Found",
    "PRINCIPAL_NOT_FOUND": "Azure's error code PrincipalNotFound",
    "resource_not_found": "HTTP's status 404 Not Found, as Cosmos DB answers it",
    "poll_until": "the glossary's own name, in tenacity's words: retry until a condition holds",
    "latest_until": "the latest deployment, polled until a condition holds",
    "RegisterResource": "a call of Pulumi's resource monitor",
    "RegisterResourceOutputs": "a call of Pulumi's resource monitor",
    "uploader": "a principal of the setting `uploaders`",
    "worker": "Azure Functions' term for the process that runs the code",
    "left": "the left edge of a rectangle",
    "LOST": "a status of data in the report of a plan",
    "backend": "Pulumi's term for where it stores the state of stacks",
}
GLOSSARY = read_glossary((ROOT / "docs/glossary.md").read_text())


def names_of_project() -> list[DefinedName]:
    return [
        name
        for path in python_files(ROOT, *FOLDERS)
        for name in defined_names(
            path,
            path.relative_to(ROOT).as_posix(),
            resource_names=path.relative_to(ROOT).as_posix().startswith(RESOURCE_FOLDERS),
        )
    ]


RULED_OUT = [name for name in names_of_project() if GLOSSARY.violates(name.name)]


def test_no_name_is_ruled_out_by_the_glossary() -> None:
    violations = [name for name in RULED_OUT if name.name.strip("_") not in ALLOWED_NAMES]
    assert sorted(f"{name.path}:{name.line}: {name.name}" for name in violations) == []


def test_every_allowed_name_occurs() -> None:
    assert ALLOWED_NAMES.keys() - {name.name.strip("_") for name in RULED_OUT} == set()


def test_the_glossary_lists_names_words_and_participles() -> None:
    assert {"Place", "Foundation", "code_settings", "ImageRoute", "Verdict"} <= GLOSSARY.names
    assert {"clerk", "governor", "laptop", "strikes"} <= GLOSSARY.words
    assert {"told", "found", "given", "everything", "place", "part", "until"} <= GLOSSARY.vague_words
    assert {"refused", "answered", "made", "left"} <= GLOSSARY.participles
    entries = GLOSSARY.names | GLOSSARY.words | GLOSSARY.vague_words | GLOSSARY.participles
    assert len(entries) > 100


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Place", True),
        ("placement", False),
        ("place", True),
        ("birth_place", True),
        ("PlaceHolder", True),
        ("_found", True),
        ("NotFound", True),
        ("foundation", False),
        ("test_what_is_missing_is_found", False),
        ("test_the_laptop", True),
        ("deadLetterClerk", True),
        ("dead-letter-clerk", True),
        ("refused", True),
        ("REFUSED", True),
        ("refused_roles", False),
        ("source", False),
        ("sources", True),
        ("settings", False),
    ],
)
def test_a_name_is_ruled_out_as_a_whole_or_by_a_word(name: str, *, expected: bool) -> None:
    assert GLOSSARY.violates(name) is expected


DEFINITIONS = """
import json as import_name
from typing import Any as from_name

module_variable = 1
annotated: int = 2
first, (second, *third) = 1, (2, 3)
type Alias[TypeParameter] = list[TypeParameter]


class ClassName(Base, keyword=used):
    class_variable = 1

    def method(self, positional, /, argument, *arguments, keyword_only=1, **options):
        self.attribute = argument
        local = used.attribute_that_is_read
        with open(local) as file:
            walrus = (named := 1)
        for item in used:
            lambda parameter: [element for element in parameter]
        try:
            pass
        except ValueError as error:
            raise
        match local:
            case {"key": captured, **remaining}:
                pass
            case [*starred]:
                pass


async def coroutine():
    used_function(keyword_of_call=used)
"""


def test_every_kind_of_definition_is_a_name_and_a_use_is_none(tmp_path: Path) -> None:
    path = tmp_path / "file_name.py"
    path.write_text(DEFINITIONS)
    names = {name.name for name in defined_names(path, "file_name.py")}
    assert names == {
        *("file_name", "import_name", "from_name", "module_variable", "annotated", "first", "second", "third"),
        *("Alias", "TypeParameter", "ClassName", "class_variable", "method", "self", "positional", "argument"),
        *("arguments", "keyword_only", "options", "attribute", "local", "file", "walrus", "named", "item"),
        *("parameter", "element", "error", "captured", "remaining", "starred", "coroutine"),
    }


RESOURCES = """
super().__init__("image-pipeline:index:Foundation", name, {}, opts)
storage.Queue(f"{name}-governor", queue_name="images-clerk")
names.guid("role", "the text of a sentence")
"""


def test_type_tokens_and_logical_names_are_names_of_resources(tmp_path: Path) -> None:
    path = tmp_path / "component.py"
    path.write_text(RESOURCES)
    names = {name.name: name.line for name in defined_names(path, "component.py", resource_names=True)}
    assert names == {"component": 0, "image-pipeline": 2, "index": 2, "Foundation": 2, "governor": 3, "role": 4}
    assert {name for name in names if GLOSSARY.violates(name)} == {"Foundation", "governor"}


def test_planted_names_are_found_with_file_and_line(tmp_path: Path) -> None:
    path = tmp_path / "wire.py"
    path.write_text("def describe(told):\n    kept_files = told\n    return kept_files\n")
    ruled_out = [name for name in defined_names(path, "infra/wire.py") if GLOSSARY.violates(name.name)]
    assert {(name.path, name.line, name.name) for name in ruled_out} == {
        ("infra/wire.py", 0, "wire"),
        ("infra/wire.py", 1, "describe"),
        ("infra/wire.py", 1, "told"),
        ("infra/wire.py", 2, "kept_files"),
    }


def test_a_glossary_without_its_tables_is_an_error() -> None:
    with pytest.raises(ValueError, match="not enough values to unpack"):
        read_glossary("# Glossary\n")
