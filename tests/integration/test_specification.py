"""Each name of the specification does what is said of it there: called for real, on a small chain."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_notebook

from runner import (
    ConfigurationError,
    ExecutionContext,
    ExecutionMode,
    ExecutionStatus,
    PipelineConfig,
    PipelineMonitor,
    PipelineOrchestrator,
    PipelineResult,
    PipelineStage,
    ResourceInfo,
    ResourceRequirements,
    RetryConfig,
    StageExecutionError,
    StageManager,
    StateManagementError,
    StateManager,
    ValidationRule,
    default_stages,
)
from runner.events import Event
from runner.spec import (
    AdvancedOrchestration,
    RecoveryAction,
    StageExecutor,
    checkpoint_pipeline_state,
    cleanup_failed_execution,
    create_pipeline_section_headers,
    create_progress_tracker,
    display_stage_metrics,
    execute_stage_with_retry,
    generate_execution_summary,
    handle_stage_failure,
    recover_from_partial_failure,
    setup_notebook_environment,
    validate_pipeline_integrity,
)
from tests.specification import ERRORS, FIELDS, FUNCTIONS, MEMBERS, METHODS, TYPES
from tests.toy_chain import write_notebook
from tests.unit.core_notebooks import front_end

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[2]
BODIES = {
    "gitlab_ingestion": """
stage = open_stage("gitlab_ingestion", upstream=upstream, outputs_dir=outputs_dir)
rows = [
    {"document_id": f"id{n}", "path": f"doc{n}.md", "modified": f"2026-01-0{n + 1}T00:00:00+00:00"}
    for n in range(max_pages)
]
take = lambda row: DocumentOutput({"modified": row["modified"]})
stage.glue_documents("documents", stage.map_documents(rows, take, key=lambda row: row["path"]))
""",
    "document_processing": """
stage = open_stage("document_processing", upstream=upstream, outputs_dir=outputs_dir)
if organization.startswith("flaky "):
    from pathlib import Path
    marker = Path(organization.removeprefix("flaky "))
    if not marker.exists():
        marker.touch()
        raise ConnectionError("the service is away")
