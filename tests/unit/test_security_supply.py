"""Promises about what is installed and loaded: by hash, never a pickle, never a model's own code."""

from __future__ import annotations

import ast
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CODE = [*(ROOT / "runner").rglob("*.py"), *(ROOT / "stage_notebooks" / "stagekit").rglob("*.py")]
MAKEFILE = (ROOT / "Makefile").read_text()


def test_everything_is_installed_by_hash() -> None:
    installs = re.findall(r"pip (?:install|sync) .*", MAKEFILE)
    assert len(installs) == 3
    assert [line for line in installs if "--require-hashes" not in line and "--no-deps" not in line] == []
    requirements = re.split(r"\n(?=[a-z0-9])", (ROOT / "requirements.lock").read_text())
    packages = [entry for entry in requirements if re.match(r"[a-z0-9][\w.-]*==", entry)]
    assert len(packages) > 100
    assert [entry.split()[0] for entry in packages if "--hash=sha256:" not in entry] == []


@pytest.mark.parametrize(
    ("said", "code", "ends", "told"),
    [
        ("Found 2 known vulnerabilities in 1 package", 1, 2, "Found 2 known"),
        ("No known vulnerabilities found", 0, 0, "pip-audit: No known vulnerabilities found"),
        ("ConnectionError: no route to host", 1, 0, "pip-audit was skipped"),
    ],
)
def test_known_vulnerabilities_fail_the_check_and_a_missing_network_is_told(
    tmp_path: Path, said: str, code: int, ends: int, told: str
) -> None:
    program = tmp_path / "uv"
    program.write_text(f"#!/bin/sh\necho '{said}'\nexit {code}\n")
    program.chmod(0o700)
    done = subprocess.run(
        ["make", "-s", "audit", "READY=", f"BIN={tmp_path}"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == ends, done.stderr
    assert told in done.stdout


def test_nothing_is_unpickled_and_no_model_brings_code() -> None:
    for path in CODE:
        tree = ast.parse(path.read_text())
        imported = {
            alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names
        }
        assert not imported & {"pickle", "dill", "joblib", "marshal", "shelve", "cloudpickle"}, path
        for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
            named = {word.arg: word.value for word in call.keywords}
            name = ast.unparse(call.func)
            assert name not in {"eval", "exec", "yaml.unsafe_load", "pickle.loads"}, path
            assert name != "torch.load" or ast.unparse(named["weights_only"]) == "True", path
            trusted = named.get("trust_remote_code")
            assert trusted is None or ast.unparse(trusted) == "False", path
