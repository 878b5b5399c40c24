"""The content-addressed store in which the bytes live that notebooks only refer to."""

from __future__ import annotations

import errno
import hashlib
import io
import os
import re
from collections.abc import Collection, Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from stagekit.artifacts.place import Place
from stagekit.artifacts.table_files import GROUP_ROWS, PARQUET, TableFile
from stagekit.contract import ArtifactRef
from stagekit.errors import ArtifactError
from stagekit.sealing.cipher import CLEAR, Cipher, DamagedError, EncryptionError
from stagekit.sealing.marker import (
    MARKER_FILE,
    Marker,
    cipher_for,
    clear_place,
    parse_marker,
    prepare_folder,
)

if TYPE_CHECKING:
    import pyarrow as pa

    from stagekit.artifacts.table_views import Columns

_URI = re.compile(r"sha256/[0-9a-f]{2}/[0-9a-f]{64}(\.[a-z0-9]{1,12})?")
_LOST = "lost"  # folder of the store: what was asked for and could not be read, by name
_UNREADABLE = frozenset({errno.EIO, errno.EACCES, errno.EISDIR})  # of the file; others are of the machine
_FEW_ROWS = 100
_FEW = 500  # files of a remote store that are asked for one by one; more are told from a listing
_SUFFIXES = {PARQUET: ".parquet", "application/json": ".json", "text/markdown": ".md"}


def artifacts_url(outputs: Path) -> str:
    """Return where the artifacts of an outputs folder are: ``$NIC_ETL_ARTIFACTS_URL``, else below it."""
    return os.environ.get("NIC_ETL_ARTIFACTS_URL") or str(outputs / "artifacts")


def open_store(url: str | Path) -> ArtifactStore:
    """Open the store at a folder or fsspec URL; credentials and key come from this process's environment."""
    return ArtifactStore(url)


def half_written(uri: str) -> bool:
    """Tell whether a stored file is what a process that was killed, or is writing now, has left of one."""
    return "/." in uri or uri.endswith(".tmp")


def is_address(uri: str) -> bool:
    """Tell whether a stored file has the name of an artifact."""
    return _URI.fullmatch(uri) is not None


def outputs_store(outputs: Path) -> ArtifactStore:
    """Open the store of an outputs folder; both are encrypted from the start if there is a key.

    Raises:
        EncryptionError: folder or store is encrypted and its key not given, or holds clear data with a key.
    """
    cipher = prepare_folder(outputs)
    store = open_store(artifacts_url(outputs))
    if store.local or cipher is not CLEAR:  # a clear store elsewhere is not asked before it is needed
        if cipher is not CLEAR and store.marker() != Marker(cipher.key_id):
            store.encrypt(cipher)
        if store.cipher.key_id != cipher.key_id:
            raise EncryptionError(
                f"The artifact store {store.url} is encrypted and {outputs} is not: choose another "
                "outputs_dir, or another NIC_ETL_ARTIFACTS_URL."
            )
    return store


