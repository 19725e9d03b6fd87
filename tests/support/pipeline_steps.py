"""The steps of the pipelines' files that run a command, with their variables, as the vendors would resolve them."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
WORKFLOWS = ROOT / ".github/workflows"
AZURE_PIPELINES = ROOT / "azure-pipelines"
_EXPRESSION = re.compile(r"\$\{\{ *(.*?) *\}\}")
_MACRO = re.compile(r"\$\(([\w.]+)\)")


@dataclass(frozen=True, kw_only=True)
class Step:
    """A step that runs a command.

    Attributes:
        stage: The stage that it belongs to (Azure DevOps only, where there are stages).
        job: The job that it belongs to, by its key in the file.
        name: What the vendor displays.
        command: The text that a shell runs.
        variables: The environment variables that the step states.
        signs_in: Whether the step gets the identity of a service connection (Azure DevOps only).
    """

    stage: str = ""
    job: str
    name: str
    command: str
    variables: Mapping[str, str] = field(default_factory=dict)
    signs_in: bool = False


def load(path: Path) -> dict[str, Any]:
    """Read a YAML file, with `on` as a string: YAML 1.1 takes it for a boolean."""
    document = yaml.safe_load(path.read_text())
    if True in document:
        document["on"] = document.pop(True)
    return document


def _resolve(value: Any, values: dict[str, str], pattern: re.Pattern[str]) -> str:
    """The text with each expression replaced; KeyError for one that the test does not know."""
    return pattern.sub(lambda match: values[match[1]], str(value))


def github_steps(name: str, values: dict[str, str]) -> list[Step]:
    """Return the commands of a workflow in .github/workflows, job by job.

    Args:
        name: The workflow's file name.
        values: The value of each expression, such as `inputs.stack`.
    """
    steps: list[Step] = []
    for key, job in load(WORKFLOWS / name)["jobs"].items():
        for step in job.get("steps", []):
            if "run" in step:
                assert not _EXPRESSION.search(step["run"]), "expressions belong into env"
                variables = {
                    variable: _resolve(value, values, _EXPRESSION) for variable, value in step.get("env", {}).items()
                }
                steps.append(Step(job=key, name=step["name"], command=step["run"], variables=variables))
    return steps


def azure_devops_steps(name: str, values: dict[str, str]) -> list[Step]:
    """Return the commands of a pipeline in azure-pipelines, job by job, with its templates.

    Args:
        name: The pipeline's file name.
        values: The value of each macro, such as `System.AccessToken`, and of each parameter of the pipeline.
    """
    steps: list[Step] = []
    document = load(AZURE_PIPELINES / name)
    for position, step in _azure_steps(document, AZURE_PIPELINES, values, _Position()):
        command = step.get("script") or step.get("inputs", {}).get("inlineScript")
        if command is not None:
            assert not _EXPRESSION.search(command), "expressions belong into env"
            assert not _MACRO.search(re.sub(r"\$\(az [^)]*\)", "", command)), "macros belong into env"
            variables = {
                variable: _resolve(_expand(value, values), values, _MACRO)
                for variable, value in step.get("env", {}).items()
            }
            steps.append(
                Step(
                    stage=position.stage,
                    job=position.job,
                    name=step["displayName"],
                    command=command,
                    variables=variables,
                    signs_in="azureSubscription" in step.get("inputs", {}),
                )
            )
    return steps


def _expand(value: Any, values: dict[str, str]) -> str:
    def expand(match: re.Match[str]) -> str:
        function = re.fullmatch(r"lower\((.*)\)", match[1])
        return values[function[1]].lower() if function else values[match[1]]

    return _EXPRESSION.sub(expand, str(value))


@dataclass(frozen=True, kw_only=True)
class _Position:
    """The stage and the job of a step."""

    stage: str = ""
    job: str = ""


def _azure_steps(
    node: Any, folder: Path, values: dict[str, str], position: _Position
) -> Iterator[tuple[_Position, dict[str, Any]]]:
    """Every step below a node in the order of the file, with its parameters resolved, and where it is."""
    if isinstance(node, list):
        for item in node:
            yield from _azure_steps(item, folder, values, position)
        return
    if not isinstance(node, dict):
        return
    if "template" in node:
        path = folder / node["template"]
        parameters = {
            f"parameters.{name}": _expand(value, values) for name, value in node.get("parameters", {}).items()
        }
        inner_values = values | parameters
        template = {key: value for key, value in load(path).items() if key != "parameters"}
        for inner_position, step in _azure_steps(template, path.parent, inner_values, position):
            variables = {name: _expand(value, inner_values) for name, value in step.get("env", {}).items()}
            yield inner_position, {**step, "env": variables}
        return
    if "script" in node or "task" in node or "checkout" in node or "publish" in node or "download" in node:
        yield position, node
        return
    if "stage" in node:
        position = replace(position, stage=_expand(node["stage"], values))
    for key in ("job", "deployment"):
        if key in node:
            position = replace(position, job=_expand(node[key], values))
    for key in ("stages", "jobs", "strategy", "runOnce", "deploy", "steps"):
        if key in node:
            yield from _azure_steps(node[key], folder, values, position)


def all_azure_devops_steps(name: str, values: dict[str, str]) -> list[dict[str, Any]]:
    """Return every step of a pipeline in azure-pipelines as the file has it, also those that run no command."""
    document = load(AZURE_PIPELINES / name)
    return [step for _position, step in _azure_steps(document, AZURE_PIPELINES, values, _Position())]
