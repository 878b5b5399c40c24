"""What a dashboard works with: a configuration, its outputs folder, and the command line as its interface.

Whatever takes long or may crash is asked of ``nic-etl … --json`` in a process of its own, questions to the
collection of the one that keeps its model loaded; so the dashboard says what the command line says, and a
notebook's kernel stays light.
"""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runner.config_manager import load_config
from runner.errors import PipelineOrchestrationError, StateManagementError
from runner.record.state_manager import StateManager
from runner.report.facts import collect_report
from runner.search.asking import ask_collection
from runner.terminal import json_line
from runner.tools import child_environment, keep_warm
from stagekit.base.paths import make_private_dir
from stagekit.base.redaction import Redactor, secret_values
from stagekit.base.sockets.warm_process import is_warm

if TYPE_CHECKING:
    from runner.config_manager import LoadedConfig
    from runner.models import PipelineState
    from runner.report.model import RunReport

_OWN_ORIGINS = {"environment", "command line"}


class CommandFailedError(PipelineOrchestrationError):
    """A command of ``nic-etl`` gave no answer; the message is its own sentence."""


@dataclass
class Launch:
    """A run that was started from here, in a process and a session of its own."""

    process: subprocess.Popen[bytes]
    log: Path

    @property
    def alive(self) -> bool:
        """Tell whether its process lives; one that has ended is reaped."""
        return self.process.poll() is None

    @property
    def complaint(self) -> str:
        """Return what it wrote last, which says why it ended if it ended early."""
        try:
            lines = self.log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        except OSError:
            return ""
        return "\n".join(lines[-8:])


@dataclass(frozen=True)
class Answer:
    """What came of a question.

    Attributes:
        hits: the passages, best first, as ``nic-etl search --json`` has them.
        warnings: sentences that concern them.
    """

    hits: list[dict[str, Any]]
    warnings: list[str]


@dataclass
class Workspace:
    """A profile and the settings that differ from it, as text: what ``--profile`` and ``-p`` would say."""

    profile: str
    settings: dict[str, str] = field(default_factory=dict)
    launch: Launch | None = None
    _reports: dict[tuple[Any, ...], RunReport] = field(default_factory=dict, repr=False)
    _warm: subprocess.Popen[str] | None = field(default=None, repr=False)

    @classmethod
    def open(cls, profile: str | None = None, settings: Mapping[str, Any] | None = None) -> Workspace:
        """Return the workspace of a configuration.

        Args:
            profile: a profile's name or the path of a YAML file; None: as for the command line.
            settings: values that take the place of the profile's.

        Raises:
            ConfigurationError: one sentence for each wrong setting.
        """
        chosen = profile or os.environ.get("NIC_ETL_PROFILE") or "local"
        texts = {name: setting_text(value) for name, value in (settings or {}).items()}
        load_config(chosen, texts)
        return cls(chosen, texts)

    def load(self) -> LoadedConfig:
        """Return the configuration, and where each value comes from.

        Raises:
            ConfigurationError: one sentence for each wrong setting.
        """
        return load_config(self.profile, self.settings)

    @cached_property
    def manager(self) -> StateManager:
        """The state below the outputs folder, which stays the same for the life of a workspace."""
        return StateManager(self.load().config.outputs)

    def arguments(self) -> list[str]:
        """Return the options that give a command this configuration."""
        options = ["--profile", self.profile]
        for name, text in self.settings.items():
            options += ["-p", f"{name}={text}"]
        return options

    def command_line(self, command: str = "run") -> str:
        """Return the command that does the same in a terminal or in cron."""
        loaded = self.load()
        differing = [name for name, origin in loaded.origins.items() if origin in _OWN_ORIGINS]
        values = {name: setting_text(getattr(loaded.config, name)) for name in differing}
        words = [word for name, text in values.items() for word in ("-p", f"{name}={text}")]
        return shlex.join(["nic-etl", command, "--profile", self.profile, *words])

    def ask(self, *command: str, words: tuple[str, ...] = (), timeout: float = 600.0) -> Any:
        """Run ``nic-etl command --json`` and return its answer.

        Args:
            command: the command's words.
            words: positional arguments, which may begin with a dash.
            timeout: seconds.

        Raises:
            CommandFailedError: with the command's own sentence.
        """
        line = [sys.executable, "-m", "runner", *command, "--json", *self.arguments(), "--", *words]
        try:
            done = subprocess.run(
                line, capture_output=True, text=True, env=child_environment(), timeout=timeout, check=False
            )
        except subprocess.TimeoutExpired:
            raise CommandFailedError(f"nic-etl {command[0]} gave no answer in {timeout:g} s.") from None
        try:
            answer = json.loads(done.stdout)
        except ValueError:
            said = done.stderr.strip() or f"nic-etl {command[0]} ended with code {done.returncode}."
            raise CommandFailedError(said) from None
        if isinstance(answer, dict) and answer.keys() == {"error"}:
            raise CommandFailedError(answer["error"])
        return answer

    def search(self, question: str, *, top: int, per_document: int = 2) -> Answer:
        """Ask the collection, in the process that keeps its model loaded for as long as this one lives.

        Args:
            question: in the user's own words.
            top: most passages.
            per_document: most passages of one document, 0 for all.

        Raises:
            ConfigurationError: one sentence for each wrong setting.
            CommandFailedError: one sentence, if the collection cannot answer.
        """
        config = self.load().config
        self._keep_warm()
        redact = Redactor(secret_values(pdf_passwords=False))  # the answer holds documents' own words
        warnings: list[str] = []
        try:
            hits = ask_collection(
                config, question, top=top, passages_per_document=per_document, warn=warnings.append
            )
        except StateManagementError as error:
            raise CommandFailedError(Redactor(secret_values())(str(error))) from None
        return Answer(json.loads(redact(json_line(hits))), [redact(warning) for warning in warnings])

    def _keep_warm(self) -> None:
        outputs = self.manager.outputs
        if (self._warm is None or self._warm.poll() is not None) and not is_warm(outputs):
            self._warm = keep_warm({"outputs_dir": str(outputs)})

    def start(self, command: str, *options: str) -> Launch:
        """Start ``run`` or ``resume``: detached, so that it outlives this notebook and its server."""
        folder = make_private_dir(self.manager.outputs / "dashboard")
        log = folder / "last_start.log"
        line = [sys.executable, "-m", "runner", command, *options, *self.arguments()]
        with os.fdopen(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as output:
            process = subprocess.Popen(
                line,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=child_environment() | {"NO_COLOR": "1"},
                start_new_session=True,
            )
        self.launch = Launch(process, log)
        return self.launch

    def report(self, state: PipelineState) -> RunReport:
        """Return the facts of a run; those of a state that was asked for before are not read again."""
        statuses = tuple((name, checkpoint.status) for name, checkpoint in state.stages.items())
        key = (state.execution_id, state.end_timestamp, state.status, statuses)
        if key not in self._reports:
            if len(self._reports) > 20:
                self._reports.clear()
            self._reports[key] = collect_report(self.manager, state, content=False)
        return self._reports[key]


def setting_text(value: Any) -> str:
    """Return a setting's value as ``-p name=value`` takes it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list | tuple):
        words = [str(item) for item in value]
        plain = all(word and "," not in word and word == word.strip() for word in words)
        plain = plain and not (words and words[0].startswith("["))
        return ", ".join(words) if plain else json.dumps(words, ensure_ascii=False)
    if isinstance(value, dict):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)
