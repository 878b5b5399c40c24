"""The structure of a norm: articles, paragraphs, incisos and what else a citation can name.

Brazilian norms above all (LC 95/1998, Manual de Redação da Presidência da República); the articles of Spanish
and English ones too. Names of levels are those of LexML.
"""

from stagekit.chunking.normative.address import Address, Level, Part, ancestors, printed
from stagekit.chunking.normative.citations import (
    NamedNorm,
    clause_values,
    read_citations,
    read_norm,
    variants,
)
from stagekit.chunking.normative.clauses import Clause, Line
from stagekit.chunking.normative.outline import read_outline

__all__ = [
    "Address",
    "Clause",
    "Level",
    "Line",
    "NamedNorm",
    "Part",
    "ancestors",
    "clause_values",
    "printed",
    "read_citations",
    "read_norm",
    "read_outline",
    "variants",
]
