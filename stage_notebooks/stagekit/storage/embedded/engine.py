"""Qdrant's engine in this process: its files in one folder, the turns with them, and what it is asked.

Nothing here knows qdrant-client, whose import takes longer than a question: :mod:`store` offers its methods
over this, and :mod:`reader` what a search needs.
"""

from __future__ import annotations

import contextlib
import functools
import shutil
import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO, Any, Final, TypeVar, cast

import qdrant_edge as edge

from stagekit.base.paths import make_private_dir
from stagekit.errors import StageError
from stagekit.sealing.cipher import Cipher, EncryptionError
from stagekit.sealing.marker import folder_cipher
from stagekit.storage.embedded.files import make_private, of_the_engine, read_json, readable
from stagekit.storage.embedded.ids import edge_id
from stagekit.storage.embedded.sealing import PayloadSealer
from stagekit.storage.embedded.turns import Turns, lock_file

COLLECTION_FILE: Final = "collection.json"
ALIASES_FILE: Final = "aliases.json"
_WRITER_FILE: Final = ".writer"
_LONGEST_NAME: Final = 250  # bytes that a folder's name may have, nearly
_FACET_PAGE: Final = 1000
_NOTE: Final = (
    "The collections of nic-etl, in the form of Qdrant's own engine.\n"
    "QdrantClient(path=...) has another form and finds none here. Read them with `nic-etl search`,\n"
    "`nic-etl serve` or stagekit.storage.connect, or hand them to a server:\n"
    "`nic-etl run -p qdrant_url=URL`. See docs/consuming.md.\n"
)

T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., Any])


def one_request(method: F) -> F:
    """Make a method one request: nobody else has the files while it runs, anybody may between two."""

    @functools.wraps(method)
    def request(self: EmbeddedEngine, *arguments: Any, **named: Any) -> Any:
        with self._turns.request():
            return method(self, *arguments, **named)

    return cast("F", request)