rows = stage.read("gitlab_ingestion", "documents")
read = lambda row: DocumentOutput({"text": row["path"].upper()})
stage.glue_documents("processed", stage.map_documents(rows, read, key=lambda row: row["path"]))
""",
}
OTHER = """
stage = open_stage("{name}", upstream=upstream, outputs_dir=outputs_dir)
stage.glue_json("made", {{"by": "{name}"}})
"""


def small_chain(folder: Path) -> list[PipelineStage]:
    """The six stages by name and dependencies, with notebooks that do next to nothing."""
    folder.mkdir(parents=True)
    chain = []
    for real in default_stages():
        path = folder / real.notebook.name
        parameters = 'max_pages: int = 2\norganization: str = "NIC"'
        write_notebook(path, real.name, parameters, BODIES.get(real.name, OTHER.format(name=real.name)))
        quick = RetryConfig(initial_wait=0.01, max_wait=0.05)
        light = ResourceRequirements(memory_mb=100)
        chain.append(
            PipelineStage(
                real.name, real.description, path, real.dependencies,
                retry_config=quick, resource_requirements=light,
            )
        )  # fmt: skip
    return chain


@dataclass(frozen=True)
class World:
    """A finished run of the small chain, and how to steer the next ones."""

    outputs: Path
    chain: list[PipelineStage]
    result: PipelineResult

    def config(self, **settings: Any) -> PipelineConfig:
        return PipelineConfig(outputs_dir=str(self.outputs), **({"max_pages": 2} | settings))

    def pipeline(self, **settings: Any) -> PipelineOrchestrator:
        return PipelineOrchestrator(config=self.config(**settings), stages=self.chain)

    @property
    def state(self) -> StateManager:
        return StateManager(self.outputs)

    def managed(self, chain: list[PipelineStage] | None = None) -> StageManager:
        manager = StageManager(self.state, lambda _: None, threading.Event())
        for stage in chain or self.chain:
            manager.register_stage(stage)
        return manager

    def context(self, upstream: dict[str, str] | None = None, **settings: Any) -> ExecutionContext:
        run = self.state.new_run(ExecutionMode.FULL, {}, "")
        known = {
            name: str(self.state.absolute(checkpoint.notebook))
            for name, checkpoint in self.result.state.stages.items()
        }
        return ExecutionContext(
            self.config(**settings), self.state.run_dir(run.execution_id),
            known if upstream is None else upstream, pipeline_state=run,
        )  # fmt: skip


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("specification")
    chain = small_chain(folder / "notebooks")
    config = PipelineConfig(outputs_dir=str(folder / "outputs"), max_pages=2)
    result = PipelineOrchestrator(config=config, stages=chain).execute_full_pipeline()
    assert result.overall_status is ExecutionStatus.SUCCESS, result.summary_report
    yield World(folder / "outputs", chain, result)
    assert not list(folder.glob("outputs/kernels/*.json")), "a kernel was left behind"


SHOWN: set[str] = set()
Test = Callable[..., None]


def shows(*names: str) -> Callable[[Test], Test]:
    """Say which names of the specification a test calls."""
    SHOWN.update(names)
    return lambda test: test


# Orchestrator


@shows(
    "PipelineOrchestrator.execute_full_pipeline",
    *(f"PipelineResult.{name}" for name in FIELDS["PipelineResult"]),
    *(f"StageResult.{name}" for name in FIELDS["StageResult"]),
    "PipelineMetrics",
)
def test_a_run_says_what_it_came_to_in_figures_and_in_words(world: World) -> None:
    result = world.result
    assert list(result.stage_results) == [stage.name for stage in world.chain]
    assert result.execution_id in result.summary_report
    assert "document_processing: success" in result.summary_report
    assert "Documents: 2 ok" in result.summary_report
    metrics = result.final_metrics
    assert (metrics.documents, metrics.documents_failed, metrics.failure_rate) == (2, 0, 0.0)
    assert (metrics.stages_executed, metrics.stages_carried_over, metrics.retries) == (6, 0, 0)
    assert metrics.seconds == pytest.approx(result.total_duration, abs=0.01)
    assert metrics.documents_per_hour == pytest.approx(2 * 3600 / result.total_duration, rel=0.01)
    assert metrics.peak_memory_mb > 0
    assert world.state.store.read(result.artifacts["text_chunking"]["made"]) == b'{"by":"text_chunking"}'
    processed = result.stage_results["document_processing"]
    assert (processed.input_count, processed.output_count, processed.success_count) == (2, 2, 2)
    assert (processed.failure_count, processed.errors, processed.warnings) == (0, [], [])
    assert processed.end_time is not None
    assert processed.end_time > processed.start_time


@shows(
    "PipelineOrchestrator.setup_pipeline",
    "SetupResult",
    "PipelineOrchestrator.validate_pipeline_config",
    "ValidationResult",
    *(f"PipelineConfig.{name}" for name in FIELDS["PipelineConfig"]),
)
def test_a_configuration_is_set_up_or_refused_with_its_problem(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITLAB_TOKEN", "secret-of-gitlab")
    (tmp_path / "key").write_text("secret-of-qdrant\n")
    monkeypatch.setenv("QDRANT_API_KEY_FILE", str(tmp_path / "key"))
    pipeline = world.pipeline()
    config = PipelineConfig(outputs_dir=str(tmp_path / "new"), chunk_size=300)
    setup = pipeline.setup_pipeline(config)
    assert (setup.valid, setup.problems, setup.outputs) == (True, (), tmp_path / "new")
    assert setup.outputs.is_dir()
    assert setup.stages == tuple(stage.name for stage in world.chain)
    assert pipeline.config is config
    wrong = config.model_copy(update={"chunk_overlap": 300})
    assert not pipeline.setup_pipeline(wrong).valid
    assert "chunk_overlap" in pipeline.validate_pipeline_config(wrong).problems[0]
    assert config.gitlab_token is not None
    assert config.qdrant_api_key is not None
    assert config.gitlab_token.get_secret_value() == "secret-of-gitlab"
    assert config.qdrant_api_key.get_secret_value() == "secret-of-qdrant"
    assert "secret-of" not in repr(config) + config.model_dump_json()
    with pytest.raises(ConfigurationError, match="gitlab_token is a secret") as refusal:
        PipelineConfig(gitlab_token="secret-of-gitlab")  # type: ignore[call-arg]
    assert "secret-of" not in str(refusal.value)


@shows("PipelineOrchestrator.validate_pipeline_health", "HealthCheckResult")
def test_the_health_of_what_a_run_depends_on_is_told(world: World) -> None:
    health = world.pipeline().validate_pipeline_health()
    assert {name for name, _, _ in health.checks} >= {"configuration", "outputs", "disk", "memory"}
    assert {name: ok for name, ok, _ in health.checks}["outputs"]


@shows("PipelineOrchestrator.execute_incremental_update")
def test_documents_are_processed_again_by_date_or_by_name(world: World) -> None:
    since = world.pipeline().execute_incremental_update(since=datetime(2026, 1, 2, tzinfo=UTC))
    assert since.state.mode is ExecutionMode.INCREMENTAL
    assert since.stage_results["document_processing"].unchanged_count == 1
    named = world.pipeline().execute_incremental_update(force_reprocess=["doc0.md", "doc1.md"])
    assert named.stage_results["document_processing"].unchanged_count == 0


@shows("PipelineOrchestrator.execute_stage")
def test_one_stage_runs_in_a_run_of_its_own_on_given_dependencies(world: World) -> None:
    notebook = str(world.state.absolute(world.result.state.stages["gitlab_ingestion"].notebook))
    again = world.pipeline().execute_stage("document_processing", {"gitlab_ingestion": notebook})
    assert list(again.stage_results) == ["document_processing"]
    assert again.state.mode is ExecutionMode.RERUN


@shows(
    "PipelineOrchestrator.resume_from_checkpoint",
    "PipelineOrchestrator.__init__",
    "recover_from_partial_failure",
    "RecoveryPlan",
    "cleanup_failed_execution",
    "CleanupResult",
    "RetryConfig",
    *(f"PipelineState.{name}" for name in FIELDS["PipelineState"]),
)
def test_a_run_that_failed_is_understood_tidied_up_and_continued(tmp_path: Path) -> None:
    chain = small_chain(tmp_path / "notebooks")
    outputs = tmp_path / "outputs"
    settings: dict[str, Any] = {"outputs_dir": str(outputs), "organization": f"flaky {tmp_path / 'marker'}"}
    pipeline = PipelineOrchestrator(config=PipelineConfig(**settings, max_retries=0), stages=chain)
    failed = pipeline.execute_full_pipeline()
    state = failed.state
    assert (state.completed_stages, state.failed_stages) == (["gitlab_ingestion"], ["document_processing"])
    assert state.current_stage == ""
    assert state.checkpoint_data["document_processing"]["status"] == "failed"
    assert state.pipeline_config["max_retries"] == 0
    assert state.start_timestamp < datetime.now(UTC)
    assert list(state.stage_results) == ["gitlab_ingestion"]
    state.stages["document_processing"].status = ExecutionStatus.RUNNING
    assert state.current_stage == "document_processing"
    plan = recover_from_partial_failure("document_processing", failed.state)
    assert (plan.action, plan.command) == (RecoveryAction.RESUME, f"nic-etl resume {failed.execution_id}")
    (failed.run_dir / ".half.ipynb.tmp").write_text("half")
    cleaned = cleanup_failed_execution(failed.execution_id, StateManager(outputs))
    assert (len(cleaned.removed_files), cleaned.kept_stages) == (1, ["gitlab_ingestion"])
    resumed = pipeline.execute_full_pipeline(resume_from=failed.execution_id)
    assert (resumed.execution_id, resumed.overall_status) == (failed.execution_id, ExecutionStatus.SUCCESS)
    anew = PipelineOrchestrator(None, False, True, config=pipeline.config, stages=chain)
    assert anew.execute_full_pipeline().final_metrics.stages_executed == 6  # no state_persistence
    with pytest.raises(StateManagementError, match="nothing to resume"):
        pipeline.resume_from_checkpoint()


@shows("PipelineOrchestrator.__init__")
def test_in_a_notebook_a_run_shows_its_progress_unless_it_is_told_not_to(world: World) -> None:
    code = (
        f"import sys; sys.path.insert(0, {str(ROOT)!r})\n"
        "from pathlib import Path\n"
        "from runner import PipelineConfig, PipelineOrchestrator\n"
        "from tests.toy_chain import toy_chain\n"
        f"chain = toy_chain(Path({str(world.outputs.parent)!r}) / 'toy')\n"
        f"config = PipelineConfig(outputs_dir={str(world.outputs.parent / 'toy-outputs')!r})\n"
        "names = [stage.name for stage in chain]"
    )
    run = "done = PipelineOrchestrator(config=config, stages=chain, jupyter_mode={}).execute_full_pipeline()"
    cells = [code, run.format(True), run.format(False)]
    notebook = new_notebook(cells=[new_code_cell(cell) for cell in cells])
    NotebookClient(notebook, timeout=300, kernel_name="python3").execute()
    nbformat.validate(notebook)
    shown, hidden = notebook.cells[1].outputs, notebook.cells[2].outputs
    text = "".join(str(output.get("data", {}).get("text/plain", output.get("text", ""))) for output in shown)
    assert "pipeline" in text
    assert hidden == []


# Stages


@shows("StageManager.register_stage", "StageManager.validate_stage_dependencies", "DependencyValidation")
def test_what_a_stage_would_read_is_looked_for_among_the_newest_notebooks(world: World) -> None:
    manager = world.managed()
    assert manager.validate_stage_dependencies("qdrant_storage").valid
    manager.register_stage(replace(world.chain[-1], dependencies=("text_chunking", "translation")))
    found = manager.validate_stage_dependencies("qdrant_storage")
    assert (found.stage, found.valid) == ("qdrant_storage", False)
    assert found.problems[0].startswith("qdrant_storage needs translation, which has not been executed")
    manager.close()


@shows(
    "StageManager.execute_stage_with_retry",
    "execute_stage_with_retry",
    *(f"ExecutionContext.{name}" for name in FIELDS["ExecutionContext"]),
)
def test_a_stage_is_tried_again_where_its_service_failed_in_passing(world: World, tmp_path: Path) -> None:
    manager = world.managed()
    context = world.context(organization=f"flaky {tmp_path / 'one'}")
    assert context.stage_dependencies["gitlab_ingestion"].endswith("01_gitlab_ingestion.ipynb")
    assert context.available_memory == context.available_memory_mb
    checkpoint = manager.execute_stage_with_retry("document_processing", context)
    assert (checkpoint.attempts, checkpoint.status) == (2, ExecutionStatus.SUCCESS)
    manager.close()
    again = world.context(organization=f"flaky {tmp_path / 'two'}")
    assert execute_stage_with_retry(world.chain[1], again).success_count == 2


@shows(
    *(f"PipelineStage.{name}" for name in FIELDS["PipelineStage"]), "ValidationRule", "ResourceRequirements"
)
def test_a_stage_can_have_its_own_executor_and_rules_for_its_result(world: World) -> None:
    finished = world.state.absolute(world.result.state.stages["text_chunking"].notebook)
    given: list[Any] = []

    def elsewhere(job: Any) -> None:
        given.append(job)
        job.target.write_bytes(finished.read_bytes())

    stage = replace(world.chain[2], executor_function=elsewhere)
    assert execute_stage_with_retry(stage, world.context()).stage_name == "text_chunking"
    assert given[0].source == stage.notebook
    rule = ValidationRule("documents were read", lambda result: result.input_count > 0, "Look at stage 02.")
    with pytest.raises(
        StageExecutionError, match=r"breaks the rule 'documents were read'\. Look at stage 02\."
    ):
        execute_stage_with_retry(replace(stage, validation_rules=(rule,)), world.context())
    strict = [
        replace(one, validation_rules=(rule,)) if one.name == "text_chunking" else one for one in world.chain
    ]
    ran = PipelineOrchestrator(config=world.config(), stages=strict).execute_full_pipeline()
    assert ran.overall_status is ExecutionStatus.FAILED  # also where an earlier run could be carried over
    assert "documents were read" in ran.summary_report


@shows("StageManager.cleanup_stage_resources")
def test_what_a_stage_holds_is_freed(world: World) -> None:
    manager = world.managed()
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    left = world.outputs / "logs" / f"text_chunking-{ended.pid}.log"
    left.write_text("")
    manager.warm(["text_chunking"])
    assert list(world.outputs.glob("kernels/*.json"))
    manager.cleanup_stage_resources("text_chunking")
    assert not list(world.outputs.glob("kernels/*.json"))
    assert not left.exists()
    manager.warm(["text_chunking"])  # nothing is started ahead for it any more
    assert not list(world.outputs.glob("kernels/*.json"))
    manager.close()


@shows(*(name for name in METHODS if name.startswith("StageExecutor.")))
def test_each_stage_has_its_method(world: World) -> None:
    manager = world.managed()
    executor, context = StageExecutor(manager), world.context()
    methods = [name.partition(".")[2] for name in METHODS if name.startswith("StageExecutor.")]
    done = [getattr(executor, method)(context).stage_name for method in methods]
    assert done == [stage.name for stage in world.chain]
    manager.close()


@shows(
    *(name for name in METHODS if name.startswith("AdvancedOrchestration.")),
    "ExecutionPlan",
    "ExecutionSchedule",
    "ResourceInfo",
)
def test_stages_are_planned_by_condition_and_memory_and_run_side_by_side(world: World) -> None:
    manager = world.managed()
    advanced, context = AdvancedOrchestration(manager), world.context(hybrid_search=False)
    pair = ["embedding_generation", "metadata_enrichment"]
    assert set(advanced.parallel_stage_execution(pair, context)) == set(pair)
    hybrid = {"embedding_generation": lambda given: given.pipeline_config.hybrid_search}
    plan = advanced.conditional_stage_execution(hybrid, context)  # type: ignore[arg-type]
    assert [one.name for one in plan.stages if one.action == "skip"] == [
        "embedding_generation",
        "qdrant_storage",
    ]
    assert tuple(pair) in advanced.resource_aware_scheduling(ResourceInfo(8_000)).waves
    assert tuple(pair) not in advanced.resource_aware_scheduling(ResourceInfo(200)).waves
    manager.close()


# State and monitoring


@shows(
    *(name for name in METHODS if name.startswith("StateManager.")),
    "checkpoint_pipeline_state",
    "ExecutionRecord",
)
def test_states_are_saved_loaded_listed_and_forgotten(tmp_path: Path) -> None:
    state = StateManager(tmp_path / "outputs")
    run = state.new_run(ExecutionMode.FULL, {}, "")
    run.error = "noted"
    assert state.save_checkpoint(run) == run.execution_id
    assert state.load_checkpoint(run.execution_id).error == "noted"
    run.error = "noted again"
    assert state.load_checkpoint(checkpoint_pipeline_state(run, state)).error == "noted again"
    [record] = state.get_execution_history()
    assert (record.execution_id, record.status) == (run.execution_id, "interrupted")
    (state.outputs / "memo.sqlite").write_bytes(b"")
    state.clear_pipeline_state()
    assert not (state.outputs / "memo.sqlite").exists()
    assert state.load_checkpoint().execution_id == run.execution_id


@shows("validate_pipeline_integrity", "IntegrityReport")
def test_what_was_altered_is_found(world: World) -> None:
    state = world.state.load_checkpoint(world.result.execution_id)
    assert validate_pipeline_integrity(state, world.state).valid
    state.stages["text_chunking"].notebook_sha256 = "0" * 64
    report = validate_pipeline_integrity(state, world.state)
    assert list(report.faults) == ["text_chunking"]
    assert "text_chunking" not in report.whole


@shows(
    "PipelineMonitor.get_real_time_status",
    "PipelineStatus",
    "PipelineMonitor.get_performance_metrics",
    "PerformanceReport",
)
def test_a_run_is_seen_from_outside(world: World) -> None:
    monitor = PipelineMonitor(world.state)
    status = monitor.get_real_time_status(world.result.execution_id)
    assert (status.status, status.stages["text_chunking"]) == ("success", "success")
    report = monitor.get_performance_metrics(world.result.execution_id)
    assert report["document_processing"]["attempts"] == 1
    assert list(report) == [stage.name for stage in world.chain]
    assert report.slowest_stage in report
    assert report.metrics == world.result.final_metrics


@shows("PipelineMonitor.cancel_execution", "CancellationResult")
def test_a_run_of_another_process_is_ended(tmp_path: Path) -> None:
    script = (
        "import sys, time; from pathlib import Path; from runner import StateManager\n"
        "with StateManager(Path(sys.argv[1])).lock('there'): print('locked', flush=True); time.sleep(60)"
    )
    command = [sys.executable, "-c", script, str(tmp_path / "outputs")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "locked\n"
        outcome = PipelineMonitor(StateManager(tmp_path / "outputs")).cancel_execution("not now")
    assert (outcome.execution_id, outcome.cancelled) == ("there", True)
    assert "not now" in (tmp_path / "outputs" / "audit.jsonl").read_text()


@shows("handle_stage_failure", "RecoveryAction", *ERRORS)
def test_each_failure_is_answered_with_an_action(world: World) -> None:
    context = world.context()
    passing = StageExecutionError("text_chunking", "away", transient=True)
    assert handle_stage_failure("text_chunking", passing, context) is RecoveryAction.RETRY
    assert handle_stage_failure("text_chunking", ConfigurationError("wrong"), context) is RecoveryAction.ABORT
    assert (
        handle_stage_failure("text_chunking", StateManagementError("held"), context) is RecoveryAction.RESUME
    )


# Notebooks


@shows("setup_notebook_environment")
def test_a_notebook_is_set_up_in_one_call(tmp_path: Path) -> None:
    names: dict[str, Any] = {"PipelineConfig": "mine"}
    settings = {"outputs_dir": str(tmp_path / "outputs"), "chunk_size": 300}
    environment = setup_notebook_environment("local", settings, namespace=names)
    assert environment.config.chunk_size == 300
    assert environment.orchestrator.config is environment.config
    with pytest.raises(StateManagementError, match="no run yet"):
        environment.monitor.get_real_time_status()
    assert names["PipelineOrchestrator"] is PipelineOrchestrator
    assert names["PipelineConfig"] == "mine"
    with pytest.raises(ConfigurationError, match="chunk_overlap"):
        setup_notebook_environment("local", settings | {"chunk_overlap": 300})


@shows("create_pipeline_section_headers")
def test_each_section_has_the_header_that_its_notebook_gives() -> None:
    headers = create_pipeline_section_headers()
    assert list(headers) == [stage.name for stage in default_stages()]
    assert headers["text_chunking"].data.startswith("## 03 · ")
    assert all("**Produces**" in header.data for header in headers.values())
    json.dumps(headers["text_chunking"]._repr_markdown_())


@shows("create_progress_tracker")
def test_a_tracker_draws_the_pipeline_and_its_stages(capsys: pytest.CaptureFixture[str]) -> None:
    tracker = create_progress_tracker()
    tracker(Event("documents", "early", {"done": 1, "total": 2}))  # out of turn: nothing to draw it on
    tracker(Event("run_started", data={"stages": ["a", "b"], "execution_id": "r1"}))
    tracker(Event("stage_carried_over", "a", {"from": "r0"}))
    tracker(Event("stage_started", "b"))
    tracker(Event("documents", "b", {"done": 1, "total": 2, "unit": "document", "current": "x.md"}))
    tracker(Event("documents", "b", {"done": 2, "total": 2, "unit": "document", "current": "y.md"}))
    tracker(Event("stage_finished", "b", {"status": "success"}))
    tracker(Event("run_finished", data={"status": "success", "error": ""}))
    drawn = capsys.readouterr().out
    assert "pipeline: 100%" in drawn
    assert "2/2" in drawn
    assert "success" in drawn
    assert "y.md" in drawn or "x.md" in drawn


@shows("display_stage_metrics", "generate_execution_summary")
def test_figures_are_displayed(world: World, tmp_path: Path) -> None:
    with front_end(tmp_path) as shown:
        figures = display_stage_metrics(world.result.stage_results["document_processing"])
        report = generate_execution_summary(world.result.execution_id, outputs_dir=world.outputs)
    assert figures["documents read"] == 2
    assert report.execution_id == world.result.execution_id
    assert len(shown) == 2


@shows(
    "create_pipeline_dashboard",
    "display_execution_progress",
    "pipeline_configuration_widget",
    "stage_detail_viewer",
    "create_error_analysis_widget",
    "validate_configuration_widget",
    "pipeline_dry_run",
    "component_health_checker",
)
def test_each_widget_shows_the_run(world: World) -> None:
    pytest.importorskip("ipywidgets", reason="needs the extra dashboard")
    from runner import spec
    from runner.dashboard import Workspace
    from runner.dashboard.background import stop_tickers

    def text(widget: Any) -> str:
        below = getattr(widget, "children", ())
        return (
            str(getattr(widget, "value", ""))
            + str(getattr(widget, "description", ""))
            + "".join(map(text, below))
        )

    workspace = Workspace.open("local", {"outputs_dir": str(world.outputs)})
    run = world.result.execution_id
    try:
        assert "Start run" in text(spec.create_pipeline_dashboard("local", workspace.settings))
        assert run in text(spec.display_execution_progress(workspace, run))
        assert "chunk_size" in text(spec.pipeline_configuration_widget(workspace))
        assert "Executed notebook of gitlab_ingestion" in text(spec.stage_detail_viewer(workspace, run))
        assert text(spec.create_error_analysis_widget(workspace, run))
        assert "Check configuration" in text(spec.validate_configuration_widget(workspace))
        assert "Dry run" in text(spec.pipeline_dry_run(workspace))
        assert "Check health" in text(spec.component_health_checker(workspace))
    finally:
        stop_tickers()


def test_no_name_of_the_specification_is_left_out() -> None:
    fields = {f"{name}.{field}" for name, fields in FIELDS.items() for field in fields}
    members = {"ExecutionStatus", "ExecutionMode"}
    assert members == set(MEMBERS)  # test_specification_names compares all of their members
    assert {*METHODS, *FUNCTIONS, *fields, *TYPES, *ERRORS} == SHOWN
