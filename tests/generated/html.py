"""HTML pages: blocks in one another, formatting inside words, and every way to hide a text."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tests.generated.words import Generated, Writer


def document(seed: int) -> Generated:
    """Return a page of random constructs."""
    page = _Page(Writer(seed))
    body = "".join(page.block(0) for _ in range(page.writer.chance.randint(3, 9)))
    title = page.writer.phrase("optional")
    style = ".some { color: red; display: none } .outro { color: blue }"
    text = (
        '<!DOCTYPE html>\n<html lang="pt-BR"><head><meta charset="utf-8">'
        f"<title>{title}</title><style>{style}</style></head><body>{body}</body></html>"
    )
    return page.writer.done(text.encode(), "gerado.html")


@dataclass
class _Page:
    """The writer of one page."""

    writer: Writer

    def block(self, depth: int) -> str:
        kinds: list[Callable[[int], str]] = [
            self.paragraph,
            self.paragraph,
            self.heading,
            self.pre,
            self.hidden,
        ]
        if depth < 3:
            kinds += [self.div, self.listing, self.table, self.quote, self.definitions, self.details]
        return self.writer.chance.choice(kinds)(depth)

    def paragraph(self, _depth: int) -> str:
        return f"<p>{self.inline()}</p>\n"

    def heading(self, _depth: int) -> str:
        level = self.writer.chance.randint(1, 4)
        return f"<h{level}>{self.writer.phrase()}</h{level}>"

    def pre(self, _depth: int) -> str:
        return f"<pre>{self.writer.phrase()}\n{self.writer.phrase()}</pre>"

    def hidden(self, _depth: int) -> str:
        text = self.writer.phrase("unseen")
        return self.writer.chance.choice(
            [
                f'<p style="display:none">{text}</p>',
                f"<p hidden>{text}</p>",
                f'<div style="color:red; visibility: hidden"><p>{text}</p></div>',
                f'<p class="outro some">{text}</p>',
                f"<!-- {text} -->",
            ]
        )

    def div(self, depth: int) -> str:
        tag = self.writer.chance.choice(["div", "section", "article", "main"])
        return f"<{tag}>{self.block(depth + 1)}{self.block(depth + 1)}</{tag}>"

    def listing(self, depth: int) -> str:
        items = "".join(
            f"<li>{self.inline()}{self.block(depth + 1) if self.writer.often(0.3) else ''}</li>"
            for _ in range(self.writer.chance.randint(1, 3))
        )
        tag = self.writer.chance.choice(["ul", "ol"])
        return f"<{tag}>{items}</{tag}>"

    def table(self, depth: int) -> str:
        columns = self.writer.chance.randint(1, 3)
        rows = []
        for row in range(self.writer.chance.randint(2, 3)):
            tag = "th" if row == 0 else "td"
            rows.append("".join(f"<{tag}>{self.cell(depth)}</{tag}>" for _ in range(columns)))
        caption = f"<caption>{self.writer.phrase()}</caption>" if self.writer.often(0.3) else ""
        return f"<table>{caption}{''.join(f'<tr>{row}</tr>' for row in rows)}</table>"

    def cell(self, depth: int) -> str:
        return self.block(depth + 1) if self.writer.often(0.2) else self.inline()

    def quote(self, depth: int) -> str:
        return f"<blockquote>{self.block(depth + 1)}</blockquote>"

    def definitions(self, _depth: int) -> str:
        return f"<dl><dt>{self.writer.phrase()}</dt><dd>{self.inline()}</dd></dl>"

    def details(self, depth: int) -> str:
        return f"<details><summary>{self.writer.phrase()}</summary>{self.block(depth + 1)}</details>"

    def inline(self) -> str:
        writer = self.writer
        kinds: list[Callable[[], str]] = [
            writer.phrase,
            writer.phrase,
            lambda: f"<b>{writer.phrase()}</b>",
            lambda: f"<del>{writer.phrase()}</del>",
            lambda: f'<a href="https://exemplo.org/x">{writer.phrase()}</a>',
            lambda: f"<code>{writer.phrase()}</code>",
            lambda: f"{writer.phrase()}<br>{writer.phrase()}",
            lambda: f'<img src="x.png" alt="{writer.phrase("optional")}">{writer.phrase()}',
            lambda: f'{writer.phrase()} <span style="display: none">{writer.phrase("unseen")}</span>',
            lambda: f"{writer.phrase()} &ccedil; <i>{writer.word()}</i>",
            self.divided,
        ]
        return " ".join(writer.chance.choice(kinds)() for _ in range(writer.chance.randint(1, 3)))

    def divided(self) -> str:
        """Return a word of which only the beginning is bold."""
        word = self.writer.word()
        return f"<strong>{word[:3]}</strong>{word[3:]}"
