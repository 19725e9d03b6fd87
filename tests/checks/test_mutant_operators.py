"""What is mutated and how: operators, exclusions, samples, and the names of modules and tests."""

from pathlib import Path

import pytest

from checks.mutants.accepted import entries_without_candidate, entries_without_module, read_accepted
from checks.mutants.mutants import ModuleSource, Mutant
from checks.mutants.project import PROJECT, Area, Module, Project, ProjectError

MODULE = Module(path="shop/price.py", name="shop.price", area=Area(source="shop", tests=("tests",)))


def mutants(text: str) -> list[Mutant]:
    return ModuleSource(MODULE, f"{text}\n").sample(1000, 1)


def changes(text: str, operator: str) -> list[str]:
    """The sources that an operator makes of one, in the order of the places."""
    return [mutant.source.strip() for mutant in mutants(text) if mutant.candidate.operator == operator]


@pytest.mark.parametrize(
    ("operator", "source", "expected"),
    [
        ("NumberReplacer", "x = 5", ["x = 6", "x = 4"]),
        ("ReplaceComparisonOperator_Lt_LtE", "x = a < b", ["x = a <= b"]),
        ("ReplaceBinaryOperator_Mul_Div", "x = a * b", ["x = a / b"]),
        ("ReplaceBinaryOperator_Mul_Div", "def f(a, *, b): return a", []),
        ("ReplaceAndWithOr", "x = a and b", ["x = a or b"]),
        ("AddNot", "x = 1 if a else 2", ["x = 1 if not a else 2"]),
        ("RemoveOperand", "x = a and b and c", ["x = b and c", "x = a and c", "x = a and b"]),
        ("RemoveOperand", "x = a or b", ["x = b", "x = a"]),
        ("RemoveStatement", "f(1)", ["pass"]),
        ("RemoveStatement", "self.x = 1", ["pass"]),
        ("RemoveStatement", "x += 1", ["pass"]),
        ("RemoveStatement", "x = 1", []),
        ("RemoveStatement", "def f():\n  await g()", ["def f():\n  pass"]),
        ("RemoveStatement", "try: f = 1\nexcept OSError: raise", ["try: f = 1\nexcept OSError: pass"]),
        ("RemoveStatement", "def f():\n  yield 1", ["def f():\n  pass"]),
        ("ReplaceReturnWithNone", "def f(): return 1", ["def f(): return None"]),
        ("ReplaceReturnWithNone", "def f(): return None", []),
        ("RemoveKeywordArgument", "x = f(1, a=2, b=3)", ["x = f(1, b=3)", "x = f(1, a=2)"]),
        ("RemoveKeywordArgument", "x = f(a=2)", ["x = f()"]),
        ("RemoveKeywordArgument", "x = f(a=2,)", ["x = f()"]),
        ("RemoveElement", "x = [a, b]", ["x = [ b]", "x = [a]"]),
        ("RemoveElement", "x = (a, b)", ["x = ( b,)", "x = (a,)"]),
        ("RemoveElement", "x = (a,)", ["x = ()"]),
        ("RemoveElement", "x = {a}", ["x = set()"]),
        ("RemoveElement", "x = {1: a, **b}", ["x = { **b}", "x = {1: a}"]),
        ("RemoveElement", "x = (a + b)", []),
        ("RemoveElement", "x = [a for a in b]", []),
        ("ReplaceString", 'x = "a" "b"', ['x = "XXa" "b"']),
        ("ReplaceString", "x = f'{a}'", ["x = f'XX{a}'"]),
        ("ReplaceString", 'x = rb"\\d"', ['x = rb"XX\\d"']),
        (
            "ReplaceException",
            "try: a = b\nexcept OSError as error: pass",
            ["try: a = b\nexcept ZeroDivisionError as error: pass"],
        ),
        ("ReplaceException", "try: a = b\nexcept c.D: pass", ["try: a = b\nexcept ZeroDivisionError: pass"]),
        (
            "RemoveElement",
            "try: a = b\nexcept (C, d.E): pass",
            [
                "try: a = b\nexcept ( d.E,): pass",
                "try: a = b\nexcept (C,): pass",
            ],
        ),
        ("ReplaceMembership", "x = a in b", ["x = a not in b"]),
        ("ReplaceMembership", "x = a not in b", ["x = a in b"]),
        ("RemoveSlice", "x = a[1:3]", ["x = a"]),
        ("RemoveSlice", "x = a[1]", []),
        ("ReplaceFunction", "x = min(a, b)", ["x = max(a, b)"]),
        ("ReplaceFunction", "x = min", []),
        ("RemoveTextMethod", "x = a.lower().b", ["x = a.b"]),
    ],
)
def test_an_operator_makes_these_mutants(operator: str, source: str, expected: list[str]) -> None:
    assert changes(source, operator) == expected


