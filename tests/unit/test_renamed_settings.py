"""Promises to whoever upgrades: a former name of a setting works, and one warning tells the name of today."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from runner.config_manager import (
    LoadedConfig,
    PipelineConfig,
    load_config,
    load_recorded,
    recorded_settings,
)
from runner.errors import ConfigurationError
from runner.models import ExecutionStatus
from runner.pipeline.orchestrator import PipelineOrchestrator
from runner.record.state_manager import StateManager
from runner.settings.renamed import CONSTANT, RENAMED, RenamedSettingWarning
from tests.toy_chain import toy_chain
from tests.unit.command_line import Command, nic_etl
from tests.unit.core_notebooks import record_run, record_stage

__all__ = ["nic_etl"]

CHOSEN: dict[str, Any] = {
    "gitlab_ca_file": "/ca.pem",
    "qdrant_ca_file": "/ca.pem",
    "gitlab_timeout_s": 5.5,
    "qdrant_timeout_s": 5.5,
    "gitlab_retry_budget_s": 1,
    "qdrant_retry_budget_s": 1,
    "hnsw_m": 32,
    "hnsw_ef_construct": 100,
    "full_scan_threshold": 5000,
    "indexing_threshold": 1000,
    "quantization": "scalar",
    "on_disk_payload": False,
    "on_disk_vectors": True,
    "shard_number": 2,
    "replication_factor": 2,
    "write_consistency_factor": 2,
}
# What every run recorded while the names were others, at its default.
RECORD: dict[str, Any] = {name: default for name, (_, default) in RENAMED.items()} | CONSTANT


def told(load: Callable[[], LoadedConfig]) -> tuple[PipelineConfig, list[str]]:
    """The configuration that is loaded, and the warnings about it."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        config = load().config
    assert all(one.category is RenamedSettingWarning for one in caught)
    sentences = [str(one.message) for one in caught]
    assert list(config.renamed) == sentences
    return config, sentences


def of_today(config: PipelineConfig, former: str) -> Any:
    name, _, key = RENAMED[former][0].partition(".")
    value = getattr(config, name)
    return value[key] if key else value


# Every way in


@pytest.mark.parametrize("name", RENAMED)
@pytest.mark.parametrize("way", ["profile mine", "environment", "command line"])
def test_a_former_name_is_understood_wherever_a_setting_is_given(
    name: str, way: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    profile = tmp_path / "mine.yaml"
    profile.write_text(f"{name}: {CHOSEN[name]!s}\n" if way == "profile mine" else "")
    if way == "environment":
        monkeypatch.setenv(f"NIC_ETL_{name.upper()}", str(CHOSEN[name]))
    overrides = {name: str(CHOSEN[name])} if way == "command line" else {}

    config, [sentence] = told(lambda: load_config(str(profile), overrides))

    assert of_today(config, name) == CHOSEN[name]
    assert sentence == f"{name} ({way}) is called {RENAMED[name][0]} now: rename it."


@pytest.mark.parametrize("name", CONSTANT)
def test_a_setting_that_is_none_any_more_has_no_effect_and_is_told(name: str) -> None:
    config, [sentence] = told(lambda: load_config(overrides={name: "7"}))
    assert config.model_dump() == load_config().config.model_dump()
    assert sentence == (
        f"{name} (command line) has no effect any more, it is {CONSTANT[name]} for good: remove it."
    )


def test_a_stronger_layer_beats_a_weaker_one_under_either_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NIC_ETL_RETRY_BUDGET_S", "7")
    assert told(lambda: load_config(overrides={"gitlab_retry_budget_s": "1"}))[0].retry_budget_s == 1
    monkeypatch.setenv("NIC_ETL_GITLAB_TIMEOUT_S", "7")
    assert told(lambda: load_config(overrides={"request_timeout_s": "5"}))[0].request_timeout_s == 5


def test_former_names_change_keys_of_the_mapping_and_leave_the_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("NIC_ETL_QDRANT_COLLECTION", "{hnsw_m: 32, shard_number: 3}")
    config, _ = told(lambda: load_config(overrides={"hnsw_m": "24", "quantization": "scalar"}))
    assert config.qdrant_collection == {"hnsw_m": 24, "shard_number": 3, "quantization": "scalar"}


# Both names


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ({"retry_budget_s": 5, "qdrant_retry_budget_s": 9}, "qdrant_retry_budget_s"),
        ({"qdrant_collection": {"hnsw_m": 24}, "hnsw_m": 32}, "hnsw_m"),
        ({"qdrant_collection.hnsw_m": 24, "hnsw_m": 32}, "hnsw_m"),
    ],
)
def test_where_both_names_are_given_that_of_today_holds(given: dict[str, Any], name: str) -> None:
    config, [sentence] = told(lambda: load_config(overrides=given))
    assert of_today(config, name) in (5, 24)
    called = f"{name} (command line) is called {RENAMED[name][0]} now"
    assert sentence == f"{called}, which is given as well and holds: remove it."


