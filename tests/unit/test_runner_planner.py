"""Promises of the plan: what a run would do is known before it starts, with the reason in words."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from runner.config_manager import PipelineConfig
from runner.errors import (
    ConfigurationError,
    DependencyResolutionError,
    PipelineOrchestrationError,
    StateManagementError,
)
from runner.models import ExecutionStatus, PipelineStage, PipelineState, RunScope, now
from runner.pipeline import cluster
from runner.pipeline.cluster import wants_cluster
from runner.pipeline.decide import decide, outside_of
from runner.pipeline.orchestrator import PipelineOrchestrator
from runner.pipeline.run import Run
from runner.pipeline.stage_manager import StageManager
from runner.results import PipelineResult
from runner.stages.differences import differences
from runner.stages.fingerprint import stage_fingerprint
from stagekit.checks.doctor_cluster import check_cluster
from stagekit.cluster import client
from tests.toy_chain import toy_chain, write_notebook
from tests.unit.core_notebooks import record_run, record_stage
from tests.unit.storage_files import leave_store

Make = Callable[..., PipelineOrchestrator]
PRODUCTS = {"listing": "documents", "shout": "shouted", "count": "counts", "measure": "measures"}


@pytest.fixture
def stages(tmp_path: Path) -> list[PipelineStage]:
    """The toy chain, in which nothing looks outside."""
    chain = toy_chain(tmp_path / "notebooks")
    return [dataclasses.replace(stage, outside="") for stage in chain]


@pytest.fixture
def make(stages: list[PipelineStage], outputs: Path) -> Make:
    def build(**settings: Any) -> PipelineOrchestrator:
        values = {"outputs_dir": str(outputs), "chunk_size": 200, "chunk_overlap": 20} | settings
        return PipelineOrchestrator(config=PipelineConfig(**values), stages=stages)

    return build


def stage_manager(chain: PipelineOrchestrator) -> StageManager:
    stages = StageManager(chain.manager, lambda _: None, threading.Event())
    for stage in chain.resolver.stages.values():
        stages.register_stage(stage)
    return stages


def record(chain: PipelineOrchestrator, word: str = "ok", only: str = "") -> PipelineState:
    """Record a run of every stage, as if it had been executed with this configuration."""
    manager, stages = chain.manager, stage_manager(chain)
    state = record_run(manager)
    upstream: dict[str, str] = {}
    for name in chain.resolver.order:
        if only and name != only:
            last = manager.last_checkpoint(name)
            if last:
                upstream[name] = str(manager.absolute(last[1].notebook))
            continue
        stage = stages.stages[name]
        checkpoint = record_stage(
            manager,
            state,
            name,
            notebook=stage.notebook.name,
            products={PRODUCTS.get(name, "stored"): [{"path": "a", "word": f"{word} {name}"}]},
            fingerprint=stage_fingerprint(stage, chain.config, upstream),
        )
        upstream[name] = str(manager.absolute(checkpoint.notebook))
    return state


def actions(chain: PipelineOrchestrator) -> dict[str, str]:
    return {stage.name: stage.action for stage in chain.plan().stages}


def reasons(chain: PipelineOrchestrator) -> dict[str, tuple[str, ...]]:
    return {stage.name: stage.reasons for stage in chain.plan().stages}


def test_at_first_every_stage_runs(make: Make) -> None:
    assert set(reasons(make()).values()) == {("it has not been executed yet",)}
    assert make().plan().groups[2] == ("count", "measure")


def test_where_nothing_changed_everything_is_carried_over_without_a_kernel(make: Make, outputs: Path) -> None:
    first = record(make())
    assert set(reasons(make()).values()) == {(f"nothing changed since {first.execution_id}",)}

    second = make().execute_full_pipeline()
    assert second.overall_status is ExecutionStatus.SUCCESS
    assert {c.carried_from for c in second.state.stages.values()} == {first.execution_id}
    assert not (outputs / "logs").exists()
    for name in ("01_listing.ipynb", "05_storing.ipynb"):
        assert (outputs / "latest" / name).resolve() == outputs / "runs" / first.execution_id / name
    assert list(second.run_dir.glob("*.ipynb")) == []  # it names the notebooks of the first one
    assert {Path(c.notebook).parent.name for c in second.state.stages.values()} == {first.execution_id}
    third = make().execute_full_pipeline()
    assert {c.carried_from for c in third.state.stages.values()} == {first.execution_id}


def test_a_changed_setting_is_named_with_both_values(make: Make) -> None:
    record(make())
    planned = make(chunk_size=300, organization="Other")
    assert reasons(planned)["shout"] == ("chunk_size 200 → 300", "organization NIC → Other")
    assert actions(planned) == {
        "listing": "run", "shout": "run", "count": "decide", "measure": "decide", "storing": "decide",
    }  # fmt: skip
    assert "runs only if shout produces something new" in reasons(planned)["count"][0]
    assert "count or measure" in reasons(planned)["storing"][0]


def test_a_changed_notebook_is_named(make: Make, stages: list[PipelineStage]) -> None:
    record(make())
    path = stages[2].notebook
    path.write_text(path.read_text().replace("len(row", "1 + len(row"))
    assert reasons(make())["count"] == ("the notebook changed",)
    assert actions(make())["measure"] == "carry over"


def test_a_new_result_upstream_is_named(make: Make) -> None:
    record(make())
    record(make(), "new", only="shout")
    assert reasons(make())["count"] == ("shout.shouted changed",)
    assert actions(make())["shout"] == "carry over"


def test_a_damaged_result_is_made_again(make: Make, outputs: Path) -> None:
    first = record(make())
    (outputs / "runs" / first.execution_id / "03_count.ipynb").unlink()
    assert "03_count.ipynb is missing" in reasons(make())["count"][0]
    assert actions(make())["storing"] == "decide"


@pytest.mark.parametrize(
    ("settings", "said"),
    [({"force_refresh": True}, "force_refresh is set"), ({"skip_existing": False}, "skip_existing is off")],
)
def test_a_run_that_is_to_execute_everything_says_why(make: Make, settings: Any, said: str) -> None:
    record(make())
    assert set(reasons(make(**settings)).values()) == {(said,)}


@pytest.mark.parametrize("outside", ["source", "store", "elsewhere"])
def test_a_stage_that_looks_outside_runs_where_nothing_is_known_of_it(
    make: Make, stages: list[PipelineStage], outside: str
) -> None:
    record(make())
    stages[0] = dataclasses.replace(stages[0], outside=outside)
    planned = make()
    assert actions(planned)["listing"] == "run"
    assert actions(planned)["shout"] == "decide"


def test_a_source_that_is_as_it_was_is_carried_over(
    make: Make, stages: list[PipelineStage], tmp_path: Path
) -> None:
    approved = tmp_path / "docs" / "30-Aprovados"
    approved.mkdir(parents=True)
    (approved / "a.md").write_text("a")
    stages[0] = dataclasses.replace(stages[0], outside="source")
    chain = make(source_path=str(tmp_path / "docs"))
    state = record(chain)
    state.stages["listing"].outside = outside_of(stages[0], chain.config, chain.manager)
    chain.manager.save_checkpoint(state)
    assert actions(chain)["listing"] == "carry over"
    (approved / "a.md").write_text("changed")
    assert actions(chain)["listing"] == "run"


def test_a_store_into_which_another_run_wrote_since_is_written_again(
    make: Make, stages: list[PipelineStage], outputs: Path
) -> None:
    stages[4] = dataclasses.replace(stages[4], outside="store")
    leave_store(outputs)
    states = {}
    for organization in ("NIC", "Other", "NIC"):
        chain = make(organization=organization)
        if organization not in states:
            states[organization] = record(chain, organization)
            last = states[organization].stages["storing"]
            last.outside = outside_of(stages[4], chain.config, chain.manager)
            chain.manager.save_checkpoint(states[organization])
            assert actions(chain)["storing"] == "carry over"
    decision = decide(
        stages[4], Run(chain.config, chain.manager, chain.resolver), upstream_of(chain, states["NIC"])
    )
    assert decision.action == "run"


def upstream_of(chain: PipelineOrchestrator, state: PipelineState) -> dict[str, str]:
    return {name: str(chain.manager.absolute(c.notebook)) for name, c in state.stages.items()}


def test_differences_are_told_in_words() -> None:
    before = {"parameter:project": '"x"', "code:notebook": "1", "input:s.t": "1", "same": "1"}
    before |= {"model:e5": "1", "library:docling": "2.1"}
    after = {
        "parameter:project": '""',
        "code:notebook": "2",
        "code:stagekit": "1",
        "code:stagekit.stage": "1",
    }
    after |= {"model:e5": "2", "library:docling": "2.2", "input:s.t": "2", "same": "1"}
    assert differences(before, after) == [
        'project x → ""',
        "the notebook changed",
        "the code of stagekit and stagekit.stage changed",
        "the files of e5 changed",
        "the library docling 2.1 → 2.2",
        "s.t changed",
    ]
    assert differences(after, after) == []


def test_what_a_version_adds_renames_or_drops_is_no_change_of_the_user() -> None:
    then = {"download_workers": "5", "hnsw_m": "16", "gitlab_ca_file": '""', "quantization": '"scalar"'}
    now = {"qdrant_collection": '{"quantization": "scalar"}', "ca_file": '""', "status_words": "{}"}
    now |= {"include_expired": "true", "today": '""'}
    before, after = ({f"parameter:{k}": v for k, v in one.items()} for one in (then, now))
    assert differences(before, after) == ["it was made by another version of nic-etl"]
    noted = {"library:docling": "2.2", "model:e5": "1"}  # not noted then: not known to have changed
    assert differences(before | {"code:a": "1"}, after | {"code:a": "2"} | noted) == ["the code of a changed"]

    after |= {"parameter:include_expired": "false", "parameter:qdrant_collection": "{}"}
    assert differences(before, after) == [
        'qdrant_collection {"quantization": "scalar"} → {}',
        "include_expired false, which a former version did not have",
    ]


@pytest.mark.parametrize("altered", ["no JSON", '{"gitlab_ca_file": 1}', "[1"])
def test_an_altered_record_is_another_version_too(altered: str) -> None:
    before = {"parameter:qdrant_collection": altered, "parameter:hnsw_m": altered}
    assert differences(before, {"parameter:qdrant_collection": "{}"})


# Questions to the orchestrator that need no kernel


def test_a_configuration_that_cannot_be_run_starts_nothing(make: Make, outputs: Path) -> None:
    chain = make(chunk_size=5000)
    for attempt in (chain.plan, chain.execute_full_pipeline, chain.execute_incremental_update):
        with pytest.raises(ConfigurationError, match="set chunk_size to at most"):
            attempt()
    assert not (outputs / "runs").exists() or not list((outputs / "runs").iterdir())
    assert chain.setup_pipeline(PipelineConfig(outputs_dir=str(outputs))).valid


def test_a_notebook_that_cannot_be_run_is_a_problem_of_the_configuration(
    make: Make, stages: list[PipelineStage]
) -> None:
    stages[1].notebook.unlink()
    [problem] = make().validate_pipeline_config().problems
    assert "02_shout.ipynb cannot be read" in problem


def test_the_cluster_is_looked_at_before_the_first_stage_where_a_stage_may_need_it(
    make: Make, stages: list[PipelineStage], monkeypatch: pytest.MonkeyPatch
) -> None:
    parameters = 'chunk_size: int = 1\ndask_scheduler: str = ""'
    write_notebook(stages[1].notebook, "shout", parameters, "pass")
    chain = make(dask_scheduler="tcp://127.0.0.1:9")
    record(chain)
    changed = make(dask_scheduler="tcp://127.0.0.1:9", chunk_size=300)
    run = Run(chain.config, chain.manager, chain.resolver)
    rerun = PipelineState(execution_id="", scope=RunScope(only=("count", "storing")))
    assert not wants_cluster(run)
    assert wants_cluster(dataclasses.replace(run, reuse=False))
    assert wants_cluster(dataclasses.replace(run, config=changed.config))
    assert not wants_cluster(dataclasses.replace(run, config=make(chunk_size=300).config))
    assert not wants_cluster(dataclasses.replace(run, config=changed.config, state=rerun))

    monkeypatch.setattr(client, "_CONNECT_S", 0.3)

    def asked_here(_: str, request: dict[str, Any]) -> list[dict[str, Any]]:
        return check_cluster(request["settings"], Path(request["outputs_dir"]))

    monkeypatch.setattr(cluster, "run_tool", asked_here)
    runs = len(chain.manager.get_execution_history())
    with pytest.raises(
        PipelineOrchestrationError, match=r"no scheduler can be reached at tcp://127\.0\.0\.1:9"
    ):
        changed.execute_full_pipeline()
    assert len(chain.manager.get_execution_history()) == runs


def test_health_names_each_component(make: Make, outputs: Path) -> None:
    state = record(make())
    health = make().validate_pipeline_health()
    named = ["configuration", "outputs", "disk", "memory", "records", "checkpoints"]
    assert [name for name, _, _ in health.checks] == named
    assert {name for name, ok, _ in health.checks if not ok} <= {"disk", "memory"}
    (outputs / "runs" / state.execution_id / "run.json").write_text("{")
    sick = make(chunk_size=5000).validate_pipeline_health()
    assert not sick.healthy
    details = {name: (ok, detail) for name, ok, detail in sick.checks}
    assert details["records"] == (False, state.execution_id)
    assert "chunk_size" in details["configuration"][1]


def test_a_rerun_makes_those_out_of_date_that_read_the_earlier_result(make: Make) -> None:
    chain = make()
    assert chain.out_of_date("shout") == []
    record(chain)
    assert chain.out_of_date("shout") == []
    record(chain, "new", only="shout")
    assert chain.out_of_date("shout") == ["count", "measure", "storing"]


def test_a_stage_is_not_executed_without_what_it_reads(make: Make) -> None:
    with pytest.raises(StateManagementError, match="shout needs listing, which has not been executed"):
        make().execute_stage("shout")
    with pytest.raises(DependencyResolutionError, match="There is no stage 'nope'"):
        make().execute_stage("nope")


def test_what_a_stage_would_read_is_checked(make: Make, tmp_path: Path) -> None:
    chain = make()
    state = record(chain)
    record_stage(chain.manager, state, "listing", status=ExecutionStatus.FAILED, notebook="failed.ipynb")
    failed = chain.manager.run_dir(state.execution_id) / "failed.ipynb"
    check = stage_manager(chain).validate_stage_dependencies
    whole = chain.manager.run_dir(state.execution_id) / "01_listing.ipynb"
    assert check("shout", {"listing": str(whole)}).valid
    assert check("shout", {"listing": str(failed)}).problems == ("shout cannot read listing: it failed.",)
    [missing] = check("shout", {"listing": str(tmp_path / "nowhere.ipynb")}).problems
    assert "no executed notebook" in missing


def test_only_a_document_of_the_last_run_is_processed_again(make: Make) -> None:
    record(make())
    with pytest.raises(ConfigurationError, match=r"other\.md is no document of the last run"):
        make().execute_incremental_update(force_reprocess=["other.md"])


def test_a_run_that_ended_well_is_not_resumed(make: Make) -> None:
    state = record(make())
    with pytest.raises(StateManagementError, match="nothing to resume") as refusal:
        make().execute_full_pipeline(resume_from=state.execution_id)
    assert refusal.value.exit_code == 2
    with pytest.raises(StateManagementError, match="nothing to resume"):  # whatever else is wrong
        make().resume_from_checkpoint(changes={"chunk_size": "many"})


def test_a_resumed_run_keeps_what_it_had_finished(make: Make) -> None:
    chain = make()
    state = record(chain)
    state.status = ExecutionStatus.FAILED
    state.pipeline_config = chain.config.model_dump(mode="json")
    chain.manager.save_checkpoint(state)
    resumed = make(chunk_size=999).resume_from_checkpoint()
    assert resumed.execution_id == state.execution_id
    assert resumed.overall_status is ExecutionStatus.SUCCESS
    assert {str(c.status) for c in resumed.state.stages.values()} == {"success"}


def broken_off(chain: PipelineOrchestrator, *, minutes_ago: int = 0) -> PipelineState:
    """A run that has worked for a minute and failed after its last stage, some time ago."""
    state = record(chain)
    state.status, state.end_timestamp = ExecutionStatus.FAILED, now() - timedelta(minutes=minutes_ago)
    state.start_timestamp = state.end_timestamp - timedelta(minutes=1)
    state.pipeline_config = chain.config.model_dump(mode="json")
    chain.manager.save_checkpoint(state)
    return state


def test_a_run_is_resumed_with_other_limits_but_never_with_what_bears_on_its_results(make: Make) -> None:
    state = broken_off(make())
    told = rf"chunk_size cannot change while {state.execution_id} .*`nic-etl run -p chunk_size=300`"
    with pytest.raises(ConfigurationError, match=told):
        make().resume_from_checkpoint(changes={"chunk_size": "300", "max_retries": "9"})
    with pytest.raises(ConfigurationError, match="max_retries"):
        make().resume_from_checkpoint(changes={"max_retries": "many"})
    assert make().manager.load_checkpoint().resumed == 0

    changes = {"max_retries": "9", "stage_timeout_s": "7200", "chunk_size": "200"}  # the last one is its own
    resumed = make().resume_from_checkpoint(changes=changes)
    assert resumed.overall_status is ExecutionStatus.SUCCESS
    made_with = make().manager.load_checkpoint().pipeline_config
    assert (made_with["max_retries"], made_with["stage_timeout_s"], made_with["chunk_size"]) == (9, 7200, 200)


def test_the_pause_before_a_run_is_resumed_is_no_part_of_its_duration(make: Make) -> None:
    broken_off(make(), minutes_ago=90)
    resumed = make().resume_from_checkpoint()
    assert 60 <= resumed.total_duration < 120
    assert resumed.summary["duration_seconds"] == pytest.approx(resumed.total_duration, abs=0.01)
    [record] = make().manager.get_execution_history()
    assert record.seconds == pytest.approx(resumed.total_duration, abs=0.01)


def test_a_run_of_another_version_that_cannot_be_resumed_says_so(make: Make) -> None:
    chain = make()
    state = record(chain)
    state.status = ExecutionStatus.FAILED
    state.pipeline_config = {"chunk_size": 200, "setting_of_yesterday": 1}
    chain.manager.save_checkpoint(state)
    with pytest.raises(ConfigurationError, match="no setting 'setting_of_yesterday'"):
        make().resume_from_checkpoint()


@pytest.mark.parametrize(
    ("status", "code"), [("success", 0), ("failed", 1), ("partial", 3), ("cancelled", 130), ("running", 1)]
)
def test_each_end_of_a_run_has_its_exit_code(make: Make, status: str, code: int) -> None:
    state = record(make())
    end = ExecutionStatus(status)
    assert PipelineResult(state.execution_id, end, 1.0, {}, state, Path()).exit_code == code


def test_on_a_disk_without_links_latest_holds_copies_of_what_was_executed(
    make: Make, outputs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError("no links here")

    chain = make()
    first = record(chain)
    monkeypatch.setattr("pathlib.Path.symlink_to", refuse)
    second = make().execute_full_pipeline()
    original = chain.manager.run_dir(first.execution_id) / "01_listing.ipynb"
    latest = outputs / "latest" / "01_listing.ipynb"
    assert second.state.stages["listing"].carried_from == first.execution_id
    assert latest.read_bytes() == original.read_bytes()
    assert not latest.is_symlink()