@pytest.mark.parametrize(
    "source",
    [
        '"""Text about the module."""',
        'def f():\n    """Text about the function."""',
        "import os",
        "from os import path",
        '__all__ = ["a"]',
        "x: int | None",
        "def f(x: int | None) -> int | None: ...",
        "class A[T: (int, str)]: ...",
        "type X = int | str",
        "@override\ndef f(): ...",
        "@dataclass(frozen=True, kw_only=True)\nclass A: ...",
        "class A(B, frozen=True): ...",
        'x = cast("int", y)',
        "class A(Protocol):\n    @property\n    def a(self) -> int: ...",
    ],
)
def test_documentation_and_declarations_are_not_mutated(source: str) -> None:
    assert mutants(source) == []


@pytest.mark.parametrize(
    ("source", "count"),
    [
        ('raise OSError("no such file")', 0),
        ('raise OSError(f"no {name}")', 0),
        ('raise OSError("NotFound")', 1),
        ('x = OSError("no such file")', 0),
        ('log.info("a b", c)', 0),
        ('x = rule(advice="try again")', 0),
        ('x = rule(name="try again")', 1),
        ('x = "three words follow"', 0),
        ('x = f"the {name} is refused"', 0),
        ('x = "two words"', 1),
        ('x = "where a == b | project a and b"', 1),
        ('x = "SELECT VALUE c.id FROM c"', 1),
    ],
)
def test_texts_for_people_are_not_mutated(source: str, count: int) -> None:
    assert len(changes(source, "ReplaceString")) == count


def test_a_message_argument_is_not_removed() -> None:
    assert changes('x = rule(name="a", description="What it is.")', "RemoveKeywordArgument") == [
        'x = rule(description="What it is.")'
    ]


def test_positions_after_characters_of_several_bytes_are_right() -> None:
    assert changes('x = ["äöü", cast("list[int]", y), "z"]', "ReplaceString") == [
        'x = ["XXäöü", cast("list[int]", y), "z"]',
        'x = ["äöü", cast("list[int]", y), "XXz"]',
    ]


SOURCE = "".join(f"def f{number}(a):\n    return a + {number}\n" for number in range(20))


def test_a_sample_depends_on_its_seed_alone() -> None:
    first = [mutant.source for mutant in ModuleSource(MODULE, SOURCE).sample(10, 1)]
    again = [mutant.source for mutant in ModuleSource(MODULE, SOURCE).sample(10, 1)]
    other = [mutant.source for mutant in ModuleSource(MODULE, SOURCE).sample(10, 2)]
    assert len(first) == len(set(first)) == 10
    assert first == again
    assert first != other


def test_a_smaller_sample_is_a_part_of_a_larger_one() -> None:
    small = {mutant.source for mutant in ModuleSource(MODULE, SOURCE).sample(5, 1)}
    large = {mutant.source for mutant in ModuleSource(MODULE, SOURCE).sample(30, 1)}
    assert small < large


def test_all_candidates_are_drawn_when_there_are_few() -> None:
    assert [mutant.source for mutant in ModuleSource(MODULE, "x = not a\n").sample(45, 1)] == ["x =  a\n"]


def test_a_change_that_is_no_python_or_no_change_is_no_mutant() -> None:
    assert changes("for x in a:\n    pass\nelse:\n    b = 1", "ReplaceBreakWithContinue") == []
    assert changes("def f(*, a): return {**a, 1: 2}", "ReplaceBinaryOperator_Pow_Mul") == []


