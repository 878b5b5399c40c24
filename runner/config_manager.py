"""Every setting of the pipeline, where its value comes from, and a sentence for each wrong one.

Precedence: command line > environment ``NIC_ETL_*`` > profile > default.
"""

from __future__ import annotations

import difflib
import hashlib
import json
import os
import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import yaml
from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    PrivateAttr,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_settings import BaseSettings, EnvSettingsSource, NoDecode, SettingsConfigDict

from runner.errors import ConfigurationError
from runner.renamed_settings import CONSTANT, RENAMED, RenamedSettingWarning, renamed
from stagekit.base.collection_settings import CollectionSettings, unknown_key
from stagekit.base.paths import config_dir, outputs_path
from stagekit.base.redaction import looks_like_token
from stagekit.base.secret_files import secret_from_file
from stagekit.errors import StageError

__all__ = [
    "MAPPINGS",
    "SECRETS",
    "LoadedConfig",
    "PipelineConfig",
    "WrongSettingsError",
    "config_hash",
    "default_value",
    "load_config",
    "load_recorded",
    "parse_assignments",
    "profiles",
    "recorded_settings",
]

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

_PREFIX = "NIC_ETL_"
_RECORD = "the run's record"
_OTHER_VARIABLES = {
    "PROFILE", "ARTIFACTS_URL", "MODELS_DIR", "NOTEBOOK", "PDF_PASSWORDS", "PDF_PASSWORDS_FILE",
    "NOTIFY_URLS", "NOTIFY_URLS_FILE", "ENCRYPTION_KEY", "ENCRYPTION_KEY_FILE", "ENCRYPTION_OLD_KEY",
    "ENCRYPTION_OLD_KEY_FILE", "SERVE_TOKEN", "SERVE_TOKEN_FILE",
    "WEBHOOK_TOKEN", "WEBHOOK_TOKEN_FILE",  # read by nothing any more, and still set by service units
}  # fmt: skip
_RUNNER_ONLY = {"outputs_dir", "encrypt_outputs", "metrics_file", "notify_on"}


def _split(value: Any) -> Any:
    # NIC_ETL_TARGET_FOLDER=30-Aprovados,40-Normas is what people write; a YAML or JSON list works as well.
    if not isinstance(value, str):
        return value
    text = value.strip()
    if text.startswith("["):
        try:
            return yaml.safe_load(text)
        except yaml.YAMLError:
            raise ValueError("must be a list such as a,b or [a, b]") from None
    return [item.strip() for item in text.split(",") if item.strip()]


def _mapping(value: Any) -> Any:
    # As with lists: NIC_ETL_QDRANT_COLLECTION={hnsw_m: 32} is YAML, and JSON works as well.
    if not isinstance(value, str):
        return value
    try:
        return yaml.safe_load(value) or {}
    except yaml.YAMLError:
        return value


def _shortest(value: dict[str, Any]) -> dict[str, Any]:
    return CollectionSettings.model_validate(value).differing()


def _number_as_text(value: Any) -> Any:
    """Take the whole number or date that YAML makes of 2024 or 2024-05-10 as the text that was written.

    A number with a point is not the text that it was: YAML makes 1.1 of 1.10.
    """
    if isinstance(value, list):
        return [_number_as_text(item) for item in value]
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


_Status = Literal["approved", "published", "review", "draft", "archived"]
_Address = Annotated[str, AfterValidator(_without_credentials)]
_Names = Annotated[list[str], NoDecode, BeforeValidator(_split)]
_Collection = Annotated[dict[str, Any], NoDecode, BeforeValidator(_mapping), AfterValidator(_shortest)]
_Words = Annotated[dict[str, _Status], NoDecode, BeforeValidator(_mapping)]
_Path = Annotated[str, AfterValidator(_absolute)]
_Model = Annotated[str, AfterValidator(_absolute_folder)]
_Occasions = Annotated[
    list[Literal["failed", "partial", "recovered", "cancelled", "success"]],
    NoDecode,
    BeforeValidator(_split),
]


