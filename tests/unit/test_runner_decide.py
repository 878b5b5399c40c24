"""Promises of the decision whether a stage runs: what holds is kept, what does not is made anew."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path
from typing import Any, ClassVar

import pytest

from runner.config_manager import PipelineConfig
from runner.errors import ConfigurationError, StateManagementError
from runner.models import (
    Checkpoint,
    Decision,
    ExecutionMode,
    ExecutionStatus,
    PipelineState,
    RunScope,
    ValidationRule,
    now,
)
from runner.pipeline import orchestrator as orchestrator_module
from runner.pipeline.decide import decide, outside_of
from runner.pipeline.dependency_resolver import DependencyResolver
from runner.pipeline.orchestrator import PipelineOrchestrator
from runner.pipeline.rerun import rerun_inputs, tried_settings
from runner.pipeline.run import Run
from runner.record.state_manager import StateManager
from runner.record.trials import trial_config
from runner.stages.fingerprint import stage_fingerprint
from tests.toy_chain import toy_chain
from tests.unit.core_notebooks import record_stage

PRODUCTS = {"listing": "documents", "shout": "shouted", "count": "counts", "measure": "measures"}
Upstream = dict[str, str]


class Chain:
    """The toy chain, whose stages are recorded as if they had been executed."""

    def __init__(self, folder: Path, outputs: Path) -> None:
        stages = toy_chain(folder)
        self.stages = {stage.name: dataclasses.replace(stage, outside="") for stage in stages}
        self.outputs = outputs
        self.manager = StateManager(outputs)

    def config(self, **settings: Any) -> PipelineConfig:
        values = {"outputs_dir": str(self.outputs), "chunk_size": 200, "chunk_overlap": 20} | settings
        return PipelineConfig(**values)

    def orchestrator(self, **settings: Any) -> PipelineOrchestrator:
        return PipelineOrchestrator(config=self.config(**settings), stages=self.stages.values())

    def begin(self, mode: ExecutionMode = ExecutionMode.FULL, **settings: Any) -> PipelineState:
        config = self.config(**settings).model_dump(mode="json")
        return self.manager.new_run(mode, config, "hash")

    def execute(self, state: PipelineState, *names: str, word: str = "", **settings: Any) -> Upstream:
        """Record stages of a run, each reading what the one before it made; return their notebooks."""
        config = self.config(**settings)
        for name in names or tuple(self.stages):
            stage = self.stages[name]
            made = f"{word} {name}" + ("" if name == "listing" else f" of {config.chunk_size}")
            checkpoint = record_stage(
                self.manager,
                state,
                name,
                notebook=stage.notebook.name,
                products={PRODUCTS.get(name, "stored"): [{"path": "a", "word": made}]},
                fingerprint=stage_fingerprint(stage, config, self.upstream(state)),
            )
            checkpoint.outside = outside_of(stage, config, self.manager)
            self.manager.save_checkpoint(state)
        return self.upstream(state)

    def upstream(self, state: PipelineState) -> Upstream:
        done = state.stages.items()
        return {name: str(self.manager.absolute(one.notebook)) for name, one in done if one.notebook}

    def decide(
        self, name: str, upstream: Upstream, run: PipelineState | None = None, **more: Any
    ) -> Decision:
        options = {one: more.pop(one) for one in ("reuse", "look") if one in more}
        look = options.pop("look", True)
        return decide(self.stages[name], self.run(run, **options, **more), upstream, look=look)

    def run(self, state: PipelineState | None = None, *, reuse: bool = True, **settings: Any) -> Run:
        chain = DependencyResolver(self.stages.values())
        state = state or PipelineState(execution_id="")
        return Run(self.config(**settings), self.manager, chain, state, reuse=reuse)


@pytest.fixture
def chain(tmp_path: Path, outputs: Path) -> Chain:
    return Chain(tmp_path / "notebooks", outputs)


def end(chain: Chain, state: PipelineState, status: ExecutionStatus) -> None:
    state.status, state.end_timestamp = status, now()
    chain.manager.save_checkpoint(state)


# What is in force


def test_a_setting_tried_and_taken_back_leaves_the_former_result_in_force(chain: Chain) -> None:
    first = chain.begin()
    upstream = chain.execute(first)
    chain.execute(chain.begin(chunk_size=120), chunk_size=120)
    decision = chain.decide("shout", upstream)
    assert decision.carries
    assert decision.checkpoint is not None
    assert decision.checkpoint[0] == first.execution_id
    assert {stage.action for stage in chain.orchestrator().plan().stages} == {"carry over"}


def test_in_force_is_what_the_newest_run_carried_over_not_what_was_executed_last(chain: Chain) -> None:
    first = chain.begin()
    chain.execute(first)
    tried = chain.begin(chunk_size=120)
    chain.execute(tried, chunk_size=120)
    back = chain.begin()
    for name, done in first.stages.items():
        carried = {"status": ExecutionStatus.SKIPPED, "carried_from": first.execution_id}
        back.stages[name] = done.model_copy(update=carried)
    chain.manager.save_checkpoint(back)
    in_force = {name: execution_id for name, (execution_id, _) in chain.manager.in_force().items()}
    assert in_force == dict.fromkeys(chain.stages, first.execution_id)
    assert chain.manager.last_attempt("storing") == first.execution_id


def test_a_rerun_builds_on_the_results_of_its_own_setting(chain: Chain) -> None:
    upstream = chain.execute(chain.begin())
    tried = chain.execute(chain.begin(chunk_size=120), chunk_size=120)

    def read(**settings: Any) -> Upstream:
        return rerun_inputs(chain.run(**settings), ["count"])

    assert read() == {name: upstream[name] for name in ("listing", "shout")} | {"listing": tried["listing"]}
    assert read(chunk_size=120)["shout"] == tried["shout"]
    # `count` does not say how its texts were cut: what is in force will do, whatever the setting is now.
    assert read(chunk_size=77)["shout"] == tried["shout"]


def test_a_rerun_that_is_told_another_chunking_than_it_would_read_is_refused(chain: Chain) -> None:
    notebook = chain.stages["storing"].notebook
    notebook.write_text(
        notebook.read_text().replace("outputs_dir: str", "chunk_size: int = 1\\noutputs_dir: str")
    )
    assert "chunk_size" in notebook.read_text()
    chain.execute(chain.begin())
    with pytest.raises(ConfigurationError, match=r"shout was made with .*chunk_size 200 → 300.*rerun shout"):
        chain.orchestrator(chunk_size=300).execute_stage("storing")


def test_a_rerun_whose_inputs_are_gone_builds_on_what_is_in_force_or_on_nothing(chain: Chain) -> None:
    assert rerun_inputs(chain.run(), ["storing"]) == {}
    state = chain.begin()
    upstream = chain.execute(state)
    Path(upstream["listing"]).unlink()
    assert rerun_inputs(chain.run(), ["shout"]) == {"listing": upstream["listing"]}
    assert rerun_inputs(chain.run(), ["count", "measure"]) == {
        name: upstream[name] for name in ("listing", "shout")
    }
    assert rerun_inputs(chain.run(), ["storing", "shout"]) == {
        name: upstream[name] for name in ("listing", "count", "measure")
    }


def test_of_a_stage_that_reads_a_source_no_older_result_is_built_on(chain: Chain) -> None:
    older = chain.execute(chain.begin())
    newer = chain.execute(chain.begin(organization="Other"), organization="Other")
    assert rerun_inputs(chain.run(), ["shout"]) == {"listing": older["listing"]}
    chain.stages["listing"] = dataclasses.replace(chain.stages["listing"], outside="source")
    assert rerun_inputs(chain.run(), ["shout"]) == {"listing": newer["listing"]}


@pytest.mark.parametrize(
    ("settings", "tried"),
    [
        ({}, []),
        ({"chunk_size": 300, "organization": "Other"}, ["chunk_size", "organization"]),
        ({"embedding_model": "other"}, []),  # no stage of this chain is told it
        ({"batch_size": 7}, []),  # it does not bear on results
        ({"chunk_size": 300, "project": "another"}, []),  # of which readers see nothing
    ],
)
def test_settings_are_tried_that_differ_from_those_of_what_readers_see(
    chain: Chain, settings: dict[str, Any], tried: list[str]
) -> None:
    assert tried_settings(chain.run(chunk_size=300)) == []  # they see nothing yet
    chain.execute(chain.begin())
    chain.execute(chain.begin(ExecutionMode.TEST, chunk_size=250), chunk_size=250)
    assert sorted(tried_settings(chain.run(**settings))) == tried


def test_an_altered_notebook_is_the_reason_that_is_told(chain: Chain, monkeypatch: Any) -> None:
    monkeypatch.setattr("runner.pipeline.decide.outside_state", lambda *_: "as it was left")
    chain.stages["storing"] = dataclasses.replace(chain.stages["storing"], outside="store")
    first, second = chain.begin(), chain.begin()
    for state in (first, second):
        upstream = chain.execute(state)
    notebook = Path(second.stages["storing"].notebook)
    with (chain.outputs / notebook).open("a") as file:
        file.write(" ")
    told = f"{chain.outputs / notebook} was altered since its stage ended"
    # An older result has the same fingerprint; that the collection is as the newer one left it is no reason.
    decision = chain.decide("storing", upstream)
    assert (decision.action, decision.reasons) == ("run", (told,))
    assert chain.manager.notebook_fault(first.stages["storing"]) == ""

    chain.stages["storing"] = dataclasses.replace(chain.stages["storing"], outside="")
    decision = chain.decide("storing", upstream)
    nothing = f"nothing changed since {first.execution_id}"
    assert (decision.action, decision.reasons) == ("carry over", (nothing, told))
    checks = chain.orchestrator().validate_pipeline_health().checks
    assert ("checkpoints", False, told) in checks


def test_an_attempt_on_the_store_counts_however_it_ended(chain: Chain, monkeypatch: Any) -> None:
    monkeypatch.setattr("runner.pipeline.decide.outside_state", lambda *_: "as it was left")
    chain.stages["storing"] = dataclasses.replace(chain.stages["storing"], outside="store")
    upstream = chain.execute(chain.begin())
    assert chain.decide("storing", upstream).carries
    broken = chain.begin(organization="Other")
    broken.stages["storing"] = Checkpoint(stage="storing", status=ExecutionStatus.FAILED)
    chain.manager.save_checkpoint(broken)
    decision = chain.decide("storing", upstream)
    assert (decision.action, decision.reasons) == (
        "run", ("the collection is not as the last run left it, or has to be asked",),
    )  # fmt: skip
    chain.execute(chain.begin())
    trial = chain.begin(ExecutionMode.TEST)
    trial.stages["storing"] = Checkpoint(stage="storing", status=ExecutionStatus.FAILED)
    chain.manager.save_checkpoint(trial)
    assert chain.decide("storing", upstream).carries  # a trial fills a collection of its own


@pytest.mark.parametrize("noted", ["as it was", ""])
def test_of_a_source_that_changed_while_it_was_read_nothing_is_noted_and_nothing_believed(
    chain: Chain, monkeypatch: Any, noted: str
) -> None:
    chain.stages["listing"] = dataclasses.replace(chain.stages["listing"], outside="source")
    state = chain.begin()
    chain.execute(state, "listing")
    state.stages["listing"].outside = noted
    chain.manager.save_checkpoint(state)
    for now_it_is in ("changed", "as it was", ""):  # and changed back: what was read may have been the other
        monkeypatch.setattr("runner.pipeline.decide.outside_state", lambda *_, now=now_it_is: now)
        assert chain.decide("listing", {}).carries is (noted == now_it_is == "as it was")


# Kinds


def test_a_real_run_never_takes_what_a_trial_made_and_a_trial_may_take_what_a_real_run_made(
    chain: Chain,
) -> None:
    trial = chain.begin(ExecutionMode.TEST)
    made = chain.execute(trial)
    assert chain.decide("shout", made).reasons == ("it has not been executed yet",)
    assert chain.decide("shout", made, chain.begin(ExecutionMode.TEST)).carries
    real = chain.begin()
    upstream = chain.execute(real, word="real")
    assert chain.decide("count", upstream, chain.begin(ExecutionMode.TEST)).carries


def test_a_trial_never_fills_a_collection_that_a_real_run_filled(chain: Chain) -> None:
    real = chain.begin(collection_name="served_test")
    chain.execute(real)
    with pytest.raises(ConfigurationError, match=rf"served_test, which {real.execution_id} filled"):
        chain.orchestrator(collection_name="served").execute_test_run(1)
    trial = trial_config(chain.config(collection_name="other"), document_limit=3)
    assert (trial.collection_name, trial.document_limit) == ("other_test", 3)
    assert trial.allow_mass_deletion  # the trial before this one may have been larger


@pytest.mark.parametrize(
    ("config", "mode"),
    [
        ({"collection_name": "x_test", "document_limit": 2}, ExecutionMode.TEST),
        ({"collection_name": "x", "document_limit": 2}, ExecutionMode.FULL),
        ({"collection_name": "x_test", "document_limit": 0}, ExecutionMode.FULL),
        ({}, ExecutionMode.FULL),
    ],
)
def test_a_resumed_run_of_a_former_version_is_known_for_what_it_was(
    chain: Chain, config: dict[str, Any], mode: ExecutionMode
) -> None:
    record = chain.begin().model_dump(mode="json") | {"mode": "resume", "pipeline_config": config}
    del record["resumed"], record["sequence"], record["scope"]
    state = PipelineState.model_validate(record)
    assert (state.mode, state.resumed, state.sequence) == (mode, 1, 0)
    assert state.kind == f"{mode} (resumed)"


# Order


def test_a_clock_that_was_ahead_does_not_rule(chain: Chain, monkeypatch: Any) -> None:
    ahead = now().replace(year=now().year + 1)
    monkeypatch.setattr("runner.record.state_manager.now", lambda: ahead)
    before = chain.begin()
    chain.execute(before)
    monkeypatch.undo()
    after = chain.begin(organization="Other")
    chain.execute(after, organization="Other", word="new")
    assert chain.manager.execution_ids() == [before.execution_id, after.execution_id]
    assert after.sequence == before.sequence + 1
    last = chain.manager.last_checkpoint("count")
    assert last is not None
    assert last[0] == after.execution_id
    assert abs((after.start_timestamp - now()).total_seconds()) < 60  # only its id is in the future


def test_runs_of_a_former_version_come_before_those_with_a_number(chain: Chain) -> None:
    chain.manager.save_checkpoint(PipelineState(execution_id="20990101T000000.999Z-ffffff"))
    first, second = chain.begin(), chain.begin()
    assert [first.sequence, second.sequence] == [1, 2]
    assert first.execution_id.startswith("20990101T000001.000Z-")
    assert chain.manager.execution_ids()[1:] == [first.execution_id, second.execution_id]


# Resuming


def test_a_resumed_run_keeps_what_it_finished_while_all_of_it_still_holds(chain: Chain) -> None:
    state = chain.begin()
    upstream = chain.execute(state, "listing", "shout")
    decision = chain.decide("shout", upstream, state)
    assert decision.carries
    assert decision.checkpoint == (state.execution_id, state.stages["shout"])


def test_a_resumed_run_makes_a_stage_again_whose_inputs_changed(chain: Chain) -> None:
    state = chain.begin()
    chain.execute(state, "listing", "shout")
    upstream = chain.execute(state, "listing", word="another")
    decision = chain.decide("shout", upstream, state)
    assert (decision.action, decision.reasons) == ("run", ("listing.documents changed",))


@pytest.mark.parametrize("damage", ["notebook", "artifact", "setting", "failed documents"])
def test_a_resumed_run_makes_a_stage_again_that_does_not_hold(chain: Chain, damage: str) -> None:
    state = chain.begin()
    upstream = chain.execute(state, "listing", "shout")
    settings = {"chunk_size": 300} if damage == "setting" else {}
    result = state.stages["shout"].result
    assert result is not None
    if damage == "notebook":
        Path(upstream["shout"]).write_text("{}")
    elif damage == "artifact":
        (chain.outputs / "artifacts" / result.artifacts["shouted"].uri).write_bytes(b"")
    elif damage == "failed documents":
        result.retry_count = 1
        chain.manager.save_checkpoint(state)
    assert chain.decide("shout", upstream, state, **settings).action == "run"


@pytest.mark.parametrize(
    ("outside", "now_it_is", "carries"),
    [
        ("source", "changed", True),
        ("store", "changed", False),
        ("store", "as it was", True),
        ("", "changed", True),
    ],
)
def test_a_resumed_run_looks_at_a_store_again_and_not_at_its_source(
    chain: Chain, monkeypatch: Any, outside: str, now_it_is: str, carries: bool
) -> None:
    chain.stages["storing"] = dataclasses.replace(chain.stages["storing"], outside=outside)
    monkeypatch.setattr("runner.pipeline.decide.outside_state", lambda *_: "as it was")
    state = chain.begin()
    upstream = chain.execute(state)
    monkeypatch.setattr("runner.pipeline.decide.outside_state", lambda *_: now_it_is)
    decision = chain.decide("storing", upstream, state)
    assert decision.carries is carries
    if carries:
        assert decision.reasons == ("this run has finished it already",)
        assert decision.checkpoint == (state.execution_id, state.stages["storing"])
    carried = state.stages["storing"].model_copy(
        update={"carried_from": "r0", "status": ExecutionStatus.SKIPPED}
    )
    state.stages["storing"] = carried
    if outside == "source":
        assert chain.decide("storing", upstream, state).checkpoint == ("r0", carried)


def test_documents_that_were_asked_for_are_made_again_after_a_resume_too(chain: Chain) -> None:
    upstream = chain.execute(chain.begin())
    state = chain.begin()
    state.scope = RunScope(forced=("shout",))
    assert chain.decide("shout", upstream, state).reasons == ("documents were to be processed again",)
    assert chain.decide("count", upstream, state).carries
    chain.manager.save_checkpoint(state)
    again = chain.manager.load_checkpoint(state.execution_id)
    assert chain.decide("shout", upstream, again).action == "run"


def test_an_older_run_is_not_resumed_once_a_newer_one_has_worked(chain: Chain) -> None:
    older = chain.begin()
    end(chain, older, ExecutionStatus.FAILED)
    end(chain, chain.begin(), ExecutionStatus.FAILED)  # it came to nothing
    trial = chain.begin(ExecutionMode.TEST)
    chain.execute(trial)
    end(chain, trial, ExecutionStatus.SUCCESS)
    assert chain.manager.newer_run(older) is None
    newer = chain.begin()
    chain.execute(newer, "listing")
    end(chain, newer, ExecutionStatus.FAILED)
    with pytest.raises(
        StateManagementError, match=rf"for {newer.execution_id} has run since: `nic-etl run`"
    ) as no:
        chain.orchestrator().resume_from_checkpoint(older.execution_id)
    assert no.value.exit_code == 2
    assert chain.manager.load_checkpoint(older.execution_id).resumed == 0


class Begun:
    """Stands for a run: what it is begun with is what a test looks at."""

    runs: ClassVar[list[PipelineState]] = []

    def __init__(self, run: Run, *_: Any, **__: Any) -> None:
        run.manager.save_checkpoint(run.state)
        self.runs.append(run.state)

    def execute(self) -> None:
        return None


@pytest.mark.parametrize("kind", ["trial", "rerun"])
def test_a_run_stays_what_it_was_when_it_is_resumed(chain: Chain, monkeypatch: Any, kind: str) -> None:
    chain.execute(chain.begin())
    monkeypatch.setattr(orchestrator_module, "PipelineRun", Begun)
    orchestrator = chain.orchestrator()
    if kind == "trial":
        orchestrator.execute_test_run(1)
    else:
        orchestrator.execute_stage("shout")
    begun = Begun.runs[-1]
    end(chain, begun, ExecutionStatus.CANCELLED)
    chain.orchestrator().resume_from_checkpoint(begun.execution_id)
    chain.orchestrator().resume_from_checkpoint()
    resumed = Begun.runs[-1]
    assert resumed.resumed == 2
    same = ("execution_id", "mode", "sequence", "scope", "pipeline_config")
    assert [getattr(resumed, name) for name in same] == [getattr(begun, name) for name in same]
    assert resumed.scope.only == (() if kind == "trial" else ("shout",))
    assert resumed.trial is (kind == "trial")


def test_a_run_of_the_chain_takes_no_settings_from_a_trial(chain: Chain) -> None:
    real = chain.begin(organization="Real")
    chain.begin(ExecutionMode.TEST, organization="Trial")
    last = chain.manager.last_real_run()
    assert last is not None
    assert last.execution_id == real.execution_id


def test_the_record_of_a_run_is_on_disk_before_it_is_relied_on(chain: Chain, monkeypatch: Any) -> None:
    state = chain.begin()
    synced: list[int] = []
    real = os.fsync
    monkeypatch.setattr(os, "fsync", lambda descriptor: (synced.append(descriptor), real(descriptor))[1])
    chain.manager.save_checkpoint(state)
    assert synced


# What is not known yet


def test_a_guess_looks_at_nothing_and_says_what_it_depends_on(chain: Chain) -> None:
    upstream = chain.execute(chain.begin())
    del upstream["shout"]
    decision = chain.decide("count", upstream, look=False)
    assert decision.action == "decide"
    assert "runs only if shout produces something new" in decision.reasons[0]
    assert chain.decide("shout", upstream, look=False).carries
    assert chain.decide("shout", upstream, look=False, chunk_size=300).action == "run"
    assert chain.decide("shout", upstream, reuse=False).action == "run"


@pytest.mark.parametrize(
    ("look", "now_it_is", "action"),
    [(True, "as it was", "decide"), (True, "changed", "run"), (False, "changed", "decide")],
)
def test_a_guess_looks_outside_only_if_it_may(
    chain: Chain, monkeypatch: Any, look: bool, now_it_is: str, action: str
) -> None:
    chain.stages["storing"] = dataclasses.replace(chain.stages["storing"], outside="store")
    monkeypatch.setattr("runner.pipeline.decide.outside_state", lambda *_: "as it was")
    state = chain.begin()
    upstream = chain.execute(state)
    del upstream["measure"]
    monkeypatch.setattr("runner.pipeline.decide.outside_state", lambda *_: now_it_is)
    decision = chain.decide("storing", upstream, look=look)
    store = "the collection is not as the last run left it, or has to be asked"
    said = f"runs only if measure produces something new since {state.execution_id}"
    assert (decision.action, decision.reasons) == (action, (store if action == "run" else said,))
    assert decision.checkpoint == (state.execution_id, state.stages["storing"])
    never = chain.decide("storing", {}, chain.begin(ExecutionMode.TEST), look=look)
    assert (never.action, never.reasons, never.checkpoint) == ("run", ("it has not been executed yet",), None)


@pytest.mark.parametrize(("count", "said"), [(1, "1 document failed"), (2, "2 documents failed")])
def test_failed_documents_and_broken_rules_are_why_a_stage_runs_though_nothing_changed(
    chain: Chain, count: int, said: str
) -> None:
    rule = ValidationRule("some", lambda result: result.retry_count < 2, "Mend it.")
    chain.stages["shout"] = dataclasses.replace(chain.stages["shout"], validation_rules=(rule,))
    state = chain.begin()
    upstream = chain.execute(state)
    result = state.stages["shout"].result
    assert result is not None
    result.retry_count = count
    chain.manager.save_checkpoint(state)
    reasons = [f"{said}: once more", *(["shout breaks the rule 'some'. Mend it."] if count > 1 else [])]
    for look in (True, False):
        decision = chain.decide("shout", upstream, look=look)
        assert (decision.action, list(decision.reasons)) == ("run", reasons)
