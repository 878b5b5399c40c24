"""Where the value of each setting comes from, and a sentence for each wrong one.

Precedence: command line > environment ``NIC_ETL_*`` > profile > default.
"""

from __future__ import annotations

import difflib
import hashlib
import json
import os
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError
from pydantic_settings import EnvSettingsSource

from runner.errors import ConfigurationError
from runner.settings.pipeline_config import (
    MAPPINGS,
    PREFIX,
    SECRETS,
    PipelineConfig,
    no_setting,
)
from runner.settings.renamed import CONSTANT, RENAMED, RenamedSettingWarning, renamed
from runner.settings.types import mapping_of, shortest
from runner.settings.written_yaml import written_yaml
from runner.wording import choose_language, stored
from stagekit.base.collection_settings import unknown_key
from stagekit.base.paths import config_dir
from stagekit.base.redaction import SECRET_VARIABLES, looks_like_token

_RECORD = "the run's record"
_OTHER_VARIABLES = {f"{secret}{file}" for secret in SECRET_VARIABLES for file in ("", "_FILE")} | {
    f"{PREFIX}{name}"
    for name in (
        "PROFILE", "ARTIFACTS_URL", "MODELS_DIR", "NOTEBOOK", "BFLOAT16",
        "WEBHOOK_TOKEN", "WEBHOOK_TOKEN_FILE",  # read by nothing any more, and still set by service units
    )
}  # fmt: skip


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
    is given under a former name is taken, with a :class:`~runner.settings.renamed.RenamedSettingWarning`.
    From now on this process speaks the language of its ``ui_language``.

    Args:
        profile: a profile's name or the path of a YAML file; None: ``$NIC_ETL_PROFILE``, else ``local``.
        overrides: values of the command line.

    Raises:
        WrongSettingsError: one sentence for each wrong setting, of all layers.
        ConfigurationError: if a file cannot be read.
    """
    loaded = _load(profile, None, overrides)
    choose_language(loaded.config.ui_language)
    return loaded


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
    return whole | {name: shortest(whole[name]) for name in MAPPINGS}


def _load(
    profile: str | None, recorded: Mapping[str, Any] | None, overrides: Mapping[str, Any] | None
) -> LoadedConfig:
    chosen = profile or os.environ.get(f"{PREFIX}PROFILE") or "local"
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
        keys = mapping_of(value) if name in MAPPINGS else None
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
        content = written_yaml(path.read_text(encoding="utf-8"))
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
        name = variable.removeprefix(PREFIX)
        if not variable.startswith(PREFIX) or variable in _OTHER_VARIABLES:
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
        return no_setting(name, f" ({origin})")
    setting, _, key = str(name).partition(".")  # YAML makes other things of a name than text
    if key and setting in MAPPINGS and key not in MAPPINGS[setting].model_fields:
        return unknown_key(key, f" ({origin})")
    if setting not in PipelineConfig.model_fields or (key and setting not in MAPPINGS):
        near = _near(str(name), PipelineConfig.model_fields)
        return f"There is no setting {name!r} ({origin}){near} `nic-etl config show` lists them all."
    return ""


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
    "int_parsing": stored("must be a whole number"),
    "int_from_float": stored("must be a whole number"),
    "int_type": stored("must be a whole number"),
    "float_parsing": stored("must be a number"),
    "float_type": stored("must be a number"),
    "bool_parsing": stored("must be true or false"),
    "bool_type": stored("must be true or false"),
    "string_type": stored("must be text"),
    "list_type": stored("must be a list"),
    "dict_type": stored("must be a mapping such as {name: value}"),
    "string_pattern_mismatch": stored("has a form that is not allowed"),
}


def _sentences(error: ValidationError, origins: Mapping[str, str]) -> list[str]:
    lines = []
    for item in error.errors():
        name = ".".join(str(part) for part in item["loc"][:2] if isinstance(part, str))
        fault = _WORDS.get(item["type"]) or _limit(item["type"], item.get("ctx", {}))
        fault = fault or item["msg"].removeprefix("Value error, ").replace("Input should", "must")
        origin = origins.get(name, "default")
        setting, _, key = name.partition(".")
        described = key if setting in MAPPINGS else ""  # the keys of other mappings are anybody's words
        field = (MAPPINGS[setting] if described else PipelineConfig).model_fields[described or setting]
        lines.append(
            f"{name} ({origin}) is {item['input']!r}, but it {fault}: "
            f"{field.description} (default {field.default!r})."
        )
    return lines


def _limit(kind: str, bound: Mapping[str, Any]) -> str:
    """Return what a value had to be, in pydantic's words, which are put into others when they are shown."""
    match kind:
        case "greater_than":
            return stored(f"must be greater than {bound['gt']}")
        case "greater_than_equal":
            return stored(f"must be greater than or equal to {bound['ge']}")
        case "less_than_equal":
            return stored(f"must be less than or equal to {bound['le']}")
        case "literal_error":
            return stored(f"must be {bound['expected']}")
    return ""
