"""A stack's file as Pulumi writes it: numbers and booleans are strings, and mean the same."""

import shutil
from pathlib import Path

import pytest
import yaml

from infra import Settings
from tests.support import pulumi_recorder
from tests.support.pulumi_recorder import ROOT, configuration


@pytest.mark.parametrize("stack", ["dev", "staging", "prod"])
def test_a_file_that_pulumi_has_written_means_the_same(
    stack: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = configuration(stack)
    name = f"stacks/Pulumi.{stack}.yaml"
    document = yaml.safe_load((ROOT / name).read_text())
    # As `pulumi stack init` and `pulumi config set` do.
    text_of_file = {key: _as_pulumi_writes(value) for key, value in document["config"].items()}
    assert text_of_file != document["config"]
    (tmp_path / "stacks").mkdir()
    (tmp_path / name).write_text(yaml.safe_dump({"config": text_of_file}))
    shutil.copy(ROOT / "Pulumi.yaml", tmp_path)
    monkeypatch.setattr(pulumi_recorder, "ROOT", tmp_path)
    assert configuration(stack) == expected
    assert Settings.parse(configuration(stack)) == Settings.parse(expected)


def _as_pulumi_writes(value: object) -> object:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int):
        return str(value)
    return value


def test_a_text_that_is_no_number_stays_a_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "stacks").mkdir()
    config = {"image-pipeline:imagesPerMonth": "many", "image-pipeline:namePrefix": "123"}
    (tmp_path / "stacks/Pulumi.dev.yaml").write_text(yaml.safe_dump({"config": config}))
    shutil.copy(ROOT / "Pulumi.yaml", tmp_path)
    monkeypatch.setattr(pulumi_recorder, "ROOT", tmp_path)
    values = configuration("dev")
    assert (values["imagesPerMonth"], values["namePrefix"]) == ("many", "123")
