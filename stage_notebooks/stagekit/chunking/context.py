"""Makes the line of titles that is embedded in front of a chunk's text."""

from collections.abc import Sequence

from stagekit.embedding.tokens import TokenCounter


def heading_context(title: str, section_titles: Sequence[str], opening: str) -> tuple[str, ...]:
    """Return the titles that say where a chunk stands, outermost first, less the one that it opens with."""
    titles = dict.fromkeys([title, *section_titles])
    return tuple(name for name in titles if name and name != opening)


def fit_context(titles: Sequence[str], counter: TokenCounter, budget: int) -> tuple[str, int]:
    """Return the context, ending in a blank line, and its tokens: at most `budget`.

    The outermost titles are dropped first; what remains of the innermost is cut at its end.
    """
    for drop in range(len(titles)):
        context = " > ".join(titles[drop:])
        if (tokens := counter.count(context)) <= budget:
            return context + "\n\n", tokens
    innermost = titles[-1] if titles else ""
    spans = counter.offsets(innermost)
    while spans:
        spans = spans[:-1] if len(spans) <= budget else spans[:budget]
        shortened = innermost[: spans[-1][1]].strip() if spans else ""
        if shortened and (tokens := counter.count(shortened)) <= budget:
            return shortened + "\n\n", tokens
    return "", 0