def test_occurrences_count_the_places_of_an_operator_on_lines_of_the_same_text() -> None:
    positions = [
        (candidate.text, candidate.occurrence, candidate.start[0])
        for candidate in ModuleSource(MODULE, "x = f(1)\ny = 2\nx = f(1)\n").candidates
        if candidate.operator == "NumberReplacer"
    ]
    assert positions == [
        ("x = f(1)", 0, 1),
        ("x = f(1)", 1, 1),
        ("y = 2", 0, 2),
        ("y = 2", 1, 2),
        ("x = f(1)", 2, 3),
        ("x = f(1)", 3, 3),
    ]


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("x = [\n    1,\n]\n", range(1, 4)),
        ("@f(1)\ndef g():\n    a = b\n", range(1, 3)),
        ("if a > 1:\n    b = c\n", range(1, 2)),
        ("match a:\n    case 1:\n        b = c\n", range(2, 3)),
    ],
)
def test_a_mutant_has_the_lines_of_its_statement_without_the_body(text: str, lines: range) -> None:
    assert {mutant.lines for mutant in mutants(text) if mutant.candidate.operator == "NumberReplacer"} == {lines}


def project(root: Path, **changed: tuple[Area, ...]) -> Project:
    (root / "pyproject.toml").write_text('[tool.pytest.ini_options]\npythonpath = [".", "apps/one"]\n')
    for path in ("shop/__init__.py", "shop/table.py", "apps/one/main/part.py", "tests/shop/test_price_list.py"):
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text("X = 1\n")
    for path in ("shop/price.py", "apps/one/main/code.py"):
        (root / path).write_text("def f():\n    return 1\n")
    areas = (Area(source="shop", tests=("tests/shop",)), Area(source="apps/one", tests=("tests",)))
    return Project(
        root=root,
        source_folders=("shop", "apps"),
        areas=changed.get("areas", areas),
        goals=(),
        module_percent=80,
        accepted="accepted.toml",
    )


def test_modules_with_functions_are_mutated_under_the_name_that_tests_import(tmp_path: Path) -> None:
    modules = project(tmp_path).modules()
    assert [(module.path, module.name) for module in modules] == [
        ("shop/price.py", "shop.price"),
        ("apps/one/main/code.py", "main.code"),
    ]


def test_the_tests_that_bear_the_name_of_a_module_are_its_mirrored_tests(tmp_path: Path) -> None:
    shop = project(tmp_path)
    (tmp_path / "tests/shop/test_price.py").touch()
    (tmp_path / "tests/shop/test_pricing.py").touch()
    files = shop.test_files(["tests"])
    assert files == ["tests/shop/test_price.py", "tests/shop/test_price_list.py", "tests/shop/test_pricing.py"]
    assert shop.mirrored_tests(shop.modules()[0], files) == files[:2]


def test_a_module_without_an_area_is_an_error(tmp_path: Path) -> None:
    areas = (Area(source="shop", tests=("tests/shop",)),)
    with pytest.raises(ProjectError, match=r"apps/one/main/code\.py is in 0 areas"):
        project(tmp_path, areas=areas).modules()


def test_an_area_without_tests_is_an_error(tmp_path: Path) -> None:
    areas = (Area(source="shop", tests=("tests/missing",)), Area(source="apps", tests=("tests",)))
    with pytest.raises(ProjectError, match="shop has no tests: tests/missing is empty"):
        project(tmp_path, areas=areas).modules()


def test_every_module_of_this_project_is_in_an_area_with_tests() -> None:
    modules = PROJECT.modules()
    areas = {module.area.source for module in modules}
    assert areas == {"functions/api", "functions/pipeline", "functions/common", "infra", "policy"}
    assert len(modules) > 60
    assert {module.name for module in modules} >= {"classifier.triggers", "infra.core.naming", "policy.rules"}


def test_every_accepted_mutant_of_this_project_has_a_place_and_a_reason() -> None:
    entries = read_accepted(PROJECT.root / PROJECT.accepted)
    modules = {module.path: module for module in PROJECT.modules()}
    assert len(entries) >= 6
    assert entries_without_module(entries, list(modules)) == []
    for path in {entry.module for entry in entries}:
        source = ModuleSource(modules[path], (PROJECT.root / path).read_text())
        assert entries_without_candidate(entries, path, source.candidates) == []
    for entry in entries:
        kind, _, explanation = entry.reason.partition(": ")
        assert kind in {"equivalent", "text for people", "tuning"}
        assert len(explanation) > 20
