"""The gallery page's modules: types, size, and the vendored library."""

from pathlib import Path

import pytest

from checks.page_modules import MAX_SIZE, PAGE, PageModuleError, check_types, module_sizes, write_api_types
from scripts.installation import ROOT


@pytest.fixture(scope="module", autouse=True)
def _api_types() -> None:
    write_api_types()


def test_the_modules_have_no_type_error() -> None:
    check_types(PAGE / "modules")


def test_a_module_that_uses_a_property_that_the_api_does_not_answer_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "lines.js").write_text(
        """\
/** @import {components} from "image-api" */
/** @param {components["schemas"]["TextLine"]} line */
export const left = (line) => line.box.x;
/** @param {components["schemas"]["TextLine"]} line */
export const points = (line) => line.polygon;
"""
    )

    with pytest.raises(PageModuleError, match=r"lines\.js\(5,\d+\): error TS2339: Property 'polygon' does not exist"):
        check_types(tmp_path)


def test_a_parameter_without_a_type_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "untyped.js").write_text("export const double = (value) => value * 2;\n")

    with pytest.raises(PageModuleError, match="implicitly has an 'any' type"):
        check_types(tmp_path)


def test_the_modules_are_no_larger_than_a_page_may_be() -> None:
    sizes = module_sizes(PAGE / "modules")

    assert sizes.code <= MAX_SIZE == 60_000


def test_comments_are_not_part_of_the_size(tmp_path: Path) -> None:
    (tmp_path / "one.js").write_text('// Why.\nexport const accept = "image/*"; /* more */\n')
    (tmp_path / "two.js").write_text("/** What. */\nexport function two() {\n  return 2;\n}\n")

    sizes = module_sizes(tmp_path)

    assert sizes.raw == 8 + 44 + 13 + 38
    assert sizes.code == len('export const accept = "image/*";\n') + 38


def test_the_vendored_library_is_the_one_of_the_npm_package() -> None:
    # npm has compared the package's archive with the hash in package-lock.json when it was installed.
    vendored = PAGE / "vendor" / "oidc-client-ts.min.js"
    package = ROOT / "node_modules" / "oidc-client-ts"

    assert vendored.read_bytes() == (package / "dist" / "browser" / "oidc-client-ts.min.js").read_bytes()
    assert (PAGE / "vendor" / "oidc-client-ts.LICENSE").read_bytes() == (package / "LICENSE").read_bytes()
    assert {path.name for path in vendored.parent.iterdir()} == {"oidc-client-ts.min.js", "oidc-client-ts.LICENSE"}
