"""The content-addressed store in which the bytes live that notebooks only refer to."""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import re
import uuid
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import fsspec

from stagekit.contract import ArtifactRef
from stagekit.errors import ArtifactError

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["PARQUET", "ArtifactStore", "atomic_write"]

PARQUET = "application/vnd.apache.parquet"
_URI = re.compile(r"sha256/[0-9a-f]{2}/[0-9a-f]{64}(\.[a-z0-9]{1,12})?")
_SUFFIXES = {PARQUET: ".parquet", "application/json": ".json", "text/markdown": ".md"}


def atomic_write(path: Path, data: bytes) -> None:
    """Write a file whole or not at all (temporary name, fsync, rename), readable by its owner only."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex}.tmp")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


class ArtifactStore:
    """Stores bytes under their sha256 in a folder or below any fsspec URL (``s3://…``, ``memory://…``).

    Equal bytes are stored once. Reading verifies size and sha256, so that whatever was truncated or altered
    since is an :class:`ArtifactError`, never data.
    """

    def __init__(self, root: str | Path) -> None:
        self._fs, base = fsspec.core.url_to_fs(str(root))
        self._root = base.rstrip("/")
        self._local = "file" in (self._fs.protocol if isinstance(self._fs.protocol, tuple) else ())

    def put(
        self,
        name: str,
        data: bytes,
        media_type: str,
        *,
        rows: int | None = None,
        schema_version: str = "1",
    ) -> ArtifactRef:
        """Store bytes and return their reference."""
        digest = hashlib.sha256(data).hexdigest()
        uri = f"sha256/{digest[:2]}/{digest}{_SUFFIXES.get(media_type, '')}"
        ref = ArtifactRef(
            name=name,
            uri=uri,
            sha256=digest,
            media_type=media_type,
            rows=rows,
            bytes=len(data),
            schema_version=schema_version,
        )
        if not self._stored_whole(ref, data):
            self._write(uri, data)
        return ref

    def put_table(self, name: str, table: pa.Table, *, schema_version: str = "1") -> ArtifactRef:
        """Store an Arrow table as Parquet (zstd) and return its reference."""
        import pyarrow.parquet as pq

        buffer = io.BytesIO()
        pq.write_table(table, buffer, compression="zstd")
        return self.put(name, buffer.getvalue(), PARQUET, rows=table.num_rows, schema_version=schema_version)

    def read(self, ref: ArtifactRef | dict[str, Any]) -> bytes:
        """Return an artifact's bytes.

        Raises:
            ArtifactError: if it is missing or its bytes do not have the promised sha256.
        """
        ref = self._checked(ref)
        try:
            data: bytes = self._fs.cat_file(self._path(ref.uri))
        except FileNotFoundError:
            raise ArtifactError(
                f"Artifact {ref.name} ({ref.uri}) is missing from the store; run its stage again."
            ) from None
        if hashlib.sha256(data).hexdigest() != ref.sha256:
            raise ArtifactError(
                f"Artifact {ref.name} ({ref.uri}) was altered since it was stored; "
                "delete the file and run the stage that makes it again."
            )
        return data

    def read_table(self, ref: ArtifactRef | dict[str, Any]) -> pa.Table:
        """Return an artifact as an Arrow table.

        Raises:
            ArtifactError: as :meth:`read`.
        """
        import pyarrow as pa
        import pyarrow.parquet as pq

        # pq.read_table would import pyarrow.dataset and pandas with it, 0.4 s in every process.
        with pq.ParquetFile(pa.BufferReader(self.read(ref))) as file:
            return file.read()

    def present(self, ref: ArtifactRef | dict[str, Any]) -> bool:
        """Tell cheaply whether an artifact is there with the right size (its bytes are not read)."""
        ref = self._checked(ref)
        try:
            return int(self._fs.size(self._path(ref.uri))) == ref.bytes
        except (FileNotFoundError, TypeError):
            return False

    def entries(self) -> Iterator[tuple[str, int, float]]:
        """Yield every stored file: uri, bytes, and when it was last written (seconds since 1970).

        Files that a killed process left half written are among them, under their temporary names.
        """
        for path, details in self._fs.find(f"{self._root}/sha256", detail=True, withdirs=False).items():
            when = details.get("mtime") or details.get("created") or details.get("LastModified") or 0.0
            when = when.timestamp() if isinstance(when, datetime) else float(when)
            yield path[path.rindex("sha256/") :], int(details["size"]), when

    def content(self, uri: str) -> bytes:
        """Return the bytes of a stored file; those of an artifact only if they have its sha256.

        Raises:
            ArtifactError: if it is missing, altered, or no artifact's address.
        """
        digest = uri.rpartition("/")[2].partition(".")[0]
        # Only the address and the hash matter here; who made it and what it is stay unknown.
        return self.read(ArtifactRef.model_construct(name="content", uri=uri, sha256=digest))

    def restore(self, uri: str, data: bytes) -> None:
        """Store bytes under the address that they had in another store.

        Raises:
            ArtifactError: if they are not the bytes of that address.
        """
        digest = hashlib.sha256(data).hexdigest()
        if not _URI.fullmatch(uri) or not uri.startswith(f"sha256/{digest[:2]}/{digest}"):
            raise ArtifactError(f"These bytes do not belong to {uri}: take another backup.")
        self._write(uri, data)

    def delete(self, uri: str) -> None:
        """Delete a stored file; one that is not there is no error."""
        with contextlib.suppress(FileNotFoundError):
            self._fs.rm_file(self._path(uri))

    @property
    def local(self) -> bool:
        """Tell whether the store is a folder of this machine."""
        return self._local

    def verify(self, ref: ArtifactRef | dict[str, Any]) -> bool:
        """Tell whether an artifact's bytes are those that its reference promises."""
        try:
            self.read(ref)
        except ArtifactError:
            return False
        return True

    def _checked(self, ref: ArtifactRef | dict[str, Any]) -> ArtifactRef:
        ref = ref if isinstance(ref, ArtifactRef) else ArtifactRef.model_validate(ref)
        if not _URI.fullmatch(ref.uri):  # a reference comes out of a file: never let it name another place
            raise ArtifactError(
                f"Artifact {ref.name} has the address {ref.uri!r}, which is not in the store."
            )
        return ref

    def _path(self, uri: str) -> str:
        return f"{self._root}/{uri}"

    def _stored_whole(self, ref: ArtifactRef, data: bytes) -> bool:
        if not self.present(ref):
            return False
        # Healing: a file of the right size may still hold wrong bytes, and storing is the moment to mend it.
        return bool(self._fs.cat_file(self._path(ref.uri)) == data)

    def _write(self, uri: str, data: bytes) -> None:
        if self._local:
            atomic_write(Path(self._path(uri)), data)
            return
        temporary = f"{self._path(uri)}.{uuid.uuid4().hex}.tmp"
        self._fs.pipe_file(temporary, data)
        self._fs.mv(temporary, self._path(uri))
