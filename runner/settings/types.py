"""The types of settings: what people write in a terminal, the environment or YAML, and what it means."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import AfterValidator, BeforeValidator
from pydantic_settings import NoDecode

from runner.settings.written_yaml import written_yaml
from stagekit.base.collection_settings import CollectionSettings


def _split(value: Any) -> Any:
    # NIC_ETL_TARGET_FOLDER=30-Aprovados,40-Normas is what people write; a YAML or JSON list works as well.
    if not isinstance(value, str):
        return value
    text = value.strip()
    if text.startswith("["):
        try:
            return written_yaml(text)
        except yaml.YAMLError:
            raise ValueError("must be a list such as a,b or [a, b]") from None
    return [item.strip() for item in text.split(",") if item.strip()]


def mapping_of(value: Any) -> Any:
    """Return the mapping that a text means; what is none stays as it is."""
    # As with lists: NIC_ETL_QDRANT_COLLECTION={hnsw_m: 32} is YAML, and JSON works as well.
    if not isinstance(value, str):
        return value
    try:
        return written_yaml(value) or {}
    except yaml.YAMLError:
        return value


def shortest(value: dict[str, Any]) -> dict[str, Any]:
    """Return a mapping without the keys that have their defaults."""
    return CollectionSettings.model_validate(value).differing()


def number_as_text(value: Any) -> Any:
    """Take a whole number or date that a program gives as text; a profile's values are text already."""
    if isinstance(value, list):
        return [number_as_text(item) for item in value]
    return str(value) if isinstance(value, int | date) and not isinstance(value, bool) else value


def _absolute(value: str) -> str:
    # A kernel has a working folder of its own: a relative path would mean another place there.
    return str(Path(value).expanduser().absolute()) if value else value


def _absolute_folder(value: str) -> str:
    # Of a model: what is a folder here is meant as one, anything else is a name.
    written_as_path = value.startswith((".", "~", "/"))
    return _absolute(value) if written_as_path or Path(value).is_dir() else value


def _without_credentials(value: str) -> str:
    # The configuration is stored with each run and shown on request.
    if re.search(r"//[^/]*@", value):
        raise ValueError("must not hold a user name or password: secrets come from the environment")
    return value


Status = Literal["approved", "published", "review", "draft", "archived"]
Address = Annotated[str, AfterValidator(_without_credentials)]
Names = Annotated[list[str], NoDecode, BeforeValidator(_split)]
Collection = Annotated[dict[str, Any], NoDecode, BeforeValidator(mapping_of), AfterValidator(shortest)]
Words = Annotated[dict[str, Status], NoDecode, BeforeValidator(mapping_of)]
PathText = Annotated[str, AfterValidator(_absolute)]
ModelName = Annotated[str, AfterValidator(_absolute_folder)]
Occasions = Annotated[
    list[Literal["failed", "partial", "recovered", "cancelled", "success"]],
    NoDecode,
    BeforeValidator(_split),
]
