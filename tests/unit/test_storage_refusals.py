"""Promises of what a server refuses: each answer is one sentence that says what is wrong and what to do."""

from __future__ import annotations

from types import SimpleNamespace

import grpc
import httpx
import numpy as np
import pytest
from qdrant_client.http.exceptions import UnexpectedResponse

from stagekit.errors import StageError
from stagekit.storage.names import collection_names
from stagekit.storage.refusals import disk_full, error_text, is_forbidden, qdrant_errors
from stagekit.storage.verify import _distance


def refusal(status: int, detail: str = "") -> UnexpectedResponse:
    body = b'{"status": {"error": "%s"}}' % detail.encode() if detail else b""
    return UnexpectedResponse(status, "", body, httpx.Headers())


class Rpc(grpc.RpcError):
    def __init__(self, code: grpc.StatusCode) -> None:
        self.code, self.details = lambda: code, lambda: "said  so"


CODES = grpc.StatusCode


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (refusal(302), r"elsewhere \(HTTP 302\), where the key is not sent: correct qdrant_url"),
        (refusal(403, "Global manage access is required"), "a key with manage access"),
        (
            refusal(403, "Write access is required"),
            r"not let this key write \(HTTP 403: Write",
        ),
        (refusal(403, "No."), r"not let this key in \(HTTP 403: No\): "),
        (refusal(418), r"HTTP 418\.$"),
        (refusal(418, "Tea."), r"HTTP 418: Tea\.$"),
        (Rpc(CODES.UNAUTHENTICATED), r"\(HTTP 401: said so\)"),
        (Rpc(CODES.PERMISSION_DENIED), r"\(HTTP 403: said so\)"),
        (Rpc(CODES.NOT_FOUND), "HTTP 404: said so"),
        (Rpc(CODES.INVALID_ARGUMENT), "HTTP 400: said so"),
        (Rpc(CODES.ALREADY_EXISTS), "HTTP 409: said so"),
        (Rpc(CODES.INTERNAL), "HTTP 500: said so"),
        (Rpc(CODES.CANCELLED), r"be reached over gRPC \(CANCELLED: said so\)"),
    ],
    ids=str,
)
def test_a_refusal_is_said_with_its_remedy(error: Exception, said: str) -> None:
    with pytest.raises(StageError, match=f"http://h:1 .*{said}") as caught, qdrant_errors("http://u:pw@h:1"):
        raise error
    assert "pw" not in str(caught.value)


def test_a_long_answer_is_told_in_three_hundred_characters() -> None:
    assert error_text(b"x" * 301) == "x" * 300
    assert error_text(b'{"status": "ok"}') == '{"status": "ok"}'
    assert (disk_full(500, "No space left"), disk_full(500, "x"), disk_full(400, "No space left")) == (
        True, False, False,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("error", "forbidden"),
    [
        (refusal(403), True),
        (refusal(404), False),
        (Rpc(CODES.PERMISSION_DENIED), True),
        (Rpc(CODES.UNAVAILABLE), False),
    ],
)
def test_where_a_key_may_not_list_the_collections_those_behind_an_alias_are_known(
    error: Exception, forbidden: bool
) -> None:
    def refused() -> None:
        raise error

    aliases = [SimpleNamespace(collection_name=name) for name in ("b", "a", "b")]
    client = SimpleNamespace(get_collections=refused, get_aliases=lambda: SimpleNamespace(aliases=aliases))
    assert is_forbidden(error) is forbidden
    if forbidden:
        assert collection_names(client) == ["a", "b"]
    else:
        with pytest.raises(type(error)):
            collection_names(client)


@pytest.mark.parametrize(
    ("found", "apart"),
    [([3.0, 4.0], 0.0), ([4.0, 3.0], 0.2), (None, np.inf), ([3.0], np.inf), ([0.0, 0.0], np.inf)],
)
def test_vectors_are_apart_by_their_direction(found: list[float] | None, apart: float) -> None:
    assert _distance([0.6, 0.8], found) == pytest.approx(apart)
