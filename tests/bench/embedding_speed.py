"""Measures how fast each number type and backend embeds on this machine, and how far its vectors deviate.

    python -m tests.bench.embedding_speed [--small] [--model NAME] [--bge-m3] [--texts N] [--json]

Without `--model` and `--bge-m3` it is the packaged model; `--bge-m3` makes a model of that shape with random
weights in a temporary folder (2.3 GB of disk). Each way runs in a process of its own, one after the other,
and prints what follows, with `--json` as one line of JSON; `computed_in` says in what it really was where the
processor lacks what was asked for. What a model is prepared by, once, is not counted:

- `texts_per_second` and `cpu_s_per_text`: of `--texts` texts of `--tokens` tokens, after one for warming up;
- `peak_mb`: largest resident memory of the process, loading included; `loaded_cpu_s`: CPU time of loading;
- `peak_gflops`: one matrix product of the model's widest layer, in that number type and by that library, with
  all threads: multiplications and additions by second, taken before and after the texts; and
  `peak_gflops_by_cpu`, the same by CPU second, which is by core;
- `share`: of that, what embedding reached: 2 operations a weight of the linear layers and token, and
  4 * layers * tokens^2 * hidden of the attention. By CPU second on both sides, so that other load on the
  machine, which takes turns with the measurement, does not decide it;
- `cosine_min`, `cosine_mean`, `same_neighbour`: against the vectors of the first way, float32 in torch.

Texts are windows of the *.txt files below `--corpus`; without one they are generated, and near ties among
them make `same_neighbour` say little.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stagekit.base.machine import cores
from stagekit.embedding import computation_of, embed_texts, load_model, load_tokenizer, resolve_model
from tests.bench.matrix_peak import gflops
from tests.bench.random_model import BGE_M3, SMALL, write_xlm_roberta
from tests.crash.corpus import document

_WAYS = {
    "torch": ("float32", "torch"),
    "torch-bf16": ("bfloat16", "torch"),
    "onnx": ("float32", "onnx"),
    "onnx-int8": ("int8", "onnx"),
    "openvino": ("float32", "openvino"),
    "openvino-bf16": ("bfloat16", "openvino"),
}
_PACKAGED = "packaged/multilingual-e5-small"
Rows = NDArray[np.float32]


def main() -> None:
    """Measure the ways asked for, each in a process of its own."""
    options = _options()
    if options.vectors:
        sys.stdout.write(json.dumps(_measure(options)) + "\n")
        return
    with tempfile.TemporaryDirectory(prefix="embedding-speed-") as temporary:
        folder = Path(temporary)
        if options.bge_m3 or options.small:
            shape = SMALL if options.small else BGE_M3
            options.model = str(write_xlm_roberta(folder / "model", shape))
            os.environ["NIC_ETL_MODELS_DIR"] = str(folder / "models")  # what is prepared of it goes, too
        first: Rows | None = None
        for way in options.ways:
            _prepare(options.model, _WAYS[way][1])
            line = _in_process(options, way, folder / f"{way}.npy")
            rows: Rows = np.load(folder / f"{way}.npy")
            first = rows if first is None else first
            line |= _deviation(first, rows)
            shown = "  ".join(f"{name} {value}" for name, value in line.items())
            sys.stdout.write((json.dumps(line) if options.json else shown) + "\n")
            sys.stdout.flush()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--model", default=_PACKAGED, help="a value of embedding_model")
    parser.add_argument("--bge-m3", action="store_true", help="random weights in the shape of BAAI/bge-m3")
    parser.add_argument("--small", action="store_true", help="a tiny model, to see that the measurement runs")
    parser.add_argument("--texts", type=int, default=16)
    parser.add_argument("--tokens", type=int, default=500, help="of each text, prompt included")
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--corpus", type=Path, help="folder with *.txt files to take the texts from")
    parser.add_argument("--ways", nargs="+", choices=_WAYS, default=list(_WAYS))
    parser.add_argument("--json", action="store_true", help="one line of JSON a way")
    parser.add_argument("--vectors", type=Path, help=argparse.SUPPRESS)
    return parser.parse_args()


def _prepare(model: str, backend: str) -> None:
    """Let a process of its own trace the model, whose memory and time are not the way's."""
    if backend == "openvino":
        code = f"from stagekit.embedding import load_model; load_model({model!r}, backend='openvino')"
        subprocess.run([sys.executable, "-W", "ignore", "-c", code], stdout=sys.stderr, check=True)


