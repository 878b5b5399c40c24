"""Trials fill a collection of their own: which, and that no reader sees it."""

from __future__ import annotations

from typing import Any

from runner.errors import ConfigurationError
from runner.models import trial_collection
from runner.record.state_manager import StateManager
from runner.settings.pipeline_config import PipelineConfig


def trial_config(config: PipelineConfig, **settings: Any) -> PipelineConfig:
    """Return the configuration of a trial: with a collection of its own, and these settings.

    Raises:
        ConfigurationError: if a run that is no trial has filled a collection of that name.
    """
    collection = trial_collection(config.collection_name)
    if served := StateManager(config.outputs).real_run_of(collection):
        raise ConfigurationError(
            f"collection_name: a trial would write into {collection}, which {served} filled and readers "
            "see: give the trial another collection_name."
        )
    # The trial before this one may have been larger.
    trial = {"collection_name": collection, "allow_mass_deletion": True} | settings
    return config.model_copy(update=trial)
