#!/bin/sh
# docling-slim 2.143.0, docling-core 2.104.0, marko 2.2.2: a name such as retention_days, written to
# Markdown by Docling and read back by Docling.
#
# Guess: export_to_markdown() writes retention\_days, which is right (CommonMark 2.4: a backslash before punctuation
# gives that character), and the reader takes the backslash away again: one paragraph, "The setting retention_days.".
# Seen: the reader makes a text item of its own of each escaped character: three items, and the next export says
# "The setting retention \_ days.": a word that was one is three, for search, chunks and embeddings. So with every
# escape that other programs write: "R\$ 5" becomes "R $ 5", "n\.º" becomes "n . º". In a table's cell it stays whole.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check docling-slim==2.143.0 docling-core==2.104.0 marko==2.2.2 \
  beautifulsoup4 lxml
cat > "$folder/run.py" <<'PYTHON'
import io

from docling.backend.md_backend import MarkdownDocumentBackend
from docling.datamodel.base_models import InputFormat
from docling.datamodel.document import InputDocument
from docling_core.types.doc import DocItemLabel, DoclingDocument


def read(markdown):
    opened = InputDocument(
        path_or_stream=io.BytesIO(markdown.encode()), format=InputFormat.MD, backend=MarkdownDocumentBackend,
        filename="a.md",
    )
    return opened._backend.convert()


document = DoclingDocument(name="a")
document.add_text(label=DocItemLabel.TEXT, text="The setting retention_days.")
written = document.export_to_markdown()
again = read(written)
print(repr(written), "->", [item.text for item in again.texts], "->", repr(again.export_to_markdown()))
assert written == r"The setting retention\_days."
assert [item.text for item in again.texts] == ["The setting retention", "_", "days."]
assert again.export_to_markdown() == r"The setting retention \_ days."
for escaped, seen in ((r"R\$ 5", "R $ 5"), (r"n\.º 3", "n . º 3")):
    assert read(escaped).export_to_markdown() == seen
assert "| a_b |" in " ".join(read("| a\\_b |\n|---|\n| c |\n").export_to_markdown().split())
PYTHON
"$folder/venv/bin/python" "$folder/run.py"