class EmbeddedEngine:
    """The collections of a folder; methods may be called from several threads.

    Attributes:
        sealer: of the payloads, which the engine gives as they are stored.
    """

    def __init__(self, path: Path, cipher: Cipher | None = None, *, read_only: bool = False) -> None:
        """Take a turn with the folder and read what collections there are.

        Args:
            path: the folder; the one above it says whether payloads are sealed.
            cipher: of payloads under a former key; by default the one of that folder.
            read_only: stand beside any other process; without it, beside such readers only.

        Raises:
            StageError: if another process may write there, no turn comes, its key is missing, or it cannot
                be read.
        """
        self._cipher = folder_cipher(path.parent) if cipher is None else cipher
        self.sealer = PayloadSealer(self._cipher)
        self._path = path
        self._guard = threading.RLock()
        self._shards: dict[str, edge.EdgeShard] = {}
        self._written: set[str] = set()
        make_private_dir(path)
        make_private_dir(path / "collections")
        _leave_note(path)
        self._aliases: dict[str, str] = {}
        self._collections: dict[str, dict[str, Any]] = {}
        self._writer = None if read_only else self._only_writer()
        try:
            self._turns = Turns(path, self._begin_turn, self._end_turn)
        except BaseException:
            if self._writer is not None:
                self._writer.close()
            raise

    def close(self, **_: Any) -> None:
        """Write what is in memory to disk, and let others open the folder; a second call does nothing."""
        self._turns.close()
        if self._writer is not None:
            self._writer.close()

    @one_request
    def collection_exists(self, collection_name: str, **_: Any) -> bool:
        """Tell whether there is a collection or alias of that name."""
        return collection_name in self._collections or collection_name in self._aliases

    @one_request
    def sessions(self, collection_name: str) -> int:
        """Return how often a collection was opened and written to: another number, another content."""
        return int(self.entry(collection_name).get("sessions", 0))

    def counted_values(self, collection_name: str, field: str, limit: int) -> list[tuple[Any, int]]:
        """Return the values of a field and of how many points each is one, the most frequent first.

        Without an index, on which a server insists, every point is looked at.

        Raises:
            StageError: if the field is sealed.
        """
        self.sealer.check([field])
        if self._is_indexed(collection_name, field):
            found = self.ask(collection_name, "facet", edge.FacetRequest(field, limit=limit, exact=True))
            return [(hit.value, hit.count) for hit in found.hits]
        counted: Counter[Any] = Counter()
        offset: Any = None
        while True:
            request = edge.ScrollRequest(
                offset=None if offset is None else edge_id(offset), limit=_FACET_PAGE, with_payload=[field]
            )
            points, offset = self.ask(collection_name, "scroll", request)
            for value in ((point.payload or {}).get(field) for point in points):
                counted.update(value if isinstance(value, list) else [] if value is None else [value])
            if offset is None:
                return counted.most_common(limit)

    def _is_indexed(self, collection_name: str, field: str) -> bool:
        return field in self._info(collection_name).payload_schema

    # Turns with other processes

    def _only_writer(self) -> IO[str]:
        lock = lock_file(self._path / _WRITER_FILE)
        if lock is None:
            raise StageError(
                f"The embedded store {self._path} is in use by another process: wait until the run ends, or "
                "close the notebook that holds it open, and try again."
            )
        return lock

    def _begin_turn(self) -> None:
        with self._guard:
            self._aliases = read_json(self._path / ALIASES_FILE) or {}
            self._collections = {name: self._read(name) for name in self._whole_collections()}

    def _end_turn(self) -> None:
        with self._guard:
            for name, shard in self._shards.items():
                if name in self._written:
                    with contextlib.suppress(Exception):  # the write-ahead log has it all the same
                        shard.flush()
                shard.close()
                make_private(self._folder(name))
            self._shards.clear()

    # The engine

    def _real(self, name: str) -> str:
        real = self._aliases.get(name, name)
        if real not in self._collections:
            raise StageError(f"The embedded store {self._path} has no collection {name}.")
        return real

    @one_request
    def entry(self, collection_name: str) -> dict[str, Any]:
        """Return what is kept of a collection: ``request``, that which made it, with what changed since."""
        return self._collections[self._real(collection_name)]

    def _shard(self, name: str) -> edge.EdgeShard:
        with self._guard:
            shard = self._shards.get(name)
            if shard is None:
                with readable(self._path):
                    shard = edge.EdgeShard.load(str(self._folder(name) / "shard"))
                self._shards[name] = shard
            return shard

    @one_request
    def _info(self, collection_name: str) -> edge.ShardInfo:
        with self._guard:
            return self._shard(self._real(collection_name)).info()

    @one_request
    def ask(self, collection_name: str, method: str, *arguments: Any) -> Any:
        """Return what a method of the engine's ``EdgeShard`` returns for a collection or alias.

        Raises:
            StageError: if there is no such collection, or the engine cannot do it.
        """
        with self._guard:  # resolved in one step: a moved alias names the new collection from here on
            name = self._real(collection_name)
            shard = self._shard(name)
        return self._do(name, getattr(shard, method), *arguments)

    def _do(self, name: str, function: Callable[..., T], *arguments: Any) -> T:
        try:
            return function(*arguments)
        except BaseException as error:
            if not of_the_engine(error):
                raise
            raise StageError(
                f"The embedded store {self._path} cannot do this with {name}: {error}; if the disk has room, "
                "move the folder away and run `nic-etl run` again; it is filled from the artifacts."
            ) from None

    # Files

    def _folder(self, name: str) -> Path:
        if name.startswith(".") or len(name.encode()) > _LONGEST_NAME:
            raise StageError(
                f"The embedded store cannot keep a collection {name[:60]!r}: choose a collection_name that "
                "is shorter and does not begin with a dot."
            )
        return self._path / "collections" / name

    def _whole_collections(self) -> list[str]:
        """Return the collections' names; a writer removes those half made or half dropped."""
        folders = self._path / "collections"
        names = sorted(folder.name for folder in folders.iterdir())
        whole = [name for name in names if (folders / name / COLLECTION_FILE).is_file()]
        if self._writer is not None:
            for name in set(names).difference(whole):
                shutil.rmtree(folders / name, ignore_errors=True)
        return whole

    def _read(self, name: str) -> dict[str, Any]:
        entry = read_json(self._path / "collections" / name / COLLECTION_FILE)
        with readable(self._path):
            self._check_request(entry["request"])
        if entry.get("key_id", "") != self._cipher.key_id:
            raise EncryptionError(
                f"The collection {name} in {self._path} is under another key than its folder: move the "
                "folder away and run `nic-etl run`; it is filled from the artifacts."
            )
        return dict(entry)

    def _check_request(self, request: Any) -> None:
        """Refuse what is not the request that makes a collection.

        Raises:
            ValueError, TypeError, KeyError: if it is none.
        """
        if not isinstance(request, Mapping) or not isinstance(request["vectors"], Mapping):
            raise ValueError("its collection.json has no named vectors")


def some(wanted: bool | Sequence[str]) -> Any:
    """Return in the engine's words which vectors or fields are wanted."""
    return wanted if isinstance(wanted, bool) else list(wanted)


def _leave_note(path: Path) -> None:
    # Whoever opens the folder with QdrantClient(path=…) finds nothing in it.
    note = path / "README.txt"
    if not note.exists():
        with contextlib.suppress(OSError):
            note.touch(mode=0o600)
            note.write_text(_NOTE, encoding="utf-8")
