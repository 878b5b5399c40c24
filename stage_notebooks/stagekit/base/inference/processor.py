"""What the processor computes by itself, told from its flags: no library has to be loaded for that."""

import os
from pathlib import Path

from stagekit.errors import StageError

BFLOAT16_VARIABLE = "NIC_ETL_BFLOAT16"
"""`off` in it: models are run as on a processor without bfloat16, in float32 (or int8)."""

# OpenVINO's CPU plugin computes in bfloat16 on these x86 processors and on no others
# (src/plugins/intel_cpu/src/utils/precision_support.cpp, and mayiuse of oneDNN, which it asks).
_AVX512 = frozenset({"avx512f", "avx512bw", "avx512vl", "avx512dq", "avx512_bf16"})
_AVX2 = frozenset({"avx2", "avx_vnni", "avx_vnni_int8", "avx_ne_convert"})


def has_bfloat16() -> bool:
    """Tell whether OpenVINO computes in bfloat16 here, natively and not by emulation.

    False where the processor does not say what it can (elsewhere than on Linux), and where
    `NIC_ETL_BFLOAT16` is `off`.

    Raises:
        StageError: The variable has another value than on, off or nothing.
    """
    asked = os.environ.get(BFLOAT16_VARIABLE, "").strip().lower()
    if asked not in {"", "on", "off"}:
        raise StageError(f"{BFLOAT16_VARIABLE} is {asked!r}: set it to off, or leave it out.")
    flags = cpu_flags()
    return asked != "off" and (flags >= _AVX512 or flags >= _AVX2)


def cpu_flags() -> frozenset[str]:
    """Return what the processor can do, in Linux' words; nothing where there is no /proc/cpuinfo."""
    path = Path("/proc/cpuinfo")
    if not path.is_file():
        return frozenset()
    lines = path.read_text(encoding="utf-8").splitlines()
    said = (line for line in lines if line.startswith(("flags", "Features")))
    return frozenset(flag for line in said for flag in line.split())
