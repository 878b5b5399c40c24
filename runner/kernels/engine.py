"""A papermill engine that tells what happens while it happens, and records it honestly.

papermill loads this module by itself (entry point ``papermill.engine``) and knows the engine as ``nic-etl``.
Nothing here may import it: it can only be loaded from within papermill's own import.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable
from typing import Any

from jupyter_client.manager import KernelManager
from jupyter_core.utils import run_sync
from nbclient.exceptions import CellExecutionError
from papermill.clientwrap import PapermillNotebookClient
from papermill.engines import Engine

from runner.kernels.seams.papermill import give_saving_back, take_saving_over
from stagekit.base.redaction import Redactor, secret_values
from stagekit.contract import PROGRESS_MIME

_SAVE_S = 1.0


class _SeldomSaved:
    """Saves the executed notebook at most once a second; papermill does it twice a cell.

    A cell that takes longer is on disk as running, with what the ones before it have shown.
    """

    def __init__(self, nb_man: Any) -> None:
        self._save = take_saving_over(nb_man, self.request)
        self._saved = time.monotonic()  # papermill has just done it
        self._pending = False

    def request(self, **_: Any) -> None:
        """Save now, or note that there is something to save."""
        self._pending = True
        if time.monotonic() - self._saved >= _SAVE_S:
            self.flush()

    def flush(self) -> None:
        """Save what was not saved yet."""
        if self._pending:
            self._save()
            self._pending = False
            self._saved = time.monotonic()

    def try_to_flush(self) -> None:
        """Save ahead of time; what stands in the way is met again, and told, when the cell has ended."""
        with contextlib.suppress(OSError):
            self.flush()


class _LiveClient(PapermillNotebookClient):  # type: ignore[misc]
    """Papermill's client, with one event a cell and a line, and a true status in every cell's metadata."""

    def __init__(self, nb_man: Any, *, emit: Callable[[str, dict[str, Any]], None], **kwargs: Any) -> None:
        super().__init__(nb_man, **kwargs)
        self._emit = emit
        self._saving = _SeldomSaved(nb_man)
        self._redact = Redactor(secret_values())

    async def async_execute_cell(self, *args: Any, **kwargs: Any) -> Any:
        soon = asyncio.get_running_loop().call_later(_SAVE_S, self._saving.try_to_flush)
        try:
            return await super().async_execute_cell(*args, **kwargs)
        finally:
            soon.cancel()

    execute_cell = run_sync(async_execute_cell)

    def papermill_execute_cells(self) -> None:
        # Papermill calls a cell "completed" when the kernel died in it, and those after it too.
        for index, cell in enumerate(self.nb.cells):
            self.nb_man.cell_start(cell, index)
            self._emit("cell", {"number": index + 1, "of": len(self.nb.cells)})
            try:
                self.execute_cell(cell, index)
            except BaseException as error:
                self.nb_man.cell_exception(cell, cell_index=index, exception=error)
                self.nb_man.cell_complete(cell, cell_index=index)
                for later in self.nb.cells[index + 1 :]:
                    later.metadata.papermill["status"] = "skipped"
                if isinstance(error, CellExecutionError):
                    return  # papermill writes the link to the failed cell and raises
                raise
            self.nb_man.cell_complete(cell, cell_index=index)

    def process_message(self, msg: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        data = msg["content"].get("data")
        if isinstance(data, dict) and PROGRESS_MIME in data:
            self._emit("documents", dict(data[PROGRESS_MIME]))
        return super().process_message(msg, *args, **kwargs)

    def output(self, outs: Any, msg: Any, display_id: str, cell_index: int) -> Any:
        result = super().output(outs, msg, display_id, cell_index)
        if result is not None and result.output_type == "stream":
            self._emit("output", {"name": result.name, "text": self._redact(msg["content"]["text"])})
        return result


class NicEtlEngine(Engine):  # type: ignore[misc]
    """The engine that papermill knows as ``nic-etl`` (``papermill --engine nic-etl …``)."""

    @classmethod
    def execute_managed_notebook(
        cls,
        nb_man: Any,
        kernel_name: str,
        *,
        start_timeout: int = 60,
        km: KernelManager | None = None,
        emit: Callable[[str, dict[str, Any]], None] | None = None,
        execution_timeout: int | None = None,
        **_: Any,
    ) -> None:
        """Execute a parameterized notebook, in the given kernel or in one of its own."""
        client = _LiveClient(
            nb_man,
            emit=emit or (lambda _kind, _data: None),
            km=km,
            kernel_name=kernel_name,
            startup_timeout=start_timeout,
            timeout=execution_timeout,
            coalesce_streams=True,
            iopub_timeout=30,
        )
        try:
            client.execute()
        finally:
            give_saving_back(nb_man)  # what papermill saves from here on is the last word
            if client.kc is not None:  # a kernel that was handed in is left to its owner, its sockets are not
                client.kc.stop_channels()
