"""Outputs folders and collections of an earlier version, unpacked for a test."""

from __future__ import annotations

import json
import tarfile
from pathlib import Path
from typing import Any, Final
from urllib.request import Request, urlopen

ARCHIVE: Final = Path(__file__).with_name("49d1307.tar.xz")
KINDS: Final = ("embedded", "encrypted", "two_sources")
SERVER_DUMP: Final = "collection.json"


def unpacked(kind: str, target: Path) -> Path:
    """Unpack one of :data:`KINDS` below a folder and return the folder of that kind."""
    with tarfile.open(ARCHIVE) as archive:
        members = [one for one in archive if one.name.split("/")[0] == kind]
        archive.extractall(target, members, filter="tar")
    return target / kind


def fill_server(folder: Path, url: str) -> None:
    """Give an empty Qdrant server the collections and aliases of a kind that has them."""

    def ask(method: str, path: str, body: dict[str, Any]) -> None:
        headers = {"Content-Type": "application/json"}
        with urlopen(Request(f"{url}{path}", json.dumps(body).encode(), headers, method=method)) as answer:
            answer.read()

    held = json.loads((folder / SERVER_DUMP).read_text(encoding="utf-8"))
    for name, collection in held["collections"].items():
        config = collection["config"]
        same = {key: config[key] for key in ("hnsw_config", "quantization_config", "metadata")}
        ask("PUT", f"/collections/{name}", config["params"] | same)
        for field, index in collection["indexes"].items():
            wanted = {"field_name": field, "field_schema": index.get("params") or index["data_type"]}
            ask("PUT", f"/collections/{name}/index?wait=true", wanted)
        ask("PUT", f"/collections/{name}/points?wait=true", {"points": collection["points"]})
    actions = [{"create_alias": alias} for alias in held["aliases"]]
    ask("POST", "/collections/aliases", {"actions": actions})