class PipelineConfig(BaseSettings):
    """The settings of a run. Secrets are none of them: they stay in the environment."""

    model_config = SettingsConfigDict(env_prefix=_PREFIX, extra="forbid", frozen=True)

    # Source
    source: Literal["git", "gitlab"] = Field("git", description="where the documents are")
    source_path: _Path = Field("", description="git repository or folder; empty: the bundled sample")
    project: str = Field("", description="name of the source; empty: the one source of the outputs folder")
    gitlab_url: _Address = Field("https://gitlab.com", description="root of the GitLab instance")
    gitlab_project: str = Field("", description="GitLab project, as group/name or number")
    gitlab_file_timeout_s: float = Field(600, gt=0, description="seconds one file may take as a whole")
    target_branch: str = Field("", description="branch or tag; empty: GitLab's default, or the checkout")
    target_folder: _Names = Field(["30-Aprovados"], description="folders that hold approved documents")
    include_extensions: _Names = Field(
        ["pdf", "docx", "md", "txt", "png", "jpg", "jpeg"], description="file types that are documents"
    )
    include_statuses: _Names = Field(
        ["approved", "published"], description="statuses that are served, of those that documents declare"
    )
    status_words: _Words = Field(
        {}, description="further words that documents say their status with, such as {vigorante: approved}"
    )
    include_expired: bool = Field(
        True, description="serve documents whose expiration date has passed, too, and say so"
    )
    today: str = Field(
        "",
        description="day on which expiry is judged, as YYYY-MM-DD; empty: today",
        pattern=r"^$|^\d{4}-\d\d-\d\d$",
    )
    include_paths: _Names = Field(
        [], description="patterns of paths, of files or of folders, of which one must match; empty: all"
    )
    exclude_paths: _Names = Field([], description="patterns of paths that are left out, alike")
    max_file_size_mb: float = Field(100, gt=0, description="larger files are ignored, with a reason")

    document_limit: int = Field(0, ge=0, description="only the first so many documents, for a trial; 0: all")

    # Processing
    layout_profile: Literal["packaged", "docling"] = Field(
        "packaged", description="layout model: from packages (no network), or Docling's own"
    )
    ocr_engine: Literal["rapidocr", "tesseract", "none"] = Field("rapidocr", description="OCR engine")
    ocr_languages: _Names = Field(["pt", "en", "es"], description="languages that OCR expects")
    ocr_embedded_images: bool = Field(False, description="read the text in pictures of Office documents")
    artifacts_path: _Path = Field("", description="folder with Docling's models; empty: from the hub")
    min_confidence_threshold: float = Field(0.8, ge=0, le=1, description="documents below are flagged")
    min_text_coverage: float = Field(0.98, ge=0, le=1, description="share of a document's words to be kept")
    enable_quality_gates: bool = Field(True, description="judge each document by the two thresholds")
    max_pages: int = Field(2000, gt=0, description="longer documents are rejected")
    workers: int = Field(0, ge=0, description="conversion processes; 0: one a core, as memory allows")
    document_timeout_s: int = Field(600, gt=0, description="seconds that one document may take")
    document_memory_mb: int = Field(3000, gt=0, description="memory that one document may take, in MB")
    dask_scheduler: _Address = Field(
        "",
        description="Dask cluster that converts and embeds, as tcp://host:8786; empty: this machine",
        pattern=r"^$|^(tcp|tls|ws|wss)://\S+$",
    )

    # Chunking and embedding
    chunk_size: int = Field(500, gt=0, description="tokens of a chunk, in the embedding model's tokenizer")
    chunk_overlap: int = Field(100, ge=0, description="tokens that neighbouring chunks share")
    struck_text: Literal["mark", "drop"] = Field(
        "mark",
        description="text that a document strikes out; mark: kept between ~~, found last; drop: left out",
    )
    embedding_model: _Model = Field(
        "packaged/multilingual-e5-small", description="packaged/…, a hub name, or a local folder"
    )
    model_revision: str = Field("", description="revision of a hub model; empty: its main branch")
    embedding_dtype: Literal["float32", "bfloat16", "int8", "auto"] = Field(
        "float32", description="number type that the model computes in"
    )
    embedding_backend: Literal["auto", "torch", "onnx"] = Field(
        "auto",
        description="library that computes; auto: onnx on a CPU where the model and the number type allow it",
    )
    device: str = Field("auto", description="cpu, cuda, or auto", pattern=r"^(cpu|cuda(:\d+)?|auto)$")
    batch_size: int = Field(
        32, gt=0, description="texts embedded together, of as many documents as that takes"
    )
    hybrid_search: bool = Field(
        True, description="add sparse vectors of words (BM25) to the dense vectors of meaning"
    )

    # Storage
    qdrant_url: _Address = Field(
        "embedded",
        description="URL of a Qdrant server (port 6333 for http, 443 for https), or embedded",
        pattern=r"^(embedded|https?://\S+)$",
    )
    qdrant_prefer_grpc: bool = Field(
        False, description="speak gRPC instead of REST, which is what most proxies let pass"
    )
    qdrant_grpc_port: int = Field(6334, ge=1, le=65535, description="port of the server for gRPC")
    collection_name: str = Field(
        "nic_documents",
        description="Qdrant collection that readers use, an alias",
        pattern=r'^[^<>:"/\\|?*\x00-\x1f]{1,200}$',
    )
    collection_grace_hours: float = Field(
        24, ge=0, description="hours that a collection stays after another one replaced it"
    )
    qdrant_collection: _Collection = Field(
        {}, description="how a new collection is built: a mapping of the keys below, such as {hnsw_m: 32}"
    )
    upsert_batch_size: int = Field(256, gt=0, description="points of one request")
    max_deletion_share: float = Field(
        0.2,
        ge=0,
        le=1,
        description="a run that would delete more than that and more than five documents stops",
    )
    allow_mass_deletion: bool = Field(False, description="go on all the same")

    # Services
    ca_file: _Path = Field(
        "", description="PEM file of a private certificate authority, trusted beside the public ones"
    )
    request_timeout_s: float = Field(
        60, gt=0, description="seconds GitLab may send nothing, or Qdrant take for an answer"
    )
    retry_budget_s: float = Field(
        300, ge=0, description="seconds a stage may wait for GitLab or Qdrant in all"
    )

    # Behaviour
    outputs_dir: _Path = Field("", description="executed notebooks, artifacts, state; empty: outputs/")
    encrypt_outputs: bool = Field(
        False, description="refuse to run unless the outputs are encrypted (NIC_ETL_ENCRYPTION_KEY)"
    )
    organization: str = Field("NIC", description="organization named in each payload")
    force_refresh: bool = Field(False, description="execute every stage, whatever is unchanged")
    skip_existing: bool = Field(True, description="carry over stages whose inputs did not change")
    max_retries: int = Field(3, ge=0, description="further tries of a stage whose service failed")
    max_failure_rate: float = Field(0.01, ge=0, le=1, description="share of failed documents a stage bears")
    parallel_processing: bool = Field(True, description="run independent stages side by side")
    memory_limit_mb: int = Field(0, ge=0, description="memory of a stage's kernel; 0: no limit")
    stage_timeout_s: int = Field(0, ge=0, description="time limit of a stage; 0: none")
    metrics_file: _Path = Field("", description="file for Prometheus; empty: metrics.prom in outputs_dir")
    notify_on: _Occasions = Field(
        ["failed", "partial", "recovered"],
        description="what is told to NIC_ETL_NOTIFY_URLS: failed, partial, recovered, cancelled, success",
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
        return _number_as_text(value) if is_text else value

    @model_validator(mode="before")
    @classmethod
    def _refuse_secrets(cls, values: dict[str, Any]) -> dict[str, Any]:
        # Not as a ValueError: pydantic's message would repeat the value.
        for name in SECRETS.keys() & values.keys():
            raise ConfigurationError(_no_setting(name))
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
        return self.model_dump(mode="json", exclude=_RUNNER_ONLY)


class WrongSettingsError(ConfigurationError):
    """Settings that cannot be taken.

    Attributes:
        problems: a sentence for each.
        others: the settings that are right, by name, as plain JSON: of these more may be looked at.
    """

    def __init__(self, problems: Sequence[str], others: dict[str, Any]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)
        self.others = others


@dataclass(frozen=True)
class LoadedConfig:
    """A configuration and, for each setting, the layer that its value comes from."""

    config: PipelineConfig
    origins: dict[str, str]
    profile: str


def default_value(name: str) -> Any:
    """Return a setting's default."""
    return PipelineConfig.model_fields[name].default


def config_hash(config: PipelineConfig) -> str:
    """Return the sha256 of the effective configuration."""
    text = json.dumps(config.model_dump(mode="json"), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def profiles() -> dict[str, Path]:
    """Return the profiles that come with the package, by name."""
    return {path.stem: path for path in sorted((config_dir() / "profiles").glob("*.yaml"))}


def load_config(profile: str | None = None, overrides: Mapping[str, Any] | None = None) -> LoadedConfig:
    """Build the configuration from its four layers.

    A mapping replaces that of a weaker layer; ``setting.key`` changes a key of it and leaves the others. What
    is given under a former name is taken, with a :class:`~runner.renamed_settings.RenamedSettingWarning`.

    Args:
        profile: a profile's name or the path of a YAML file; None: ``$NIC_ETL_PROFILE``, else ``local``.
        overrides: values of the command line.

    Raises:
        WrongSettingsError: one sentence for each wrong setting, of all layers.
        ConfigurationError: if a file cannot be read.
    """
    return _load(profile, None, overrides)


def load_recorded(recorded: Mapping[str, Any], overrides: Mapping[str, Any] | None = None) -> LoadedConfig:
    """Build the configuration of a run from its record, whatever profile and environment say now.

    Args:
        recorded: every setting that there was then, under the names of then.
        overrides: values of the command line.

    Raises:
        WrongSettingsError: one sentence for each wrong setting.
    """
    return _load(None, recorded, overrides)


def recorded_settings(recorded: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings of a run's record under the names of today.

    Raises:
        ConfigurationError: where they cannot be united under those.
    """
    whole = _nested(renamed(_by_key(recorded), _RECORD, recorded=True)[0])
    return whole | {name: _shortest(whole[name]) for name in MAPPINGS}


def _load(
    profile: str | None, recorded: Mapping[str, Any] | None, overrides: Mapping[str, Any] | None
) -> LoadedConfig:
    chosen = profile or os.environ.get(f"{_PREFIX}PROFILE") or "local"
    file = _profile_file(chosen)
    environment, problems = _from_environment()
    layers = [
        ("default", _read_yaml(config_dir() / "default.yaml")),
        (f"profile {file.stem}", _read_yaml(file)),
        ("environment", environment),
        (_RECORD, dict(recorded or {})),
        ("command line", dict(overrides or {})),
    ]
    values: dict[str, Any] = {}
    origins: dict[str, str] = {}
    told: list[str] = []
    for origin, layer in layers:
        given, sentences = renamed(_by_key(layer), origin, recorded=origin == _RECORD)
        faults = _faults(given, origin)
        problems += faults.values()
        replaced = MAPPINGS.keys() & layer.keys()
        values = {name: value for name, value in values.items() if _setting(name) not in replaced} | given
        values = {name: value for name, value in values.items() if name not in faults}
        origins |= dict.fromkeys([*replaced, *given, *map(_setting, given)], origin)
        told += sentences
    for sentence in told:
        warnings.warn(sentence, RenamedSettingWarning, stacklevel=3)
    config, wrong, sentences = _built(_nested(values), origins)
    if problems := [*problems, *sentences]:
        raise WrongSettingsError(problems, config.model_dump(mode="json", exclude=wrong))
    config._renamed = tuple(told)
    return LoadedConfig(config, {name: origins[name] for name in origins if "." not in name}, file.stem)


def _built(
    values: Mapping[str, Any], origins: Mapping[str, str]
) -> tuple[PipelineConfig, set[str], list[str]]:
    """Return the configuration, and where values are wrong their names and a sentence each.

    Those have their defaults in it.
    """
    try:
        return PipelineConfig(**values), set(), []
    except ValidationError as error:
        wrong = {str(item["loc"][0]) for item in error.errors()}
        rest = {name: default_value(name) for name in wrong}
        return PipelineConfig(**{**values, **rest}), wrong, _sentences(error, origins)


def _by_key(layer: Mapping[str, Any]) -> dict[str, Any]:
    """Return a layer with an entry ``setting.key`` for each key of a mapping."""
    flat: dict[str, Any] = {}
    for name, value in layer.items():
        keys = _mapping(value) if name in MAPPINGS else None
        if isinstance(keys, dict):
            flat |= {f"{name}.{key}": item for key, item in keys.items()}
        else:
            flat[name] = value
    return flat


def _nested(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values with the keys of a mapping put together again."""
    whole = {name: value for name, value in values.items() if "." not in name}
    for name in MAPPINGS:
        keys = {n.partition(".")[2]: value for n, value in values.items() if n.startswith(f"{name}.")}
        whole.setdefault(name, keys)
    return whole


def _setting(name: str) -> str:
    return str(name).partition(".")[0]


def parse_assignments(assignments: list[str]) -> dict[str, Any]:
    """Parse ``name=value`` words of a command line; values stay text, as those of the environment do.

    Raises:
        ConfigurationError: a sentence for each word without ``=``.
    """
    values: dict[str, Any] = {}
    wrong: list[str] = []
    for word in assignments:
        name, sign, text = word.partition("=")
        if not sign or not name.strip():
            wrong.append(f"-p {word}: write it as name=value, for example -p chunk_size=300.")
        values[name.strip()] = text
    if wrong:
        raise ConfigurationError("\n".join(wrong))
    return values


def _profile_file(profile: str) -> Path:
    known = profiles()
    if profile in known:
        return known[profile]
    path = Path(profile).expanduser()
    if path.suffix in {".yaml", ".yml"} and path.is_file():
        return path
    near = _near(profile, known)
    raise ConfigurationError(
        f"There is no profile {profile!r}{near} Give one of {', '.join(known)}, or the path of a YAML file."
    )


def _read_yaml(path: Path) -> dict[str, Any]:
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        reason = " ".join(str(error).split())
        raise ConfigurationError(f"The configuration file {path} cannot be read: {reason}.") from None
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise ConfigurationError(f"The configuration file {path} must be a list of `name: value` lines.")
    return content


def _from_environment() -> tuple[dict[str, Any], list[str]]:
    """Return the settings of the environment, and a sentence for each variable that is none."""
    former = {}
    problems: list[str] = []
    for variable, value in os.environ.items():
        name = variable.removeprefix(_PREFIX)
        if not variable.startswith(_PREFIX) or name in _OTHER_VARIABLES:
            continue
        if name.lower() in RENAMED | CONSTANT:
            former[name.lower()] = value
        elif fault := _unknown(name.lower(), f"environment variable {variable}"):
            problems.append(fault)
    return EnvSettingsSource(PipelineConfig)() | former, problems


def _faults(layer: Mapping[str, Any], origin: str) -> dict[str, str]:
    """Return by name a sentence for each entry that cannot be a setting, whatever its value's type is."""
    found = {name: _unknown(name, origin) or _token(name, value, origin) for name, value in layer.items()}
    return {name: fault for name, fault in found.items() if fault}


def _unknown(name: str, origin: str) -> str:
    if name in SECRETS:
        return _no_setting(name, f" ({origin})")
    setting, _, key = str(name).partition(".")  # YAML makes other things of a name than text
    if key and setting in MAPPINGS and key not in MAPPINGS[setting].model_fields:
        return unknown_key(key, f" ({origin})")
    if setting not in PipelineConfig.model_fields or (key and setting not in MAPPINGS):
        near = _near(str(name), PipelineConfig.model_fields)
        return f"There is no setting {name!r} ({origin}){near} `nic-etl config show` lists them all."
    return ""


def _no_setting(name: str, origin: str = "") -> str:
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


def _token(name: str, value: Any, origin: str) -> str:
    # The configuration is stored with each run and shown on request; the sentence does not repeat the value.
    if not any(looks_like_token(text) for text in _texts(value)):
        return ""
    return (
        f"{name} ({origin}) holds what looks like a token, a password or a user name: take it out "
        f"(and revoke it, if others could read it); secrets come from the environment "
        f"({', '.join(SECRETS.values())})."
    )


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, list | dict):
        for item in [*value, *(value.values() if isinstance(value, dict) else ())]:
            yield from _texts(item)
    else:
        yield str(value)


def _near(name: str, known: Mapping[str, Any]) -> str:
    matches = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    return f": did you mean {matches[0]!r}?" if matches else "."


_WORDS = {
    "int_parsing": "must be a whole number",
    "int_from_float": "must be a whole number",
    "int_type": "must be a whole number",
    "float_parsing": "must be a number",
    "float_type": "must be a number",
    "bool_parsing": "must be true or false",
    "bool_type": "must be true or false",
    "string_type": "must be text",
    "list_type": "must be a list",
    "dict_type": "must be a mapping such as {name: value}",
    "string_pattern_mismatch": "has a form that is not allowed",
}


def _sentences(error: ValidationError, origins: Mapping[str, str]) -> list[str]:
    lines = []
    for item in error.errors():
        name = ".".join(str(part) for part in item["loc"][:2] if isinstance(part, str))
        said = item["msg"].removeprefix("Value error, ").replace("Input should", "must")
        fault = _WORDS.get(item["type"], said)
        setting, _, key = name.partition(".")
        described = key if setting in MAPPINGS else ""  # the keys of other mappings are anybody's words
        field = (MAPPINGS[setting] if described else PipelineConfig).model_fields[described or setting]
        lines.append(
            f"{name} ({origins.get(name, 'default')}) is {item['input']!r}, but it {fault}: "
            f"{field.description} (default {field.default!r})."
        )
    return lines
