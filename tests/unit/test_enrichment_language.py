"""Promises about the language detector: kept unpacked, the same answers, and no way to break by its cache."""

from __future__ import annotations

from pathlib import Path

import pytest
from py3langid.langid import MODEL_DIR, MODEL_FILE, LanguageIdentifier

from stagekit.declared.language_tags import TAGS
from stagekit.enrichment.language_model import language_identifier, warm_up

LANGUAGES = tuple(TAGS)
TEXTS = (
    "A política de segurança da informação define as responsabilidades de cada servidor.",
    "The information security policy defines what everyone in the office answers for.",
    "La política de seguridad de la información define las responsabilidades.",
    "Informação: information, información",
)


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("NIC_ETL_MODELS_DIR", str(tmp_path / "models"))
    language_identifier.cache_clear()
    yield
    language_identifier.cache_clear()


@pytest.fixture(scope="module")
def original():
    identifier = LanguageIdentifier.from_model_file(MODEL_DIR / MODEL_FILE, norm_probs=True)
    identifier.set_languages(list(LANGUAGES))
    return identifier


def kept(tmp_path: Path) -> Path:
    (found,) = (tmp_path / "models").glob("py3langid-*/model.npz")
    return found


def answers(identifier):
    return [(language, pytest.approx(float(share))) for language, share in map(identifier.classify, TEXTS)]


def test_the_unpacked_model_answers_as_the_packed_one(original, tmp_path):
    first = answers(language_identifier(LANGUAGES))
    language_identifier.cache_clear()
    assert kept(tmp_path).stat().st_size > 10_000_000
    assert first == answers(language_identifier(LANGUAGES)) == answers(original)


def test_a_damaged_cache_does_no_harm(original, tmp_path):
    warm_up()
    path = kept(tmp_path)
    for damaged in (b"no archive", path.read_bytes()[:-5000]):
        path.write_bytes(damaged)
        language_identifier.cache_clear()
        assert answers(language_identifier(LANGUAGES)) == answers(original)


def test_without_a_place_to_keep_it_the_packed_model_is_used(original, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("NIC_ETL_MODELS_DIR", str(tmp_path / "file" / "below"))
    assert answers(language_identifier(LANGUAGES)) == answers(original)


def test_warming_up_loads_what_the_detector_asks_for():
    warm_up()
    assert language_identifier.cache_info().currsize == 1
    language_identifier(LANGUAGES)
    assert language_identifier.cache_info().hits == 1
