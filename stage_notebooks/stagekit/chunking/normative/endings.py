"""How a text ended before a label: with a sentence, or in words that ask for more, as citations do."""

import re
from typing import Final

from stagekit.chunking.normative.labels import fold

LONGEST_END: Final = 80  # characters that tell how a text ended
_ENDED = re.compile(r"(?:[.;:!?…)\]”\"»|~*_]|[-–—]|[;,]\s*(?:e|ou|y|o|and|or)\s*)$")
_GOES_ON = re.compile(
    r"(?:[,(/]|\b(?:d[oae]s?|de|n[oa]s?|aos?|[aà]s?|pel[oa]s?|o|os|e|ou|y|and|or|of|the|in|com|conforme|segundo|"
    r"ate|entre|em|para|por|sob|sobre|c/c|dest[ea]s?|dess[ea]s?|est[ea]s?|referid[oa]s?|citad[oa]s?|incisos?|"
    r"alineas?|arts?\.?|artigos?|paragrafos?|itens?|item|lei|decreto|del|en|los?|las?|section|article)|§+)$",
    re.IGNORECASE,
)
_NAMED_BEFORE = re.compile(r"(?:^|\s)\w{1,2}\)$")  # "alínea a) b) …": the parenthesis is another label's
_LIST_END = re.compile(r"[;,]\s*(?:e|ou|y|o|and|or)$")


def has_ended(before: str) -> bool:
    """Whether a text ends as a sentence or an item does; so does none."""
    before = before.rstrip()
    return not before or bool(_ENDED.search(before))


def asks_for_more(before: str) -> bool:
    """Whether a text asks for more, as a citation that a line end divides does."""
    folded = fold(before.rstrip())
    return bool(_GOES_ON.search(folded)) and not _LIST_END.search(folded)


def names_another(before: str) -> bool:
    """Whether a text ends with a label, to which what follows belongs."""
    return _NAMED_BEFORE.search(before) is not None
