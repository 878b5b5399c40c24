"""Reads YAML of which every value stays the text that somebody wrote, as on a command line.

YAML itself makes 83 of `0123`, 1.1 of `1.10`, and false of `no`: a branch or a project may be called so. What
type a value has is known by its setting.
"""

from __future__ import annotations

from typing import Any

import yaml


def written_yaml(text: str) -> Any:
    """Return a document's lists and mappings of texts; `null` and `~` are None, as is an empty document.

    Raises:
        yaml.YAMLError: it cannot be read.
    """
    return yaml.load(text, _Loader)


class _Loader(yaml.SafeLoader):
    def construct_written(self, node: yaml.ScalarNode) -> str:
        return str(node.value)

    def construct_nothing(self, node: yaml.ScalarNode) -> str | None:
        return None if node.value else ""  # `project:` says as much as `-p project=`


for _kind in ("bool", "int", "float", "timestamp"):
    _Loader.add_constructor(f"tag:yaml.org,2002:{_kind}", _Loader.construct_written)
_Loader.add_constructor("tag:yaml.org,2002:null", _Loader.construct_nothing)
