"""The commands about what a run is made with: its configuration, and the models on this machine."""

from __future__ import annotations

from typing import Annotated

import typer

from runner.cli import screens
from runner.cli.common import AsJson, Profile, Setting, checked_config, open_console, print_json, read_config
from runner.config_manager import WrongSettingsError, load_config, parse_assignments
from runner.errors import ConfigurationError
from runner.terminal import say
from runner.tools import run_tool
from runner.wording import _

config_app = typer.Typer(no_args_is_help=True, help="Show or check the configuration.")
models_app = typer.Typer(no_args_is_help=True, help="Bring models onto this machine.")


@models_app.command("fetch")
def models_fetch(
    name: Annotated[str, typer.Argument(help="A hub name; the configured model if left out.")] = "",
    revision: Annotated[str, typer.Option(help="Branch, tag or commit on the hub.")] = "",
    profile: Profile = None,
    parameter: Setting = None,
    as_json: AsJson = False,
) -> None:
    """Download an embedding model and record the hashes of its files.

    Example: nic-etl models fetch BAAI/bge-m3
    """
    config = read_config(profile, parameter)
    wanted = {
        "name": name or config.embedding_model,
        "revision": revision or ("" if name else config.model_revision),
    }
    fetched = run_tool("stagekit.tools.fetch", wanted)
    if as_json:
        print_json(fetched)
    else:
        say(
            open_console(as_json),
            _("{name} is at {directory}.", name=fetched["name"], directory=fetched["directory"]),
        )


@config_app.command("show")
def config_show(profile: Profile = None, parameter: Setting = None, as_json: AsJson = False) -> None:
    """Show every setting, its value, and where the value comes from.

    Example: nic-etl config show --profile production
    """
    loaded = load_config(profile, parse_assignments(parameter or []))
    if as_json:
        print_json(loaded.config.model_dump(mode="json"))
    else:
        screens.print_config(open_console(as_json), loaded)


@config_app.command("validate")
def config_validate(profile: Profile = None, parameter: Setting = None, as_json: AsJson = False) -> None:
    """Check the configuration as a whole; exit code 2 if it cannot be run.

    Example: nic-etl config validate --profile production
    """
    from runner.pipeline.orchestrator import PipelineOrchestrator

    problems: tuple[str, ...]
    warned: tuple[str, ...] = ()
    try:
        loaded = checked_config(profile, parameter)
        problems = PipelineOrchestrator(config=loaded.config).validate_pipeline_config().problems
        warned = loaded.config.renamed
    except WrongSettingsError as error:
        problems = error.problems
    if as_json:
        print_json({"valid": not problems, "problems": problems, "warnings": warned})
        raise typer.Exit(2 if problems else 0)
    if problems:
        raise ConfigurationError("\n".join(problems))
    say(open_console(as_json), _("The configuration (profile {profile}) is valid.", profile=loaded.profile))
