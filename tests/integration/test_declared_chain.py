"""What documents say of themselves, through the whole chain: who is served, from when, until when."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from tests.crash.chain import Workplace, executed, read_points
from tests.crash.tiny_model import write_tiny_model

FOLDER = "30-Aprovados"
OLD, NEW, DATED = "portaria-12-2023.md", "portaria-7-2026.md", "tabela.md"


def served(place: Workplace) -> dict[str, dict[str, Any]]:
    """Return one payload by file name."""
    return {payload["file_name"]: payload for _, payload in read_points(place.outputs).values()}


@pytest.mark.slow
def test_a_document_leaves_on_the_day_after_its_last_and_a_relation_with_the_document_that_says_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, there = timezone(timedelta(hours=-12)), timezone(timedelta(hours=14))  # a day and more between them
    last = datetime.now(here).date()
    folder = tmp_path / "docs" / FOLDER
    folder.mkdir(parents=True)
    texts = {
        OLD: "# Portaria nº 12/2023\n\nA diária nacional é paga na véspera da viagem.\n",
        NEW: "# Portaria nº 7/2026\n\nArt. 9º Fica revogada a Portaria nº 12/2023.\n",
        DATED: f"---\nvalidade: {last}\n---\n# Tabela\n\nA diária nacional é de R$ 177,00.\n",
        "minuta.md": "---\nsituação: em estudo\n---\n# Minuta\n\nTexto em discussão.\n",
    }
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
    model = write_tiny_model(tmp_path / "model")
    settings = {"source_path": tmp_path / "docs", "embedding_model": model, "include_expired": "false"}
    place = Workplace(tmp_path / "outputs", settings)

    monkeypatch.setenv("TZ", "HERE+12")
    assert place.run()[0] == 0
    found = served(place)
    assert set(found) == {OLD, NEW, DATED}
    by = found[OLD]["superseded_by"]
    assert by["file_path"] == f"{FOLDER}/{NEW}"
    assert by["quote"] == "Art. 9º Fica revogada a Portaria nº 12/2023."
    assert found[NEW]["superseded_by"] is None
    if datetime.now(here).date() == last:
        assert executed(place.run()[2]) == {}

    monkeypatch.setenv("TZ", "THERE-14")  # nothing else has changed
    assert datetime.now(there).date() > last
    [first, *_] = json.loads(place.call("plan", "--json").stdout)
    assert [one["path"] for one in first["leaving"]] == [f"{FOLDER}/{DATED}"]
    assert place.run()[0] == 0
    assert set(served(place)) == {OLD, NEW}

    (folder / NEW).unlink()
    (folder / DATED).write_text(texts[DATED].replace(str(last), f"{last.year + 2}-01-01"), encoding="utf-8")
    _, _, record = place.run()
    found = served(place)
    assert set(found) == {OLD, DATED}
    assert found[OLD]["superseded_by"] is None
    assert executed(record)["metadata_enrichment"] == 2
    assert executed(record)["document_processing"] == 1
