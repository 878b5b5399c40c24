"""The tools of the Model Context Protocol (https://modelcontextprotocol.io): ``search`` and ``document``."""

from __future__ import annotations

import signal
import sys
from collections.abc import Mapping
from importlib.metadata import version
from typing import Annotated, Any

from mcp.server import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp_types import ToolAnnotations
from pydantic import BaseModel, Field

from stagekit.serving.answers import Answers

_READ_ONLY = ToolAnnotations(
    read_only_hint=True, destructive_hint=False, idempotent_hint=True, open_world_hint=False
)
_INSTRUCTIONS = (
    "Approved documents of an organisation, each in its current version. Ask `search` with the question of "
    "the user, in the user's words, and answer from the passages alone; name path, page or clause of each, "
    "and its link. Say so where a passage is marked expired, superseded, stale or struck out (~~…~~). "
    "`document` gives the whole document of a hit by its path."
)


class Hits(BaseModel):
    """Passages that answer a question, best first."""

    query: str
    hits: list[dict[str, Any]]
    warnings: list[str] = []


class Document(BaseModel):
    """A document of the collection: its fields and its passages in order."""

    document: dict[str, Any]
    warnings: list[str] = []


def mcp_server(answers: Answers) -> MCPServer[Any]:
    """Return a server with both tools."""
    server: MCPServer[Any] = MCPServer(
        "nic-etl", version=version("nic-etl"), instructions=_INSTRUCTIONS, log_level="WARNING"
    )

    @server.tool(annotations=_READ_ONLY)
    def search(
        query: Annotated[str, Field(min_length=1, description="The question, in the user's own words.")],
        limit: Annotated[int, Field(ge=1, le=100, description="Most passages.")] = 5,
        filters: Annotated[
            dict[str, str | list[str] | dict[str, str]],
            Field(
                description="Field to value, or to several of which one must match: status, language, "
                "document_type, category, department, tags, clause, expired, path; dates (created, modified, "
                'effective_date, expiration_date) and page also to bounds: {">=": "2024-01-01", "<": "2025"}.'
            ),
        ] = {},  # noqa: B006 - read only; None breaks some clients
        mode: Annotated[
            str,
            Field(description="hybrid (both), dense (by meaning), sparse (by words); empty: best."),
        ] = "",
        per_document: Annotated[
            int | None,
            Field(
                ge=0, description="Most passages of one document, 0: all; else 2, or all of a filtered path."
            ),
        ] = None,
    ) -> Hits:
        """Find passages of the organisation's approved documents that answer a question."""
        request = {"question": query, "top": limit, "filters": filters, "mode": mode}
        request["passages_per_document"] = per_document
        found, warnings = _asked(answers, "stagekit.search.query", request)
        return Hits(query=query, hits=found, warnings=warnings)

    @server.tool(annotations=_READ_ONLY)
    def document(
        path: Annotated[str, Field(min_length=1, description="Path or document_id, as a hit shows it.")],
    ) -> Document:
        """Return one document as the collection holds it: its fields, and its passages in order."""
        found, warnings = _asked(answers, "stagekit.serving.document", {"path": path})
        return Document(document=found, warnings=warnings)

    return server


def run_stdio(answers: Answers) -> None:
    """Speak the protocol on standard input and output until the former ends."""
    # An unflushed print of a library would reach the client when the server ends.
    reconfigure = getattr(sys.stdout, "reconfigure", None)
    if reconfigure is not None:
        reconfigure(line_buffering=True)
    # The SDK's loop outlives Ctrl-C as long as its standard input is open.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    mcp_server(answers).run()


def _asked(answers: Answers, tool: str, request: Mapping[str, Any]) -> tuple[Any, list[str]]:
    answer = answers.answer(tool, request)
    if answer.exit_code:
        raise ToolError(answer.error)
    return answer.answer, list(answer.warnings)
