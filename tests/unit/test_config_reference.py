"""The page with every setting is that of the code."""

from __future__ import annotations

import re
from pathlib import Path

from runner.config_reference import reference
from runner.settings.pipeline_config import PipelineConfig, marks
from stagekit.base.paths import config_dir
from stagekit.base.redaction import SECRET_VARIABLES

PAGE = Path(__file__).parents[2] / "docs" / "configuration.md"


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text(encoding="utf-8") == reference(), (
        "python -m runner.config_reference > docs/configuration.md"
    )


def test_every_setting_stands_there_once_with_type_default_and_meaning() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (.+?) \| (.+?) \| (.+) \|$", reference(), re.M)
    names = [row[0] for row in rows]
    assert set(PipelineConfig.model_fields) <= set(names)
    described = [row for row in rows if row[0] in PipelineConfig.model_fields]
    assert all(all(cell.strip() for cell in row) for row in described[: len(PipelineConfig.model_fields)])


def test_every_secret_is_named_there() -> None:
    page = reference()
    aliases = {"HUGGING_FACE_HUB_TOKEN"}  # the hub's older name of HF_TOKEN
    assert [name for name in SECRET_VARIABLES if f"`{name}`" not in page and name not in aliases] == []


def test_a_setting_stands_below_its_group_in_the_file_of_defaults_too() -> None:
    heading, found = "", {}
    for line in (config_dir() / "default.yaml").read_text(encoding="utf-8").splitlines():
        if headed := re.fullmatch(r"# ([A-Z][\w ,]+)", line):
            heading = headed[1]
        elif (name := line.partition(":")[0]) in PipelineConfig.model_fields:
            found[name] = heading
    assert found == {name: marks(name).group for name in PipelineConfig.model_fields}
