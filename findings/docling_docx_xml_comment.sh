#!/bin/sh
# docling-slim 2.143.0, python-docx 1.2.0, lxml as they come with it: Word files whose XML holds a comment or a
# processing instruction, as templating tools and hand-made generators leave them.
#
# Guess: both are passed over, as XML 1.0 (2.5, 2.6: "not part of the document's character data") has it and as
# Word and python-docx do: the text of the file arrives.
# Seen: MsWordDocumentBackend.convert() raises ValueError("Invalid input tag of type ... cython_function_or_method")
# for a comment or instruction among the children of a paragraph: lxml gives such nodes a function in place of a
# tag, and Docling asks etree.QName for its name. One comment loses the whole document.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check docling-slim==2.143.0 python-docx==1.2.0
cat > "$folder/run.py" <<'PYTHON'
import io
import zipfile

import docx
from docling.backend.msword_backend import MsWordDocumentBackend
from docling.datamodel.base_models import InputFormat
from docling.datamodel.document import InputDocument

TEXTS = ["First paragraph.", "Second paragraph."]


def word_file(node=b""):
    written, plain = docx.Document(), io.BytesIO()
    for text in TEXTS:
        written.add_paragraph(text)
    written.save(plain)
    changed = io.BytesIO()
    with zipfile.ZipFile(plain) as source, zipfile.ZipFile(changed, "w") as target:
        for name in source.namelist():
            content = source.read(name)
            if name == "word/document.xml":
                content = content.replace(b"<w:r><w:t>Second", node + b"<w:r><w:t>Second", 1)
            target.writestr(name, content)
    return io.BytesIO(changed.getvalue())


def read(file):
    opened = InputDocument(
        path_or_stream=file, format=InputFormat.DOCX, backend=MsWordDocumentBackend, filename="a.docx"
    )
    return opened._backend.convert().export_to_markdown()


assert read(word_file()) == "\n\n".join(TEXTS)
for node in (b"<!-- note -->", b"<?tool kept?>"):
    assert [paragraph.text for paragraph in docx.Document(word_file(node)).paragraphs] == TEXTS, "python-docx reads it"
    try:
        seen = repr(read(word_file(node)))
    except ValueError as error:
        seen = f"ValueError: {error}"
    print(node.decode(), "->", seen)
    assert seen.startswith("ValueError: Invalid input tag"), "Docling had raised"
PYTHON
"$folder/venv/bin/python" "$folder/run.py"
