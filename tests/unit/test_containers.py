"""Promises of the container files: what they name exists, nothing runs as root, data stays on the machine."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from runner.cli.app import app
from runner.config_manager import PipelineConfig

ROOT = Path(__file__).parents[2]
_VARIABLES = {"NIC_ETL_OUTPUTS_DIR", "NIC_ETL_MODELS_DIR", "NIC_ETL_SERVE_TOKEN", "NIC_ETL_PROFILE"}


def instructions() -> list[tuple[str, str]]:
    """The Dockerfile's instructions and their arguments, continued lines joined, comments left out."""
    lines = (ROOT / "Dockerfile").read_text().splitlines()
    text = "\n".join(line for line in lines if line and not line.startswith("#"))
    joined = re.sub(r"\\\n\s*", "", text).splitlines()
    return [(name, rest) for name, _, rest in (line.partition(" ") for line in joined)]


def given(name: str) -> list[str]:
    return [rest for instruction, rest in instructions() if instruction == name]


def services() -> dict[str, Any]:
    return dict(yaml.safe_load((ROOT / "compose.yaml").read_text())["services"])


def ours() -> dict[str, Any]:
    return {name: one for name, one in services().items() if one["image"] == "nic-etl"}


def test_everything_that_is_copied_exists_and_reaches_the_builder() -> None:
    copied = [word for rest in given("COPY") if "--from" not in rest for word in rest.split()[:-1]]
    ignored, *admitted = [
        line for line in (ROOT / ".dockerignore").read_text().splitlines() if line and line[0] != "#"
    ]
    assert ignored == "*"
    assert sorted(copied) == sorted(line[1:] for line in admitted if line.startswith("!"))
    for name in copied:
        assert (ROOT / name).exists(), name
    stages = [rest.split(" AS ")[1] for rest in given("FROM") if " AS " in rest]
    assert {rest.split()[0] for rest in given("COPY") if "--from" in rest} == {f"--from={stages[0]}"}


def test_the_image_runs_as_a_user_of_its_own_offline_with_its_data_in_volumes() -> None:
    order = [name for name, _ in instructions()]
    assert order.index("USER") > max(place for place, name in enumerate(order) if name in {"RUN", "COPY"})
    [user] = given("USER")
    assert user not in {"root", "0"}
    assert any(f"useradd --uid 10001 --create-home {user} " in rest for rest in given("RUN"))
    variables = dict(pair.split("=", 1) for rest in given("ENV") for pair in shlex.split(rest))
    assert variables["HF_HUB_OFFLINE"] == "1"
    volumes = json.loads(given("VOLUME")[0])
    for name in ("NIC_ETL_OUTPUTS_DIR", "NIC_ETL_MODELS_DIR", "HF_HOME"):
        assert any(variables[name].startswith(volume) for volume in volumes), name


def test_the_image_has_the_python_and_the_extras_of_the_project() -> None:
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert {rest.split(" ")[0] for rest in given("FROM")} == {"python:3.11-slim"}
    wanted = re.findall(r"--extra (\w+)", "\n".join(given("RUN")))
    assert set(wanted) <= project["optional-dependencies"].keys() - {"dev"}
    assert given("ENTRYPOINT") == [json.dumps(list(project["scripts"]))]


@pytest.mark.parametrize(
    "words",
    [
        *(one["command"] for one in ours().values()),
        *(one["healthcheck"]["test"][2:] for one in ours().values() if "healthcheck" in one),
        json.loads(given("CMD")[0]),
    ],
    ids=lambda words: words[0],
)
def test_every_command_and_option_exists(words: list[str]) -> None:
    said = CliRunner().invoke(app, [words[0], "--help"], terminal_width=200)
    assert said.exit_code == 0, said.output
    for word in words:
        assert not word.startswith("--") or word in said.output, word


def test_services_read_what_they_share_and_are_reached_from_this_machine_only() -> None:
    whole = yaml.safe_load((ROOT / "compose.yaml").read_text())
    named = set(whole["volumes"])
    for name, service in services().items():
        for volume in service["volumes"]:
            source = volume.split(":")[0]
            assert source in named or source == "${NIC_ETL_DOCUMENTS", (name, volume)
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", [])), name
        assert set(service["networks"]) <= set(whole["networks"])
        for key, value in service["environment"].items():
            assert not ("KEY" in key or "TOKEN" in key) or value.startswith("${"), f"a secret in {name}"
    for service in ours().values():
        for variable in service["environment"]:
            setting = variable.removeprefix("NIC_ETL_").lower()
            assert variable in _VARIABLES | {"QDRANT_API_KEY"} or setting in PipelineConfig.model_fields
        assert service["read_only"]
        assert service["cap_drop"] == ["ALL"]
