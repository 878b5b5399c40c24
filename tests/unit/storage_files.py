"""The files by which the embedded store is known from outside, without the engine that makes them."""

import json


def leave_store(outputs, collection_name="nic_documents", physical=None, **metadata):
    """Leave a store with one collection behind an alias; return the collection's folder."""
    name = physical or f"{collection_name}__0123456789ab"
    folder = outputs / "qdrant" / "collections" / name
    (folder / "shard" / "segments" / "s1").mkdir(parents=True)
    (folder / "shard" / "segments" / "s1" / "page_0.dat").write_text("points")
    entry = {"request": {"vectors": {}, "metadata": metadata}, "sessions": 1}
    (folder / "collection.json").write_text(json.dumps(entry))
    aliases = outputs / "qdrant" / "aliases.json"
    if physical is None:
        aliases.write_text(json.dumps({collection_name: name}))
    return folder
