"""Reads the texts of the sample: YAML front matter and the little Markdown that the renderers understand."""

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import yaml

__all__ = ["TEXTS", "Block", "Source", "load_source"]

TEXTS = Path(__file__).parent / "texts"

Kind = Literal["heading", "paragraph", "bullet", "number", "table"]


@dataclass(frozen=True)
class Block:
    """One block of a text: a heading with its level, a paragraph, a list item or a table."""

    kind: Kind
    text: str = ""
    level: int = 0
    rows: list[list[str]] = field(default_factory=list)


@dataclass(frozen=True)
class Source:
    """A text of the sample: its front matter and its blocks."""

    properties: dict[str, Any]
    blocks: list[Block]


def load_source(name: str) -> Source:
    """Reads `texts/<name>.md`.

    Raises:
        FileNotFoundError: no text has that name.
    """
    text = (TEXTS / f"{name}.md").read_text(encoding="utf-8")
    _, front_matter, body = text.split("---\n", 2)
    groups = [group for group in body.split("\n\n") if group.strip()]
    return Source(
        yaml.safe_load(front_matter), [block for group in groups for block in _blocks(group.strip())]
    )


def _blocks(group: str) -> list[Block]:
    lines = group.splitlines()
    if heading := re.match(r"(#+) (.+)", group):
        return [Block("heading", heading[2], level=len(heading[1]))]
    if group.startswith("|"):
        rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
        return [Block("table", rows=[rows[0], *rows[2:]])]
    if group.startswith("- "):
        return [Block("bullet", line.removeprefix("- ")) for line in lines]
    if re.match(r"\d+\. ", group):
        return [Block("number", line) for line in lines]
    return [Block("paragraph", " ".join(lines))]