def _in_process(options: argparse.Namespace, way: str, vectors: Path) -> dict[str, Any]:
    arguments = {
        "--model": options.model,
        "--texts": options.texts,
        "--tokens": options.tokens,
        "--batch-size": options.batch_size,
        "--ways": way,
        "--vectors": vectors,
    }
    if options.corpus:
        arguments["--corpus"] = options.corpus
    command = [sys.executable, "-m", "tests.bench.embedding_speed"]
    command += [str(part) for pair in arguments.items() for part in pair]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    line: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return line


def _measure(options: argparse.Namespace) -> dict[str, Any]:
    """Embed in this process; leave the vectors in a file and return the figures."""
    (way,) = options.ways
    dtype, backend = _WAYS[way]
    files = resolve_model(options.model)
    model, load = _timed(lambda: load_model(options.model, dtype=dtype, backend=backend))
    texts = _texts(options)
    config = json.loads((files.directory / "config.json").read_text(encoding="utf-8"))
    embed_texts(model, texts[:1], files.passage_prompt)
    peaks = [gflops(config["hidden_size"], config["intermediate_size"], dtype, backend)]
    vectors, used = _timed(lambda: embed_texts(model, texts, files.passage_prompt, options.batch_size))
    peaks.append(gflops(config["hidden_size"], config["intermediate_size"], dtype, backend))
    np.save(options.vectors, vectors)
    by_cpu = max(peak.per_cpu_second for peak in peaks)
    operations = len(texts) * _operations(config, options.tokens) / 1e9
    return {
        "way": way,
        "computed_in": computation_of(model),
        "texts": len(texts),
        "tokens": options.tokens,
        "threads": cores(),
        "texts_per_second": round(len(texts) / used["wall"], 3),
        "cpu_s_per_text": round(used["cpu"] / len(texts), 3),
        "loaded_cpu_s": round(load["cpu"], 2),
        "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        "peak_gflops": round(max(peak.per_second for peak in peaks)),
        "peak_gflops_by_cpu": round(by_cpu),
        "share": round(operations / used["cpu"] / by_cpu, 3),
    }


def _operations(config: dict[str, Any], tokens: int) -> int:
    hidden, layers = config["hidden_size"], config["num_hidden_layers"]
    weights = layers * (4 * hidden * hidden + 2 * hidden * config["intermediate_size"])
    return int(2 * weights * tokens + 4 * layers * tokens * tokens * hidden)


def _texts(options: argparse.Namespace) -> list[str]:
    """Return distinct texts that have the asked number of tokens with prompt and special tokens."""
    counter = load_tokenizer(options.model)
    room = options.tokens - counter.overhead
    texts = []
    for source in _sources(options, counter.tokenizer.get_vocab_size()):
        spans = counter.offsets(source)
        starts = range(0, len(spans) - room, room)
        texts += [source[spans[at][0] : spans[at + room - 1][1]] for at in starts]
        if len(texts) >= options.texts:
            break
    return texts[: options.texts]


def _sources(options: argparse.Namespace, vocabulary: int) -> Iterator[str]:
    if options.corpus:
        for path in sorted(options.corpus.rglob("*.txt")):
            yield path.read_text(encoding="utf-8")
    elif vocabulary < 2000:  # of a random model, whose words are w0, w1, …
        for number in range(options.texts):
            random = np.random.default_rng(number)
            yield " ".join(f"w{word}" for word in random.integers(0, 1000, options.tokens))
    else:
        for number in range(options.texts):
            yield document(number, sections=20)


def _timed(work: Callable[[], Any]) -> tuple[Any, dict[str, float]]:
    wall, cpu = time.perf_counter(), time.process_time()
    result = work()
    return result, {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu}


def _deviation(first: Rows, rows: Rows) -> dict[str, float]:
    cosines = (first * rows).sum(axis=1)
    return {
        "cosine_min": round(float(cosines.min()), 6),
        "cosine_mean": round(float(cosines.mean()), 6),
        "same_neighbour": round(float((_nearest(first) == _nearest(rows)).mean()), 3),
    }


def _nearest(rows: Rows) -> NDArray[np.intp]:
    similarity = rows @ rows.T
    np.fill_diagonal(similarity, -1)
    nearest: NDArray[np.intp] = similarity.argmax(axis=1)
    return nearest


if __name__ == "__main__":
    main()
