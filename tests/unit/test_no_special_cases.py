"""What was mended is a kind of fault: nothing of the cases by which it was found stands in the product.

``handed_cases.txt`` has the first 16 digits of the SHA-256 of their file names, and of the texts that were
looked for in them.
"""

from __future__ import annotations

import ast
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HANDED = frozenset((Path(__file__).parent / "handed_cases.txt").read_text().split())


def digest(text: str) -> str:
    return hashlib.sha256(" ".join(text.split()).encode(errors="surrogatepass")).hexdigest()[:16]


def texts_of(code: str) -> Iterator[str]:
    """Yield the texts of a module, whole and line by line."""
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value
            yield from node.value.splitlines()


def codes() -> Iterator[tuple[str, str]]:
    for folder in (ROOT / "runner", ROOT / "stage_notebooks"):
        for path in sorted(folder.rglob("*.py")):
            yield str(path.relative_to(ROOT)), path.read_text(encoding="utf-8")
    for path in sorted((ROOT / "stage_notebooks").glob("*.ipynb")):
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        for cell in cells:
            if cell["cell_type"] == "code":
                yield path.name, "".join(cell["source"])


def found(code: str) -> list[str]:
    return list(dict.fromkeys(text for text in texts_of(code) if digest(text) in HANDED))


def test_no_name_and_no_sentence_of_a_handed_case_stands_in_the_product() -> None:
    assert {name: texts for name, code in codes() if (texts := found(code))} == {}


@pytest.mark.parametrize("text", ["18_tachado.pdf", "Pagamento assim:"])
def test_one_that_did_would_be_found(text: str) -> None:
    assert found(f"if name == {text!r}:\n    pass") == [text]
