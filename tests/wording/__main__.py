"""Brings the catalogue up to date with the sources, and compiles it: ``python -m tests.wording``."""

from __future__ import annotations

from tests.wording.catalogue_files import missing, read_catalogue, updated, write_catalogue

if __name__ == "__main__":
    catalogue = updated(read_catalogue())
    write_catalogue(catalogue)
    print(f"{len(catalogue)} sentences, {len(missing(catalogue))} of them without words")
