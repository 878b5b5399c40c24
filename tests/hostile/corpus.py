"""Writes a folder of documents made to do harm: ``python -m tests.hostile.corpus FOLDER``.

Each run with the same arguments writes the same bytes, so that a fault can be looked at again.
What is harmful by its size alone is written small: the tests lower the limits instead.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.hostile.images import image_files
from tests.hostile.office import office_files
from tests.hostile.pdfs import pdf_files
from tests.hostile.texts import text_files

APPROVED = "30-Aprovados"
_PLAIN = "# Título\n\nUm documento comum, cujo nome não é comum.\n"
NAMES = (
    'as"pas.md',
    "apos'trofo.md",
    "quebra\nde linha.md",
    "<script>alert(1)<script>.md",
    "<img src=x onerror=alert(1)>.md",
    "..\\..\\fora.md",
    "..%2f..%2ffora.md",
    "\x1b[31mvermelho\x1b[0m.md",
    "\x1b]0;dono\x07.md",
    "invertido-\u202edm.exe.md",
    "emoji-\U0001f4a3-bomba.md",
    "[bold red]marcação.md",
    "${HOME} $(id) `id` ;id.md",
    "-rf.md",
    "{chaves} %s %(x)s.md",
    "n" * 250 + ".md",
    " espaço .md",
    "nulo\u2400.md",
    "sinal-c1-\x9b31m.md",
)
"""File names that mean something to a terminal, a shell, a page or a template."""


def write_corpus(folder: Path, canary_url: str, canary_file: Path, *, scale: int = 10) -> int:
    """Write the documents below ``folder`` and return how many files there are.

    Args:
        folder: becomes the source; its documents lie in :data:`APPROVED`.
        canary_url: address that stands in the documents and must never be asked.
        canary_file: file outside of the folder whose text must never appear.
        scale: how big is what is big; 10 makes 10,000 pages and 10 MB of zeros.
    """
    approved = folder / APPROVED
    files = {
        "office": office_files(canary_url, str(canary_file), scale),
        "pdf": pdf_files(canary_url, scale),
        "imagens": image_files(scale),
        "textos": text_files(canary_url, str(canary_file), scale),
        "nomes": {name: f"{_PLAIN}\n{number}\n".encode() for number, name in enumerate(NAMES)},
    }
    for group, members in files.items():
        (approved / group).mkdir(parents=True)
        for name, content in members.items():
            (approved / group / name).write_bytes(content)
    os.write(
        descriptor := os.open(bytes(approved) + b"/nomes/n\xe3o-utf8.md", os.O_CREAT | os.O_WRONLY), b"x"
    )
    os.close(descriptor)
    with (approved / "textos" / "esparso.txt").open("wb") as sparse:
        sparse.truncate(10 * scale << 20)
    _write_entries(approved / "entradas", canary_file)
    return sum(1 for path in folder.rglob("*") if path.is_symlink() or not path.is_dir())


def _write_entries(folder: Path, canary_file: Path) -> None:
    """Write what is no plain file: links that lead outside, a loop, a pipe, folders within folders."""
    folder.mkdir()
    (folder / "fora.md").symlink_to(canary_file)
    (folder / "fora-relativo.md").symlink_to(os.path.relpath(canary_file, folder))
    (folder / "pasta-fora").symlink_to(canary_file.parent)
    (folder / "volta.md").symlink_to("volta.md")
    (folder / "acima").symlink_to("..")
    (folder / "aparelho.md").symlink_to("/dev/zero")
    os.mkfifo(folder / "cano.md")
    (folder / "original.md").write_text(_PLAIN)
    (folder / "outro-nome.md").hardlink_to(folder / "original.md")
    deep = folder.joinpath(*"abcdefghij" * 4)
    deep.mkdir(parents=True)
    (deep / "fundo.md").write_text(_PLAIN + "fundo\n")


def write_repository(folder: Path, canary_file: Path) -> None:
    """Make a git repository whose tree holds a submodule, links that lead outside, and names with ``..``."""
    (folder / APPROVED).mkdir(parents=True)
    (folder / APPROVED / "bom.md").write_text(_PLAIN)
    _git(folder, "init", "-q", "-b", "main")
    _git(folder, "add", "-A")
    blob = _git(folder, "hash-object", f"{APPROVED}/bom.md")
    target = _git(folder, "hash-object", "-w", "--stdin", text=str(canary_file))
    above = _git(folder, "hash-object", "-w", "--stdin", text="../../../../../../../../etc/passwd")
    hook = _tree(folder, f"100755 blob {blob}\tpre-commit\0")
    entries = [
        f"040000 tree {hook}\t..\0",
        f"100644 blob {blob}\tbom.md\0",
        f"120000 blob {target}\tfora.md\0",
        f"120000 blob {above}\tacima.md\0",
        f"160000 commit {'1' * 40}\tsubmodulo.md\0",
    ]
    approved = _tree(folder, "".join(entries))
    settings = _git(folder, "hash-object", "-w", "--stdin", text='[submodule "x"]\n\tpath=x\n\turl=ext::sh\n')
    root = _tree(folder, f"100644 blob {settings}\t.gitmodules\0", f"040000 tree {approved}\t{APPROVED}\0")
    commit = _git(folder, "commit-tree", root, "-m", "hostil")
    _git(folder, "update-ref", "refs/heads/main", commit)


def _tree(folder: Path, *entries: str) -> str:
    """Store a tree object as it is written, also one that ``git mktree`` refuses."""
    body = b""
    for entry in "".join(entries).rstrip("\0").split("\0"):
        head, name = entry.split("\t")
        mode, _, digest = head.split(" ")
        body += f"{mode.lstrip('0')} {name}\0".encode() + bytes.fromhex(digest)
    return _git(folder, "hash-object", "-t", "tree", "-w", "--stdin", "--literally", data=body)


def _git(folder: Path, *arguments: str, text: str = "", data: bytes = b"") -> str:
    who = {"GIT_AUTHOR_NAME": "A", "GIT_AUTHOR_EMAIL": "a@b", "GIT_AUTHOR_DATE": "1700000000 +0000"}
    who |= {name.replace("AUTHOR", "COMMITTER"): value for name, value in who.items()}
    done = subprocess.run(
        ["git", "-C", str(folder), *arguments],
        input=data or text.encode(),
        capture_output=True,
        check=True,
        env={**os.environ, **who},
    )
    return done.stdout.decode().strip()


if __name__ == "__main__":
    print(write_corpus(Path(sys.argv[1]), "http://127.0.0.1:9", Path("/etc/passwd"), scale=3))