@pytest.mark.parametrize(("gitlab", "qdrant"), [("1", "400"), (400, 1.0), ("400", None)])
def test_of_two_limits_that_became_one_the_larger_holds(gitlab: Any, qdrant: Any) -> None:
    given = {"gitlab_retry_budget_s": gitlab, "qdrant_retry_budget_s": qdrant}
    config, sentences = told(lambda: load_config(overrides=given))
    assert config.retry_budget_s == 400
    assert len(sentences) == 2
    larger = ", one for GitLab and Qdrant; the larger value, 400, holds"
    assert sum(larger in sentence for sentence in sentences) == (2 if qdrant else 0)


def test_a_limit_that_is_no_number_is_refused_under_the_name_of_today() -> None:
    given = {"gitlab_retry_budget_s": "5", "qdrant_retry_budget_s": "long"}
    with (
        pytest.warns(RenamedSettingWarning),
        pytest.raises(ConfigurationError, match=r"retry_budget_s \(command line\) is 'long', but it must be"),
    ):
        load_config(overrides=given)


def test_one_authority_of_two_is_enough_but_two_files_are_to_be_united() -> None:
    same = {"gitlab_ca_file": "", "qdrant_ca_file": "/ca.pem"}
    assert told(lambda: load_config(overrides=same))[0].ca_file == "/ca.pem"
    with pytest.raises(ConfigurationError, match="put the certificates of both into one PEM file"):
        load_config(overrides={"gitlab_ca_file": "/a.pem", "qdrant_ca_file": "/b.pem"})


# The record of an earlier run


def test_what_a_record_holds_at_its_default_is_no_news() -> None:
    assert told(lambda: load_recorded(RECORD)) == (load_config().config, [])


def test_a_record_means_what_it_meant(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NIC_ETL_RETRY_BUDGET_S", "9")
    monkeypatch.setenv("NIC_ETL_QDRANT_COLLECTION", "{shard_number: 4}")
    record = RECORD | {"gitlab_retry_budget_s": 1, "hnsw_m": 32, "download_workers": 9}

    config, sentences = told(lambda: load_recorded(record, {"qdrant_collection.quantization": "scalar"}))

    assert config.retry_budget_s == 1
    assert config.qdrant_collection == {"hnsw_m": 32, "quantization": "scalar"}
    assert sentences == [
        "gitlab_retry_budget_s (the run's record) is called retry_budget_s now.",
        "hnsw_m (the run's record) is called qdrant_collection.hnsw_m now.",
        "download_workers (the run's record) has no effect any more, it is 5 for good.",
    ]
    found = recorded_settings(record)
    assert (found["retry_budget_s"], found["qdrant_collection"]) == (1, {"hnsw_m": 32})


def test_a_run_from_before_is_resumed(tmp_path: Path, outputs: Path) -> None:
    settings: dict[str, Any] = {"chunk_size": 200, "chunk_overlap": 20, "max_retries": 0}
    config = PipelineConfig(outputs_dir=str(outputs), organization=f"flaky {tmp_path / 'marker'}", **settings)
    chain = PipelineOrchestrator(config=config, stages=toy_chain(tmp_path / "notebooks"))
    broken = chain.execute_full_pipeline()
    assert broken.overall_status is ExecutionStatus.FAILED
    today = ("ca_file", "request_timeout_s", "retry_budget_s", "qdrant_collection")
    kept = {name: value for name, value in broken.state.pipeline_config.items() if name not in today}
    broken.state.pipeline_config = kept | RECORD | {"hnsw_m": 32}
    chain.state.save_checkpoint(broken.state)

    with pytest.warns(RenamedSettingWarning) as caught:
        resumed = chain.resume_from_checkpoint()

    assert resumed.overall_status is ExecutionStatus.SUCCESS
    sentence = "hnsw_m (the run's record) is called qdrant_collection.hnsw_m now."
    assert [str(one.message) for one in caught] == resumed.summary["warnings"] == [sentence]


# The command line


def test_a_command_says_it_once_beside_its_answer(nic_etl: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NIC_ETL_QDRANT_RETRY_BUDGET_S", "2")
    done = nic_etl("config", "show", "--json", "-p", "quantization=scalar")
    assert done.code == 0
    assert (done.json["retry_budget_s"], done.json["qdrant_collection"]) == (2, {"quantization": "scalar"})
    assert done.err.splitlines() == [
        "Warning: qdrant_retry_budget_s (environment) is called retry_budget_s now: rename it.",
        "Warning: quantization (command line) is called qdrant_collection.quantization now: rename it.",
    ]


def test_validation_tells_scripts(nic_etl: Command) -> None:
    done = nic_etl("config", "validate", "--json", "-p", "hnsw_m=32")
    assert (done.code, done.json["valid"]) == (0, True)
    assert done.json["warnings"] == [
        "hnsw_m (command line) is called qdrant_collection.hnsw_m now: rename it."
    ]


def test_a_rerun_reads_two_configurations_and_says_it_once(nic_etl: Command, outputs: Path) -> None:
    manager = StateManager(outputs)
    record_stage(manager, record_run(manager, ExecutionStatus.SUCCESS), "embedding_generation")
    done = nic_etl("rerun", "text_chunking", "-p", "hnsw_m=32")
    assert done.code == 2
    assert done.err.count("Warning: hnsw_m (command line) is called qdrant_collection.hnsw_m now") == 1
