"""``nic-etl dashboard``: the control notebook as a web page, for this machine only."""

from __future__ import annotations

import importlib.util
import os
import sys
import webbrowser
from pathlib import Path
from typing import Annotated

import typer

from runner.cli.call import Configured
from runner.cli.common import open_console
from runner.config_manager import LoadedConfig
from runner.errors import ConfigurationError
from runner.terminal import say
from runner.wording import _
from stagekit.base.imports.extras import install_command

_PORT = 8866


def dashboard(
    call: Configured,
    port: Annotated[int, typer.Option(min=0, max=65535, help="To listen on; 0: any free one.")] = _PORT,
    open_browser: Annotated[
        bool, typer.Option("--browser/--no-browser", help="Open it in the browser.")
    ] = True,
    lab: Annotated[
        bool, typer.Option("--lab", help="In JupyterLab, where the notebook can be changed.")
    ] = False,
) -> None:
    """Show a page to configure, start and follow runs, look into documents, and search.

    It listens on 127.0.0.1 alone, and asks for the token in the address
    that it prints. Ctrl-C ends it; a run that was started from it goes on.

    Example: nic-etl dashboard -p source_path=/srv/conhecimento
    """
    _require(["ipywidgets", "jupyterlab" if lab else "voila"])
    outputs = call.state.outputs
    _hand_on(call.profile, call.loaded)

    def announce(address: str) -> None:
        console = open_console(False)
        say(console, _("Dashboard: {address}", address=address))
        say(console, _("Ctrl-C ends it; runs go on."))
        sys.stdout.flush()
        if open_browser and not lab:
            webbrowser.open(address)

    if lab:
        from runner.dashboard.lab_server import serve_lab

        serve_lab(outputs, port, announce, open_browser=open_browser)
    else:
        from runner.dashboard.web_server import serve

        serve(outputs, port, announce)


def _require(packages: list[str]) -> None:
    missing = [name for name in packages if importlib.util.find_spec(name) is None]
    if missing:
        raise ConfigurationError(
            f"The dashboard needs {' and '.join(missing)}: install it with `{install_command('dashboard')}`"
            f"{' and `pip install jupyterlab`' if 'jupyterlab' in missing else ''}."
        )


def _hand_on(profile: str | None, loaded: LoadedConfig) -> None:
    # The kernel's process reads its configuration as every other does; its current folder is another.
    from runner.dashboard.workspace import setting_text

    if profile:
        file = Path(profile).expanduser()
        os.environ["NIC_ETL_PROFILE"] = str(file.absolute()) if file.is_file() else profile
    for name, origin in loaded.origins.items():
        if origin == "command line":
            os.environ[f"NIC_ETL_{name.upper()}"] = setting_text(getattr(loaded.config, name))
    os.environ["NIC_ETL_OUTPUTS_DIR"] = str(loaded.config.outputs)
