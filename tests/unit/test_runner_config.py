"""Promises of the configuration: four layers, each value with its origin, one sentence for what is wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from runner.config_manager import (
    PipelineConfig,
    config_hash,
    default_value,
    load_config,
    parse_assignments,
    profiles,
)
from runner.errors import ConfigurationError


def refused(profile: str | None = None, **overrides: Any) -> str:
    with pytest.raises(ConfigurationError) as refusal:
        load_config(profile, overrides)
    assert refusal.value.exit_code == 2
    return str(refusal.value)


@pytest.fixture
def profile(tmp_path: Path) -> Any:
    def write(text: str | bytes, name: str = "mine.yaml") -> str:
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return str(path)

    return write


# Layers


def test_the_command_line_beats_the_environment_beats_the_profile_beats_the_default(
    profile: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = profile("chunk_size: 301\nchunk_overlap: 31\nbatch_size: 3\n")
    monkeypatch.setenv("NIC_ETL_CHUNK_SIZE", "302")
    monkeypatch.setenv("NIC_ETL_CHUNK_OVERLAP", "32")
    loaded = load_config(file, {"chunk_size": "303"})

    config, origins = loaded.config, loaded.origins
    assert (config.chunk_size, origins["chunk_size"]) == (303, "command line")
    assert (config.chunk_overlap, origins["chunk_overlap"]) == (32, "environment")
    assert (config.batch_size, origins["batch_size"]) == (3, "profile mine")
    assert (config.max_pages, origins["max_pages"]) == (default_value("max_pages"), "default")
    assert loaded.profile == "mine"


def test_a_profile_is_chosen_by_argument_then_environment_then_local(monkeypatch: pytest.MonkeyPatch) -> None:
    assert load_config().profile == "local"
    monkeypatch.setenv("NIC_ETL_PROFILE", "production")
    assert load_config().profile == "production"
    assert load_config("local").profile == "local"
    assert load_config().config.embedding_model == "BAAI/bge-m3"


def test_an_empty_profile_changes_nothing(profile: Any) -> None:
    assert load_config(profile("# nothing yet\n", "empty.yml")).config == PipelineConfig()


def test_every_setting_can_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in PipelineConfig().model_dump(mode="json").items():
        text = ",".join(value) if isinstance(value, list) else str(value)
        monkeypatch.setenv(f"NIC_ETL_{name.upper()}", text)
    loaded = load_config()
    assert loaded.config == PipelineConfig()
    assert set(loaded.origins.values()) == {"environment"}


def test_variables_of_the_environment_that_are_no_settings_are_let_be(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("ARTIFACTS_URL", "MODELS_DIR", "NOTEBOOK", "PDF_PASSWORDS", "PDF_PASSWORDS_FILE"):
        monkeypatch.setenv(f"NIC_ETL_{name}", str(tmp_path))
    for former in ("WEBHOOK_TOKEN", "WEBHOOK_TOKEN_FILE"):  # read by nothing any more
        monkeypatch.setenv(f"NIC_ETL_{former}", str(tmp_path))
    monkeypatch.setenv("OTHER_TOOL_CHUNK_SIZE", "7")
    assert load_config().config.chunk_size != 7


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("30-Aprovados", ["30-Aprovados"]),
        ("30-Aprovados, 40-Normas,", ["30-Aprovados", "40-Normas"]),
        ('["30-Aprovados", "40, 41"]', ["30-Aprovados", "40, 41"]),
        ("[30-Aprovados, 40-Normas]", ["30-Aprovados", "40-Normas"]),
        ("", []),
    ],
)
def test_a_list_is_written_as_people_write_it(
    text: str, names: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert load_config(overrides={"target_folder": text}).config.target_folder == names
    monkeypatch.setenv("NIC_ETL_TARGET_FOLDER", text)
    assert load_config().config.target_folder == names


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("{hnsw_m: 32, quantization: scalar}", {"hnsw_m": 32, "quantization": "scalar"}),
        ('{"on_disk_payload": false}', {"on_disk_payload": False}),
        ("{hnsw_m: 16}", {}),  # as the default has it
        ("{}", {}),
        ("", {}),
    ],
)
def test_a_mapping_is_written_as_people_write_it(
    text: str, keys: dict[str, Any], monkeypatch: pytest.MonkeyPatch, profile: Any
) -> None:
    assert load_config(overrides={"qdrant_collection": text}).config.qdrant_collection == keys
    monkeypatch.setenv("NIC_ETL_QDRANT_COLLECTION", text)
    assert load_config().config.qdrant_collection == keys
    assert load_config(profile(f"qdrant_collection: {text}")).config.qdrant_collection == keys


def test_a_mapping_replaces_the_weaker_one_and_a_key_changes_one(
    profile: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = profile("qdrant_collection: {hnsw_m: 32, shard_number: 3}")
    loaded = load_config(file, {"qdrant_collection.hnsw_m": "24"})
    assert loaded.config.qdrant_collection == {"hnsw_m": 24, "shard_number": 3}
    assert loaded.origins["qdrant_collection"] == "command line"
    monkeypatch.setenv("NIC_ETL_QDRANT_COLLECTION", "{replication_factor: 2}")
    assert load_config(file).config.qdrant_collection == {"replication_factor": 2}
    assert load_config(file, {"qdrant_collection": "{}"}).config.qdrant_collection == {}


def test_folders_become_absolute_because_kernels_work_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", "/home/ana")
    config = load_config(overrides={"source_path": "docs", "outputs_dir": "~/etl"}).config
    assert config.source_path == str(tmp_path / "docs")
    assert config.outputs == Path("/home/ana/etl")
    assert config.artifacts_path == ""


# The command line


@pytest.mark.parametrize(
    ("words", "values"),
    [
        (["chunk_size=300"], {"chunk_size": "300"}),
        (["project=a=b"], {"project": "a=b"}),
        ([" chunk_size =300"], {"chunk_size": "300"}),
        (["source_path="], {"source_path": ""}),
        (["chunk_size=1", "chunk_size=2"], {"chunk_size": "2"}),
        ([], {}),
    ],
)
def test_settings_are_given_as_name_and_value(words: list[str], values: dict[str, str]) -> None:
    assert parse_assignments(words) == values


@pytest.mark.parametrize("word", ["chunk_size", "=300", " =300"])
def test_a_word_without_a_name_or_a_value_is_refused(word: str) -> None:
    with pytest.raises(ConfigurationError, match="write it as name=value, for example"):
        parse_assignments([word])


@pytest.mark.parametrize("text", ["2024", "0123", "no", "null", "1e5", "4.10", "2026-03-01", "{a: b"])
def test_a_text_setting_takes_whatever_text_is_given(text: str) -> None:
    values = parse_assignments([f"gitlab_project={text}", f"target_branch={text}"])
    config = load_config(overrides=values).config
    assert (config.gitlab_project, config.target_branch) == (text, text)


@given(st.sampled_from(["chunk_size", "max_pages"]), st.integers(1, 10**9))
def test_numbers_of_the_command_line_are_numbers(name: str, number: int) -> None:
    values = parse_assignments([f"{name}={number}", "max_failure_rate=0.25", "force_refresh=true"])
    config = load_config(overrides=values).config
    assert getattr(config, name) == number
    assert (config.max_failure_rate, config.force_refresh) == (0.25, True)


# What is wrong is told in one sentence


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ({"chunk_size": "big"}, "chunk_size (command line) is 'big', but it must be a whole number"),
        ({"chunk_size": 1.5}, "must be a whole number"),
        ({"chunk_size": "0"}, "must be greater than 0"),
        ({"max_failure_rate": "2"}, "must be less than or equal to 1"),
        ({"max_failure_rate": "x"}, "must be a number"),
        ({"force_refresh": "perhaps"}, "must be true or false"),
        ({"project": 1.5}, "must be text"),
        ({"target_folder": 1.5}, "must be a list"),
        ({"target_folder": "[a, b"}, "must be a list such as a,b or [a, b]"),
        ({"source": "svn"}, "must be 'git' or 'gitlab'"),
        ({"device": "gpu"}, "has a form that is not allowed: cpu, cuda, or auto"),
        ({"qdrant_url": "localhost:6333"}, "has a form that is not allowed: URL of a Qdrant server"),
        ({"collection_name": "a/b"}, "has a form that is not allowed: Qdrant collection"),
    ],
)
def test_a_wrong_value_is_told_with_its_origin_meaning_and_default(
    setting: dict[str, Any], said: str
) -> None:
    sentence = refused(**setting)
    [name] = setting
    assert said in sentence
    assert sentence.startswith(f"{name} (command line) is ")
    assert "(default " in sentence
    assert len(sentence.splitlines()) == 1


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ("{hnswm: 3}", "qdrant_collection (command line) has no key 'hnswm': did you mean 'hnsw_m'?"),
        ("{zzz: 3}", "qdrant_collection (command line) has no key 'zzz': the keys are hnsw_m, "),
        (
            "{hnsw_m: 2}",
            "qdrant_collection.hnsw_m (command line) is '2', but it must be greater than or equal",
        ),
        ("{on_disk_vectors: x}", "is 'x', but it must be true or false: vectors too (default False)."),
        (
            "{a: b",
            "qdrant_collection (command line) is '{a: b', but it must be a mapping such as",
        ),
        ("many", "must be a mapping such as"),
        (5, "must be a mapping such as"),
    ],
)
def test_a_wrong_key_of_a_mapping_is_told_by_its_name(keys: Any, said: str) -> None:
    sentence = refused(qdrant_collection=keys)
    assert said in sentence
    assert len(sentence.splitlines()) == 1


def test_only_a_mapping_has_keys() -> None:
    assert "There is no setting 'chunk_size.x' (command line)" in refused(**{"chunk_size.x": 1})


def test_each_wrong_value_has_a_line_and_its_layer(monkeypatch: pytest.MonkeyPatch, profile: Any) -> None:
    monkeypatch.setenv("NIC_ETL_MAX_PAGES", "many")
    said = refused(profile("chunk_size: no number"), batch_size="x")
    assert sorted(line.partition(" is ")[0] for line in said.splitlines()) == [
        "batch_size (command line)",
        "chunk_size (profile mine)",
        "max_pages (environment)",
    ]


def test_an_unknown_setting_is_answered_with_the_nearest_name(
    monkeypatch: pytest.MonkeyPatch, profile: Any
) -> None:
    assert "'chunksize' (command line): did you mean 'chunk_size'?" in refused(chunksize="1")
    assert "'zzzzzz' (command line). `nic-etl config show` lists them all." in refused(zzzzzz="1")
    assert "(profile mine): did you mean 'batch_size'?" in refused(profile("batchsize: 1"))
    assert "There is no setting '1' (profile mine)" in refused(profile("1: 2"))
    monkeypatch.setenv("NIC_ETL_CHUNKSIZE", "1")
    assert "(environment variable NIC_ETL_CHUNKSIZE): did you mean 'chunk_size'?" in refused()


@pytest.mark.parametrize(
    ("name", "variable"),
    [("gitlab_token", "GITLAB_TOKEN"), ("qdrant_api_key", "QDRANT_API_KEY"), ("hf_token", "HF_TOKEN")],
)
def test_a_secret_is_refused_wherever_it_stands_and_not_repeated(
    name: str, variable: str, profile: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for said in (refused(profile(f"{name}: hush-hush-hush")), refused(**{name: "hush-hush-hush"})):
        assert f"set the environment variable {variable} instead" in said
        assert "hush" not in said
    monkeypatch.setenv(f"NIC_ETL_{name.upper()}", "hush-hush-hush")
    said = refused()
    assert f"NIC_ETL_{name.upper()}" in said
    assert "hush" not in said


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("a: [1", "cannot be read"),
        (b"a: \xff\xfe", "cannot be read"),
        ("- chunk_size", "must be a list of `name: value` lines"),
        ("just text", "must be a list of `name: value` lines"),
    ],
)
def test_a_profile_that_cannot_be_read_is_named(profile: Any, content: str | bytes, said: str) -> None:
    sentence = refused(profile(content))
    assert said in sentence
    assert "mine.yaml" in sentence
    assert len(sentence.splitlines()) == 1


@pytest.mark.parametrize("name", ["produktion", "/nowhere/mine.yaml", "mine.txt"])
def test_an_unknown_profile_is_answered_with_those_there_are(name: str) -> None:
    said = refused(name)
    assert f"There is no profile {name!r}" in said
    assert "local, production" in said


def test_a_near_profile_is_suggested() -> None:
    assert "did you mean 'production'?" in refused("produktion")
    assert list(profiles()) == ["local", "production"]


# Identity


def test_equal_configurations_have_one_hash() -> None:
    assert config_hash(PipelineConfig()) != config_hash(PipelineConfig(project="x"))
    assert config_hash(PipelineConfig(chunk_size=300)) == config_hash(PipelineConfig(chunk_size=300))
    assert config_hash(PipelineConfig(chunk_size=300)) != config_hash(PipelineConfig(chunk_size=301))


def test_a_notebook_never_gets_the_outputs_folder_as_a_setting() -> None:
    settings = PipelineConfig(outputs_dir="/tmp/x").stage_settings()
    assert "outputs_dir" not in settings
    assert settings["target_folder"] == ["30-Aprovados"]


def test_what_config_show_prints_can_be_used_as_a_profile(profile: Any) -> None:
    shown = PipelineConfig(chunk_size=77, chunk_overlap=7).model_dump(mode="json")
    assert load_config(profile(yaml.safe_dump(shown))).config.model_dump(mode="json") == shown


def test_words_for_a_status_are_a_mapping_to_statuses_that_exist(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NIC_ETL_STATUS_WORDS", '{"Vigorante": "approved"}')
    assert load_config().config.status_words == {"Vigorante": "approved"}
    assert load_config(overrides={"status_words": "{em espera: draft}"}).config.status_words == {
        "em espera": "draft"
    }
    for wrong in ("{x: y}", "x", "[x]"):
        with pytest.raises(ConfigurationError, match="status_words"):
            load_config(overrides={"status_words": wrong})
    with pytest.raises(ConfigurationError, match="today"):
        load_config(overrides={"today": "amanhã"})


@pytest.mark.parametrize(
    "text",
    ["4711", "0123", "1_000", "1.10", "0x1f", "12:30:45", "2026-05-10", "2026-05-10T10:00:00Z", "no", "on"],
)
def test_what_yaml_takes_for_a_number_a_date_or_a_truth_is_the_text_that_was_written(tmp_path, text):
    profile = tmp_path / "nic.yaml"
    profile.write_text(
        f"gitlab_project: {text}\ntarget_folder: [{text}]\nstatus_words: {{{text}: approved}}\nproject:\n"
    )
    config = load_config(str(profile), {"exclude_paths": f"[{text}]"}).config
    assert (config.gitlab_project, config.target_folder, config.status_words, config.exclude_paths) == (
        text,
        [text],
        {text: "approved"},
        [text],
    )
    assert config.project == ""


def test_a_relative_model_folder_means_the_same_place_in_the_kernel(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "modelos").mkdir()
    for name, meant in (
        ("modelos", str(tmp_path / "modelos")),
        ("./outro", str(tmp_path / "outro")),
        ("BAAI/bge-m3", "BAAI/bge-m3"),
        ("packaged/multilingual-e5-small", "packaged/multilingual-e5-small"),
    ):
        assert load_config(overrides={"embedding_model": name}).config.embedding_model == meant
