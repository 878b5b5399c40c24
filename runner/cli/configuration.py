"""The commands about what a run is made with: its configuration, and the models on this machine."""

from __future__ import annotations

from typing import Annotated

import typer

from runner.cli import screens
from runner.cli.call import Call, Commands
from runner.cli.common import print_json
from runner.config_manager import WrongSettingsError
from runner.errors import ConfigurationError
from runner.terminal import say
from runner.tools import run_tool
from runner.wording import _

config_app = Commands(name="config", no_args_is_help=True, help="Show or check the configuration.")
models_app = Commands(name="models", no_args_is_help=True, help="Bring models onto this machine.")


@models_app.command("fetch")
def models_fetch(
    call: Call,
    name: Annotated[str, typer.Argument(help="A hub name; the configured model if left out.")] = "",
    revision: Annotated[str, typer.Option(help="Branch, tag or commit on the hub.")] = "",
) -> None:
    """Download an embedding model and record the hashes of its files.

    Example: nic-etl models fetch BAAI/bge-m3
    """
    configured = "" if name else call.config.model_revision
    wanted = {"name": name or call.config.embedding_model, "revision": revision or configured}
    fetched = run_tool("stagekit.tools.fetch", wanted)
    call.answer(fetched, say, _("{name} is at {directory}.", **fetched))


@config_app.command("show")
def config_show(call: Call) -> None:
    """Show every setting, its value, and where the value comes from.

    Example: nic-etl config show --profile production
    """
    loaded = call.loaded
    call.answer(loaded.config.model_dump(mode="json"), screens.print_config, loaded)


@config_app.command("validate")
def config_validate(call: Call) -> None:
    """Check the configuration as a whole; exit code 2 if it cannot be run.

    Example: nic-etl config validate --profile production
    """
    from runner.pipeline.orchestrator import PipelineOrchestrator

    problems: tuple[str, ...]
    warned: tuple[str, ...] = ()
    try:
        loaded = call.checked()
        problems = PipelineOrchestrator(config=loaded.config).validate_pipeline_config().problems
        warned = loaded.config.renamed
    except WrongSettingsError as error:
        problems = error.problems
    if call.as_json:
        print_json({"valid": not problems, "problems": problems, "warnings": warned})
        raise typer.Exit(2 if problems else 0)
    if problems:
        raise ConfigurationError("\n".join(problems))
    call.say(_("The configuration (profile {profile}) is valid.", profile=loaded.profile))
