"""Answers what the styles of a Word file say of a run or paragraph, which stand in a part of their own."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from stagekit.processing.office.word.names import Element, is_on, new, value, w

_DEEPEST = 20  # styles that are based on one another; more are a circle


class Styles:
    """The styles of a document, by their identifiers."""

    def __init__(self, root: Element | None) -> None:
        """Read the root element of `styles.xml`; None for a document without styles."""
        self._root = root = new("styles") if root is None else root
        found = root.findall(w("style"))
        self._styles = {value(style, "styleId") or "": style for style in found}
        self._names: dict[str, list[str]] = defaultdict(list)
        for name in root.iter(w("name")):
            self._names[(value(name) or "").lower()].append(value(name.getparent(), "styleId") or "")
        defaults = (
            value(style, "styleId")
            for style in found
            if value(style, "type") == "paragraph" and value(style, "default") in ("1", "true")
        )
        self._default = next(defaults, None)
        self._run_defaults = root.find(f"{w('docDefaults')}/{w('rPrDefault')}/{w('rPr')}")
        language = value(root.find(f"{w('docDefaults')}/{w('rPrDefault')}/{w('rPr')}/{w('lang')}"))
        self.language = (language or "pt-BR").split("-")[0].lower()
        self._said: dict[tuple[str, ...], bool] = {}
        self._fonts = fonts_of(root)

    def named(self, name: str) -> list[str]:
        """Return the identifiers of the styles with a name, which is given in lower case.

        The names of Word's own styles are English in every language, their identifiers are not.
        """
        return self._names.get(name, [])

    def fonts(self) -> set[str]:
        """Return the names of the fonts that any style names."""
        return self._fonts

    def mentions(self, *properties: str) -> bool:
        """Tell whether any style, or the default of the document, has one of these properties of a run."""
        if properties not in self._said:
            self._said[properties] = next(self._root.iter(*map(w, properties)), None) is not None
        return self._said[properties]

    def paragraph_style(self, paragraph: Element | None) -> str | None:
        """Return the identifier of a paragraph's style, the default one where it names none."""
        own = None if paragraph is None else paragraph.find(f"{w('pPr')}/{w('pStyle')}")
        return value(own) or self._default

    def run_is(self, run: Element, name: str) -> bool:
        """Tell whether a property that toggles, such as `strike` or `vanish`, holds for a run.

        What the run itself says counts; else the styles of run, paragraph and table undo one another
        (ECMA-376 part 1, 17.7.3).
        """
        own = is_on(_run_properties(run, name))
        if own is not None:
            return own
        if not self.mentions(name):
            return False
        said = [self._chain_says(style, name) for style in self._styles_over(run)]
        if any(one is not None for one in said):
            return sum(map(bool, said)) % 2 == 1
        default = None if self._run_defaults is None else self._run_defaults.find(w(name))
        return bool(is_on(default))

    def run_property(self, run: Element, name: str) -> Element | None:
        """Return the nearest element of a run's properties: its own, of its style, or of its paragraph's."""
        own = _run_properties(run, name)
        if own is not None or not self.mentions(name):
            return own
        for style in self._styles_over(run):
            for one in self.chain(style):
                found = one.find(f"{w('rPr')}/{w(name)}")
                if found is not None:
                    return found
        return None

    def chain(self, identifier: str | None) -> Iterator[Element]:
        """Yield a style and those that it is based on, the nearest first."""
        for _ in range(_DEEPEST):
            style = self._styles.get(identifier or "")
            if style is None:
                return
            yield style
            identifier = value(style.find(w("basedOn")))

    def _styles_over(self, run: Element) -> tuple[str | None, ...]:
        table = next(run.iterancestors(w("tbl")), None)
        return (
            value(_run_properties(run, "rStyle")),
            self.paragraph_style(next(run.iterancestors(w("p")), None)),
            None if table is None else value(table.find(f"{w('tblPr')}/{w('tblStyle')}")),
        )

    def _chain_says(self, identifier: str | None, name: str) -> bool | None:
        for style in self.chain(identifier):
            said = is_on(style.find(f"{w('rPr')}/{w(name)}"))
            if said is not None:
                return said
        return None


def fonts_of(root: Element) -> set[str]:
    """Return the names of the fonts in which a part says that letters are to be shown."""
    return {
        font for one in root.iter(w("rFonts")) for font in (value(one, "ascii"), value(one, "hAnsi")) if font
    }


def _run_properties(run: Element, name: str) -> Element | None:
    return run.find(f"{w('rPr')}/{w(name)}")
