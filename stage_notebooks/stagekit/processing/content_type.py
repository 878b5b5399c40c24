"""Tells what a file is from its bytes, and refuses what cannot be read in words its author understands."""

from __future__ import annotations

import io
import zipfile
from pathlib import PurePosixPath

from stagekit.declared.formats import ZIP, text_format
from stagekit.errors import DocumentRejected
from stagekit.processing.office.archive_limits import check_package

LFS_POINTER = b"version https://git-lfs.github.com/spec/"
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
SUPPORTED = "PDF, DOCX, PPTX, XLSX, ODT, HTML, Markdown, plain text (TXT), PNG and JPEG"
OFFICE_FORMATS = ("docx", "pptx", "xlsx", "odt")

_ODT = b"application/vnd.oasis.opendocument.text"
_TYPES = "[Content_Types].xml"
_MAIN_TYPES = {
    b"wordprocessingml.document.main+xml": "docx",
    b"presentationml.presentation.main+xml": "pptx",
    b"spreadsheetml.sheet.main+xml": "xlsx",
}
_MAIN_PARTS = {"word/document.xml": "docx", "ppt/presentation.xml": "pptx", "xl/workbook.xml": "xlsx"}

_MAGIC = (
    (b"\x89PNG\r\n\x1a\n", "png"),
    (b"\xff\xd8\xff", "jpeg"),
)


def detect_format(content: bytes, file_name: str) -> str:
    """Return `pdf`, `docx`, `pptx`, `xlsx`, `odt`, `png`, `jpeg`, `html`, `md` or `txt`.

    The bytes decide. The name only tells Markdown, a piece of HTML and plain text from one another, and an
    Office lock file (`~$...`) from a document.

    Raises:
        DocumentRejected: Category `office_lock`, `empty`, `lfs_pointer`, `encrypted`, `corrupt`, `too_large`
            or `unsupported`.
    """
    if PurePosixPath(file_name).name.startswith("~$"):
        raise DocumentRejected(
            "office_lock",
            "This is a lock file that Office writes while somebody edits a document, not the document.",
            "Delete it from the repository; the document itself has the same name without '~$'.",
        )
    if not content:
        raise DocumentRejected("empty", "The file has 0 bytes.", "Commit the file again with its content.")
    if content.startswith(LFS_POINTER):
        raise DocumentRejected(
            "lfs_pointer",
            "The repository holds a Git LFS pointer instead of the document.",
            "Upload the object with `git lfs push`, or commit the document without Git LFS.",
        )
    for magic, name in _MAGIC:
        if content.startswith(magic):
            return name
    if b"%PDF-" in content[:1024]:
        return "pdf"
    if content.startswith(ZIP):
        return _zip_format(content)
    if content.startswith(OLE):
        raise _ole_verdict(content)
    found = text_format(content, file_name)
    if found is None:
        raise _unsupported("The file is of a type that is not supported.")
    return found


def _zip_format(content: bytes) -> str:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = {member.filename: member for member in archive.infolist()}
            odf = "mimetype" in members and members["mimetype"].file_size < 200 and archive.read("mimetype")
            locked = odf == _ODT and b"encryption-data" in _start(archive, "META-INF/manifest.xml")
            types = _start(archive, _TYPES)
            if not locked:
                check_package(content, archive)
    except (zipfile.BadZipFile, ValueError, OSError, RuntimeError, NotImplementedError) as error:
        raise DocumentRejected(
            "corrupt",
            "The document is damaged or cut short: its container (ZIP) cannot be opened.",
            "Export or upload the document again.",
        ) from error
    if locked:
        raise _encrypted()
    if odf == _ODT:
        return "odt"
    found = next((name for part, name in _MAIN_PARTS.items() if part in members), None)
    # Some programs call the main part otherwise (`word/document2.xml`); its type says what it is.
    found = found or next((name for kind, name in _MAIN_TYPES.items() if kind in types), None)
    if found is None:
        raise _unsupported("The file is an archive, or an Office file of another kind.")
    return found


def _start(archive: zipfile.ZipFile, name: str) -> bytes:
    if name not in archive.namelist():
        return b""
    with archive.open(name) as member:
        return member.read(1 << 20)


def _ole_verdict(content: bytes) -> DocumentRejected:
    if "EncryptedPackage".encode("utf-16-le") in content:
        return _encrypted()
    return _unsupported("The file is in an old binary Office format (for example DOC).")


def _encrypted() -> DocumentRejected:
    return DocumentRejected(
        "encrypted",
        "The document is protected with a password.",
        "Remove the password and commit the document again.",
    )


def _unsupported(message: str) -> DocumentRejected:
    return DocumentRejected("unsupported", message, f"Convert it to one of these: {SUPPORTED}.")
