"""The settings of a run: type, default, meaning, and what else each says of itself."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final, Literal

from pydantic import (
    Field,
    PrivateAttr,
    SecretStr,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_settings import BaseSettings, SettingsConfigDict

from runner.errors import ConfigurationError
from runner.settings.types import (
    Address,
    Collection,
    ModelName,
    Names,
    Occasions,
    PathText,
    Words,
    number_as_text,
)
from runner.wording.ui_language import UiLanguage
from stagekit.base.collection_settings import CollectionSettings
from stagekit.base.paths import outputs_path
from stagekit.base.secret_files import secret_from_file
from stagekit.errors import StageError

PREFIX: Final = "NIC_ETL_"
"""Of the environment variables that are settings."""

SECRETS = {
    "gitlab_token": "GITLAB_TOKEN",
    "qdrant_api_key": "QDRANT_API_KEY",
    "hf_token": "HF_TOKEN",
    "notify_urls": "NIC_ETL_NOTIFY_URLS",
    "encryption_key": "NIC_ETL_ENCRYPTION_KEY",
}
"""Names that look like settings but are secrets, and the environment variable of each."""

MAPPINGS: Final = {"qdrant_collection": CollectionSettings}
"""Settings that are mappings, and the types of their keys."""


@dataclass(frozen=True)
class Marks:
    """What a setting says of itself beside its value.

    Attributes:
        group: the heading that it stands below.
        affects_result: something else comes of a run where it has another value; otherwise it says how fast a
            run works, how long it may, or how a service is reached: no stage is repeated for it, and a run
            that is resumed may have another value.
        runner_only: no notebook may ask for it.
        simple: nearly everybody sets it, so that forms show it first.
    """

    group: str
    affects_result: bool = True
    runner_only: bool = False
    simple: bool = False


def _setting(group: str, default: Any, description: str, **more: Any) -> Any:
    """Return the field of a setting; what is no mark of it limits its value."""
    said: dict[str, Any] = {"group": group}
    said |= {name: more.pop(name) for name in ("affects_result", "runner_only", "simple") if name in more}
    return Field(default, description=description, json_schema_extra=said, **more)


_source = partial(_setting, "Source")
_processing = partial(_setting, "Processing")
_embedding = partial(_setting, "Chunking and embedding")
_storage = partial(_setting, "Storage")
_services = partial(_setting, "Services")
_behaviour = partial(_setting, "Behaviour")


def marks(name: str) -> Marks:
    """Return what a setting says of itself."""
    said: Any = PipelineConfig.model_fields[name].json_schema_extra
    return Marks(**said)


def affects_result(name: str) -> bool:
    """Tell whether something else comes of a run where a setting has another value."""
    return marks(name).affects_result


class PipelineConfig(BaseSettings):
    """The settings of a run. Secrets are none of them: they stay in the environment."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="forbid", frozen=True)

    # Source
    source: Literal["git", "gitlab"] = _source("git", "where the documents are", simple=True)
    source_path: PathText = _source("", "git repository or folder; empty: the bundled sample", simple=True)
    project: str = _source("", "name of the source; empty: the one source of the outputs folder")
    gitlab_url: Address = _source("https://gitlab.com", "root of the GitLab instance", simple=True)
    gitlab_project: str = _source("", "GitLab project, as group/name or number", simple=True)
    gitlab_file_timeout_s: float = _source(
        600, "seconds one file may take as a whole", gt=0, affects_result=False
    )
    target_branch: str = _source("", "branch or tag; empty: GitLab's default, or the checkout", simple=True)
    target_folder: Names = _source(["30-Aprovados"], "folders that hold approved documents", simple=True)
    include_extensions: Names = _source(
        ["pdf", "docx", "md", "txt", "png", "jpg", "jpeg"], "file types that are documents"
    )
    include_statuses: Names = _source(
        ["approved", "published"], "statuses that are served, of those that documents declare"
    )
    status_words: Words = _source(
        {}, "further words that documents say their status with, such as {vigorante: approved}"
    )
    include_expired: bool = _source(True, "serve documents whose expiration date has passed, too, and say so")
    today: str = _source(
        "", "day on which expiry is judged, as YYYY-MM-DD; empty: today", pattern=r"^$|^\d{4}-\d\d-\d\d$"
    )
    include_paths: Names = _source(
        [], "patterns of paths, of files or of folders, of which one must match; empty: all"
    )
    exclude_paths: Names = _source([], "patterns of paths that are left out, alike")
    max_file_size_mb: float = _source(100, "larger files are ignored, with a reason", gt=0)

    document_limit: int = _source(0, "only the first so many documents, for a trial; 0: all", ge=0)

    # Processing
    layout_profile: Literal["packaged", "docling"] = _processing(
        "packaged", "layout model: from packages (no network), or Docling's own"
    )
    ocr_engine: Literal["rapidocr", "tesseract", "none"] = _processing("rapidocr", "OCR engine")
    inference_engine: Literal["auto", "openvino", "onnx"] = _processing(
        "auto", "what runs the layout and OCR models; auto: openvino where the processor has bfloat16"
    )
    ocr_languages: Names = _processing(["pt", "en", "es"], "languages that OCR expects")
    ocr_embedded_images: bool = _processing(False, "read the text in pictures of Office documents")
    artifacts_path: PathText = _processing("", "folder with Docling's models; empty: from the hub")
    min_confidence_threshold: float = _processing(0.8, "documents below are flagged", ge=0, le=1)
    min_text_coverage: float = _processing(0.98, "share of a document's words to be kept", ge=0, le=1)
    enable_quality_gates: bool = _processing(True, "judge each document by the two thresholds")
    max_pages: int = _processing(2000, "longer documents are rejected", gt=0)
    workers: int = _processing(
        0, "conversion processes; 0: one a core, as memory allows", ge=0, affects_result=False
    )
    document_timeout_s: int = _processing(600, "seconds that one document may take", gt=0)
    document_memory_mb: int = _processing(3000, "memory that one document may take, in MB", gt=0)
    dask_scheduler: Address = _processing(
        "",
        "Dask cluster that converts and embeds, as tcp://host:8786; empty: this machine",
        pattern=r"^$|^(tcp|tls|ws|wss)://\S+$",
    )

    # Chunking and embedding
    chunk_size: int = _embedding(500, "tokens of a chunk, in the embedding model's tokenizer", gt=0)
    chunk_overlap: int = _embedding(100, "tokens that neighbouring chunks share", ge=0)
    struck_text: Literal["mark", "drop"] = _embedding(
        "mark", "text that a document strikes out; mark: kept between ~~, found last; drop: left out"
    )
    embedding_model: ModelName = _embedding(
        "packaged/multilingual-e5-small", "packaged/…, a hub name, or a local folder"
    )
    model_revision: str = _embedding("", "revision of a hub model; empty: its main branch")
    embedding_dtype: Literal["float32", "bfloat16", "int8", "auto", "fastest"] = _embedding(
        "auto",
        "number type that the model computes in; auto and fastest: bfloat16 where the processor "
        "or GPU has it, else float32 and int8",
    )
    embedding_backend: Literal["auto", "torch", "onnx", "openvino"] = _embedding(
        "auto", "library that computes; auto: the fastest that makes vectors of the number type"
    )
    device: str = _embedding("auto", "cpu, cuda, or auto", pattern=r"^(cpu|cuda(:\d+)?|auto)$")
    batch_size: int = _embedding(
        32, "texts embedded together, of as many documents as that takes", gt=0, affects_result=False
    )
    hybrid_search: bool = _embedding(
        True, "add sparse vectors of words (BM25) to the dense vectors of meaning"
    )

    # Storage
    qdrant_url: Address = _storage(
        "embedded",
        "URL of a Qdrant server (port 6333 for http, 443 for https), or embedded",
        pattern=r"^(embedded|https?://\S+)$",
        simple=True,
    )
    qdrant_prefer_grpc: bool = _storage(
        False, "speak gRPC instead of REST, which is what most proxies let pass", affects_result=False
    )
    qdrant_grpc_port: int = _storage(
        6334, "port of the server for gRPC", ge=1, le=65535, affects_result=False
    )
    collection_name: str = _storage(
        "nic_documents",
        "Qdrant collection that readers use, an alias",
        pattern=r'^[^<>:"/\\|?*\x00-\x1f]{1,200}$',
    )
    collection_grace_hours: float = _storage(
        24, "hours that a collection stays after another one replaced it", ge=0, affects_result=False
    )
    qdrant_collection: Collection = _storage(
        {}, "how a new collection is built: a mapping of the keys below, such as {hnsw_m: 32}"
    )
    upsert_batch_size: int = _storage(256, "points of one request", gt=0, affects_result=False)
    max_deletion_share: float = _storage(
        0.2, "a run that would delete more than that and more than five documents stops", ge=0, le=1
    )
    allow_mass_deletion: bool = _storage(False, "go on all the same", affects_result=False)

    # Services
    ca_file: PathText = _services(
        "",
        "PEM file of a private certificate authority, trusted beside the public ones",
        affects_result=False,
    )
    request_timeout_s: float = _services(
        60, "seconds GitLab may send nothing, or Qdrant take for an answer", gt=0, affects_result=False
    )
    retry_budget_s: float = _services(
        300, "seconds a stage may wait for GitLab or Qdrant in all", ge=0, affects_result=False
    )

    # Behaviour
    outputs_dir: PathText = _behaviour(
        "", "executed notebooks, artifacts, state; empty: outputs/", affects_result=False, runner_only=True
    )
    encrypt_outputs: bool = _behaviour(
        False, "refuse to run unless the outputs are encrypted (NIC_ETL_ENCRYPTION_KEY)", runner_only=True
    )
    organization: str = _behaviour("NIC", "organization named in each payload")
    force_refresh: bool = _behaviour(False, "execute every stage, whatever is unchanged")
    skip_existing: bool = _behaviour(True, "carry over stages whose inputs did not change")
    max_retries: int = _behaviour(
        3, "further tries of a stage whose service failed", ge=0, affects_result=False
    )
    max_failure_rate: float = _behaviour(0.01, "share of failed documents a stage bears", ge=0, le=1)
    parallel_processing: bool = _behaviour(True, "run independent stages side by side", affects_result=False)
    memory_limit_mb: int = _behaviour(
        0, "memory of a stage's kernel; 0: no limit", ge=0, affects_result=False
    )
    stage_timeout_s: int = _behaviour(0, "time limit of a stage; 0: none", ge=0, affects_result=False)
    metrics_file: PathText = _behaviour(
        "", "file for Prometheus; empty: metrics.prom in outputs_dir", affects_result=False, runner_only=True
    )
    notify_on: Occasions = _behaviour(
        ["failed", "partial", "recovered"],
        "what is told to NIC_ETL_NOTIFY_URLS: failed, partial, recovered, cancelled, success",
        affects_result=False,
        runner_only=True,
    )
    ui_language: UiLanguage = _behaviour(
        "auto",
        "language of report, dashboard and terminal; auto: that of LC_ALL, LC_MESSAGES or LANG",
        affects_result=False,
        runner_only=True,
    )

    _renamed: tuple[str, ...] = PrivateAttr(())

    @property
    def renamed(self) -> tuple[str, ...]:
        """A sentence for each setting that was given under a former name."""
        return self._renamed

    @field_validator("*", mode="before")
    @classmethod
    def _text(cls, value: Any, info: ValidationInfo) -> Any:
        is_text = cls.model_fields[info.field_name or ""].annotation in (str, list[str])
        return number_as_text(value) if is_text else value

    @model_validator(mode="before")
    @classmethod
    def _refuse_secrets(cls, values: dict[str, Any]) -> dict[str, Any]:
        # Not as a ValueError: pydantic's message would repeat the value.
        for name in SECRETS.keys() & values.keys():
            raise ConfigurationError(no_setting(name))
        return values

    @property
    def outputs(self) -> Path:
        """The outputs folder, absolute."""
        return outputs_path(self.outputs_dir)

    @property
    def gitlab_token(self) -> SecretStr | None:
        """The token of GITLAB_TOKEN or GITLAB_TOKEN_FILE; no part of the configuration that is stored.

        Raises:
            ConfigurationError: if the file cannot be read.
        """
        return _secret("gitlab_token", "token")

    @property
    def qdrant_api_key(self) -> SecretStr | None:
        """The key of QDRANT_API_KEY or QDRANT_API_KEY_FILE; no part of the configuration that is stored.

        Raises:
            ConfigurationError: if the file cannot be read.
        """
        return _secret("qdrant_api_key", "key")

    def stage_settings(self) -> dict[str, Any]:
        """Return the settings that a notebook may take as parameters, as plain JSON."""
        hidden = {name for name in type(self).model_fields if marks(name).runner_only}
        return self.model_dump(mode="json", exclude=hidden)


def no_setting(name: str, origin: str = "") -> str:
    """Return the refusal of a secret among the settings."""
    return (
        f"{name}{origin} is a secret and must not stand there: "
        f"set the environment variable {SECRETS[name]} instead."
    )


def _secret(setting: str, what: str) -> SecretStr | None:
    variable = SECRETS[setting]
    value, file = (os.environ.get(name, "").strip() for name in (variable, f"{variable}_FILE"))
    try:
        value = value or (secret_from_file(f"{variable}_FILE", file, what) if file else "")
    except StageError as error:
        raise ConfigurationError(str(error)) from None
    return SecretStr(value) if value else None