class ArtifactStore:
    """Stores bytes under their sha256 in a folder or below any fsspec URL (``s3://…``, ``memory://…``).

    Equal bytes are stored once. Reading verifies size and sha256, so that whatever was truncated or altered
    since is an :class:`ArtifactError`, never data. Such a file is set aside at once: from then on it is
    missing, and :meth:`lost` names it, so that the stage that made it makes it again.

    A store whose ``encryption.json`` names a key takes that key from the environment, in whatever process;
    every method raises :class:`~stagekit.sealing.cipher.EncryptionError` where it is not there.
    """

    def __init__(self, root: str | Path) -> None:
        self._place = Place(root)
        self.url = self._place.url

    @cached_property
    def cipher(self) -> Cipher:
        """What the stored files are sealed with; another one may be set, to read under a former key."""
        return cipher_for(self.marker(), self.url)

    def put(
        self,
        name: str,
        data: bytes,
        media_type: str,
        *,
        rows: int | None = None,
        schema_version: str = "1",
    ) -> ArtifactRef:
        """Store bytes and return their reference.

        They survive the end of this process; :meth:`sync` makes them survive a loss of power.
        """
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
            self._place.write(uri, self.cipher.seal(uri, data), sync=False)
        return ref

    def sync(self, uri: str) -> None:
        """Wait until a stored file is on the disk; other stores than folders see to that themselves.

        Raises:
            ArtifactError: if the disk does not take it.
        """
        self._place.sync(uri)

    def put_table(self, name: str, table: Columns, *, schema_version: str = "1") -> ArtifactRef:
        """Store a table as Parquet (zstd, in groups of rows) and return its reference."""
        import pyarrow.parquet as pq

        buffer = io.BytesIO()
        # Nobody searches by statistics, and in a few rows a dictionary only doubles the values: without both
        # a document's table takes a third less time, and less room.
        repeated = table.num_rows > _FEW_ROWS
        with pq.ParquetWriter(
            buffer, table.schema, compression="zstd", use_dictionary=repeated, write_statistics=False
        ) as writer:
            for begin in range(0, table.num_rows, GROUP_ROWS):
                writer.write_table(table.slice(begin, GROUP_ROWS).combine_chunks())
        return self.put(name, buffer.getvalue(), PARQUET, rows=table.num_rows, schema_version=schema_version)

    def read(self, ref: ArtifactRef | dict[str, Any]) -> bytes:
        """Return an artifact's bytes.

        Raises:
            ArtifactError: if it is missing, its bytes do not have the promised sha256, or its store does not
                answer.
        """
        ref = self._checked(ref)
        damaged = True
        what = f"Artifact {ref.name} ({ref.uri})"
        try:
            return self._opened_twice(ref.uri, ref.sha256)
        except FileNotFoundError:
            damaged = False
            fault = (
                "is set aside as damaged" if self._set_aside_before(ref.uri) else "is missing from the store"
            )
        except OSError as error:
            if error.errno not in _UNREADABLE:
                raise ArtifactError(
                    f"{what} cannot be read ({error.strerror}); see that the disk is whole, and run again."
                ) from None
            fault = f"cannot be read ({error.strerror})"
        except DamagedError:
            fault = "was altered since it was stored"
        if self._set_aside(ref.uri, damaged=damaged):
            raise ArtifactError(f"{what} {fault}; the next `nic-etl run` makes it again.")
        raise ArtifactError(f"{what} {fault}; remove what is there and run its stage again.")

    def read_table(
        self, ref: ArtifactRef | dict[str, Any], columns: Collection[str] | None = None
    ) -> pa.Table:
        """Return an artifact as an Arrow table, or those of its columns that are named.

        Raises:
            ArtifactError: as :meth:`open_table`.
        """
        return self.open_table(ref).read(columns)

    def open_table(self, ref: ArtifactRef | dict[str, Any]) -> TableFile:
        """Return an artifact as a table of which columns and rows are decoded when they are asked for.

        Raises:
            ArtifactError: as :meth:`read`, or if the bytes are no table that anybody can hold in memory.
        """
        return TableFile(self.read(ref), self._checked(ref).uri)

    def present(self, ref: ArtifactRef | dict[str, Any]) -> bool:
        """Tell cheaply whether an artifact is there with the right size (its bytes are not read)."""
        ref = self._checked(ref)
        return self._has(ref.uri, ref.bytes)

    def _has(self, uri: str, size: int) -> bool:
        try:
            return self._place.size(uri) == size + self.cipher.overhead
        except OSError:
            return False

    def missing(self, sizes: Mapping[str, int]) -> set[str]:
        """Return the addresses at which there is no file of the right size in bytes; none is read."""
        overhead = self.cipher.overhead
        if self.local:
            found = {uri: self._place.local_size(uri) for uri in sizes if _URI.fullmatch(uri)}
        elif len(sizes) < _FEW:
            return {uri for uri, size in sizes.items() if not self._has(uri, size)}
        else:
            found = {uri: size for uri, size, _ in self.entries()}
        missing = {uri for uri, size in sizes.items() if found.get(uri) != size + overhead}
        if not self.local and len(missing) < _FEW:  # some stores list late what they hold already
            return {uri for uri in missing if not self._has(uri, sizes[uri])}
        return missing

    def lost(self) -> set[str]:
        """Return the addresses of artifacts that somebody could not read and that nobody made again since."""
        return {uri for uri in self._noted() if not self._place.exists(uri)}

    def forget_lost(self, uris: Collection[str]) -> None:
        """Forget that artifacts were lost that no run needs any more; those made again are forgotten too."""
        for uri in self._noted():
            if uri in uris or self._place.exists(uri):
                self._place.remove(_note(uri))

    def entries(self, beginning: str = "") -> Iterator[tuple[str, int, float]]:
        """Yield every stored file: uri, bytes, and when it was last written (seconds since 1970).

        Files that a killed process left half written are among them, under their temporary names.

        Args:
            beginning: first two digits of those that are wanted; empty for all.
        """
        for path, size, when in self._place.entries(f"sha256/{beginning}"):
            yield path[path.rindex("sha256/") :], size, when

    def content(self, uri: str) -> bytes:
        """Return the bytes of a stored file; those of an artifact only if they have its sha256.

        Raises:
            ArtifactError: if it is missing, altered, or no artifact's address.
        """
        digest = _digest_in(uri)
        # Only the address and the hash matter here; who made it and what it is stay unknown.
        return self.read(ArtifactRef.model_construct(name="content", uri=uri, sha256=digest))

    def stored(self, uri: str) -> bytes:
        """Return a stored file as it is, sealed in an encrypted store.

        Raises:
            FileNotFoundError: if there is none.
        """
        return self._place.read(uri)

    def restore(self, uri: str, data: bytes) -> None:
        """Store a file, as :meth:`stored` gave it, under the address that it had in another store.

        Raises:
            ArtifactError: if it is not the file of that address.
        """
        try:
            self._opened(uri, _digest_in(uri), data)
        except DamagedError:
            raise ArtifactError(f"These bytes do not belong to {uri}: take another backup.") from None
        self._place.write(uri, data)

    def copy(self, uri: str, target: ArtifactStore) -> bool:
        """Store a file in another store, as that one seals it, and read it back.

        Returns:
            whether it was whole here; a damaged one is not stored there.

        Raises:
            ArtifactError: if it cannot be copied whole.
        """
        try:
            content = self._opened(uri, _digest_in(uri), self.stored(uri))
        except DamagedError:
            return False
        target._place.write(uri, target.cipher.seal(uri, content), sync=False)
        target.content(uri)
        return True

    # The marker

    def marker(self) -> Marker | None:
        """Return what the store's ``encryption.json`` says; None where there is none."""
        try:
            return parse_marker(self.stored(MARKER_FILE), self.url)
        except FileNotFoundError:
            return None

    def encrypt(self, cipher: Cipher) -> None:
        """Begin to seal what is stored in a store that holds nothing yet.

        Raises:
            EncryptionError: if it holds clear artifacts, or some under another key.
        """
        if next(self.entries(), None) is not None and not self.cipher.key_id:
            raise EncryptionError(clear_place(self.url))
        self._place.write(MARKER_FILE, Marker(cipher.key_id).text())
        self.cipher = cipher

    def delete(self, uri: str) -> None:
        """Delete a stored file; one that is not there is no error."""
        self._place.delete(uri)

    @property
    def local(self) -> bool:
        """Tell whether the store is a folder of this machine."""
        return self._place.local

    @property
    def folder(self) -> Path | None:
        """The folder that the store is; None where it is none of this machine."""
        return self._place.folder if self.local else None

    def verify(self, ref: ArtifactRef | dict[str, Any]) -> bool:
        """Tell whether an artifact's bytes are those that its reference promises."""
        try:
            self.read(ref)
        except ArtifactError:
            return False
        return True

    def _checked(self, ref: ArtifactRef | dict[str, Any]) -> ArtifactRef:
        if not isinstance(ref, ArtifactRef):
            try:
                ref = ArtifactRef.model_validate(ref)
            except ValidationError:
                raise ArtifactError(
                    "A reference to an artifact is damaged; run the stage that made it again."
                ) from None
        if not _URI.fullmatch(ref.uri):  # a reference comes out of a file: never let it name another place
            raise ArtifactError(
                f"Artifact {ref.name[:80]!r} has the address {ref.uri[:200]!r}, which is not in the store."
            )
        return ref

    def _stored_whole(self, ref: ArtifactRef, data: bytes) -> bool:
        if not self.present(ref):
            return False
        # Healing: a file of the right size may still hold wrong bytes, and storing is the moment to mend it.
        try:
            return self._opened(ref.uri, ref.sha256, self.stored(ref.uri)) == data
        except DamagedError:
            return False

    def _opened_twice(self, uri: str, digest: str) -> bytes:
        try:
            return self._opened(uri, digest, self.stored(uri))
        except DamagedError:  # on its way here, perhaps, or while it was being made again
            return self._opened(uri, digest, self.stored(uri))

    def _noted(self) -> set[str]:
        names = self._place.names(_LOST)
        return {uri for name in names if is_address(uri := f"sha256/{name[:2]}/{name}")}

    def _set_aside_before(self, uri: str) -> bool:
        try:
            return bool(self._place.size(_note(uri)))
        except OSError:
            return False

    def _set_aside(self, uri: str, *, damaged: bool) -> bool:
        """Note that an artifact is lost, its damaged file out of the way; tell whether that could be done."""
        try:
            self._place.note(_note(uri), moved_from=uri if damaged else "")
        except (OSError, ArtifactError):
            return False
        return True

    def _opened(self, uri: str, digest: str, data: bytes) -> bytes:
        if not _URI.fullmatch(uri):
            raise DamagedError(uri)
        # The sha256 first: a document may look like something sealed.
        if not self.cipher.key_id and hashlib.sha256(data).hexdigest() == digest:
            return data
        content = self.cipher.open(uri, data)
        if hashlib.sha256(content).hexdigest() != digest:
            raise DamagedError(uri)
        return content


def _note(uri: str) -> str:
    return f"{_LOST}/{uri.rpartition('/')[2]}"


def _digest_in(uri: str) -> str:
    return uri.rpartition("/")[2].partition(".")[0]
