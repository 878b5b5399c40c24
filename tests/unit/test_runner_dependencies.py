"""Promises of the dependency resolver: an order that respects what each stage reads, or a plain refusal."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.errors import DependencyResolutionError
from runner.models import PipelineStage
from runner.pipeline.dependency_resolver import DependencyResolver
from runner.stages.chain import default_stages


def chain(**needs: str) -> list[PipelineStage]:
    return [PipelineStage(name, "", Path(f"{name}.ipynb"), tuple(of.split())) for name, of in needs.items()]


@st.composite
def graphs(draw: st.DrawFn) -> list[PipelineStage]:
    names = [f"s{n}" for n in range(draw(st.integers(1, 7)))]
    needs = {
        name: " ".join(draw(st.sets(st.sampled_from(names[:n])))) if n else "" for n, name in enumerate(names)
    }
    return chain(**{name: needs[name] for name in draw(st.permutations(names))})


@given(graphs())
def test_a_stage_comes_after_all_that_it_reads(stages: list[PipelineStage]) -> None:
    resolver = DependencyResolver(stages)
    assert sorted(resolver.order) == sorted(stage.name for stage in stages)
    for stage in stages:
        for dependency in stage.dependencies:
            assert resolver.order.index(dependency) < resolver.order.index(stage.name)


@given(graphs())
def test_the_stages_of_a_group_do_not_read_each_other(stages: list[PipelineStage]) -> None:
    resolver = DependencyResolver(stages)
    assert sorted(name for group in resolver.groups() for name in group) == sorted(resolver.order)
    for group in resolver.groups():
        for name in group:
            assert not set(group) & set(resolver.downstream(name))


def test_the_order_of_the_six_stages_and_what_may_run_side_by_side() -> None:
    resolver = DependencyResolver(default_stages())
    assert resolver.groups() == (
        ("gitlab_ingestion",),
        ("document_processing",),
        ("text_chunking",),
        ("embedding_generation", "metadata_enrichment"),
        ("qdrant_storage",),
    )


def test_downstream_are_the_stages_that_a_change_makes_out_of_date() -> None:
    resolver = DependencyResolver(chain(a="", b="a", c="b", d="", e="c d"))
    assert resolver.downstream("a") == ("b", "c", "e")
    assert resolver.downstream("d") == ("e",)
    assert resolver.downstream("e") == ()


def test_a_circle_is_told_with_its_members() -> None:
    with pytest.raises(DependencyResolutionError, match="in a circle") as refusal:
        DependencyResolver(chain(a="c", b="a", c="b"))
    assert refusal.value.exit_code == 2
    assert all(name in str(refusal.value) for name in "abc")


def test_a_stage_that_reads_itself_is_a_circle() -> None:
    with pytest.raises(DependencyResolutionError, match="a → a"):
        DependencyResolver(chain(a="a"))


def test_a_dependency_that_is_not_there_is_named() -> None:
    with pytest.raises(DependencyResolutionError, match="b depends on 'x', which is not registered"):
        DependencyResolver(chain(a="", b="x"))


def test_an_unknown_stage_is_answered_with_those_there_are() -> None:
    resolver = DependencyResolver(chain(a="", b="a"))
    for question in (resolver.require, resolver.downstream):
        with pytest.raises(DependencyResolutionError, match="There is no stage 'x': the stages are a, b"):
            question("x")
