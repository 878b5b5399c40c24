"""``python -m runner.config_reference``: the page with every setting, made from the models."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from typing import Any

import yaml

from runner.config_manager import profiles
from runner.settings.pipeline_config import MAPPINGS, PipelineConfig, marks
from runner.settings.renamed import CONSTANT, RENAMED

_HEAD = """# Configuration

Made by `python -m runner.config_reference > docs/configuration.md`; please change
`runner/settings/pipeline_config.py`.

Each setting is given by `-p name=value`, by `NIC_ETL_NAME` in the environment, or in a profile (a YAML file,
`--profile`), in that precedence; otherwise its default holds. A list is written `a,b` or `[a, b]`, a mapping
`{key: value}`; `-p setting.key=value` changes one key of a mapping, and leaves the others as they are.
`nic-etl config show` prints the value of each and where it comes from, `nic-etl config validate` says what
does not fit together, before anything starts.
"""
_SECRETS = """## Secrets

They are no settings: they come from the environment, or from a file that `NAME_FILE` names, and each stage's
kernel gets only those that it needs.

| variable | for |
|---|---|
| `GITLAB_TOKEN` | GitLab, scope `read_api` (`CI_JOB_TOKEN` in a job of GitLab CI) |
| `QDRANT_API_KEY` | the Qdrant server |
| `HF_TOKEN` | models of the hub that need one |
| `NIC_ETL_PDF_PASSWORDS` | protected PDFs, one password a line |
| `NIC_ETL_SERVE_TOKEN` | what each request to `nic-etl serve` must have |
| `NIC_ETL_NOTIFY_URLS` | where notifications go, one Apprise address a line |
| `NIC_ETL_ENCRYPTION_KEY` | the encryption of `outputs/` (`nic-etl state new-key`); every stage gets it |
| `NIC_ETL_ENCRYPTION_OLD_KEY` | the former key, for `nic-etl state rekey` |
"""
_FORMER = """## Former names

They are still understood, with a warning. Where both names are given in the same place, the new one holds;
where two former names became one, the larger number. Papermill itself, without nic-etl, does not know them.

| former name | now |
|---|---|
"""
_OTHERS = """## Other variables

| variable | for |
|---|---|
| `NIC_ETL_PROFILE` | the profile, where `--profile` does not name one |
| `NIC_ETL_OUTPUTS_DIR` | the outputs folder, for the command line and for notebooks opened by hand |
| `NIC_ETL_ARTIFACTS_URL` | an fsspec URL for the artifacts; default `outputs/artifacts` |
| `NIC_ETL_MODELS_DIR` | where models of packages are kept once converted; default `~/.cache/nic-etl/models` |
| `NIC_ETL_BFLOAT16` | `off`: models are run as on a processor without bfloat16, in float32 (or int8) |
"""


def reference() -> str:
    """Return the page as Markdown."""
    schema = PipelineConfig.model_json_schema()["properties"]
    changed = {name: yaml.safe_load(path.read_text("utf-8")) or {} for name, path in profiles().items()}
    parts = [_HEAD]
    for title, names in _groups().items():
        parts.append(f"## {title}\n\n| setting | type | default | meaning |\n|---|---|---|---|")
        parts += [_row(name, schema[name]) for name in names]
        parts.append("")
        parts += [_keys(name) for name in names if name in MAPPINGS]
    parts.append("## Profiles\n\n| setting | " + " | ".join(f"`{name}`" for name in changed) + " |")
    parts.append("|---" * (len(changed) + 1) + "|")
    for name in dict.fromkeys(name for values in changed.values() for name in values):
        cells = [_code(values[name]) if name in values else "" for values in changed.values()]
        parts.append(f"| `{name}` | {' | '.join(cells)} |")
    return "\n".join([*parts, "", _SECRETS, _OTHERS, _former()])


def _groups() -> dict[str, list[str]]:
    """Return the names of the settings by their group."""
    groups: dict[str, list[str]] = {}
    for name in PipelineConfig.model_fields:
        groups.setdefault(marks(name).group, []).append(name)
    return groups


def _keys(name: str) -> str:
    schema = MAPPINGS[name].model_json_schema()["properties"]
    rows = "\n".join(_row(key, field) for key, field in schema.items())
    return f"Keys of `{name}`:\n\n| key | type | default | meaning |\n|---|---|---|---|\n{rows}\n"


def _former() -> str:
    now = {name: f"`{target}`" for name, (target, _) in RENAMED.items()}
    now |= {name: f"no setting any more: {_code(value)} for good" for name, value in CONSTANT.items()}
    return _FORMER + "".join(f"| `{name}` | {target} |\n" for name, target in now.items())


def _row(name: str, field: Mapping[str, Any]) -> str:
    meaning = str(field["description"]).replace("|", "\\|")
    return f"| `{name}` | {_type(field)} | {_code(field['default'])} | {meaning} |"


def _type(field: Mapping[str, Any]) -> str:
    if "enum" in field:
        return ", ".join(_code(value) for value in field["enum"])
    kinds = {"array": "list", "object": "mapping"}
    kinds |= {"string": "text", "integer": "whole number", "number": "number", "boolean": "true, false"}
    limits = [
        f"{sign} {field[key]:g}"
        for key, sign in (("minimum", "≥"), ("exclusiveMinimum", ">"), ("maximum", "≤"))
        if key in field
    ]
    return " ".join([kinds[field["type"]], ", ".join(limits)]).strip()


def _code(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return f"`{text}`" if text else "empty"


if __name__ == "__main__":
    sys.stdout.write(reference())
