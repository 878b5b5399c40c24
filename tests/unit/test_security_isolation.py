"""Promises of conversion: no document reaches the network, starts a program, or explodes."""

from __future__ import annotations

import io
import os
import socket
import subprocess
import sys
import threading
import urllib.request
import zipfile
from pathlib import Path

import pytest

from stagekit import DocumentRejected
from stagekit.processing.content_type import detect_format
from stagekit.processing.isolation import isolated, with_network
from stagekit.processing.ocr.orientation import upright_pdf
from stagekit.processing.office import archive_limits
from stagekit.processing.pdf.file import inspect_pdf
from stagekit.processing.process import process_document
from stagekit.processing.settings import ProcessingSettings
from tests.hostile.images import image_files
from tests.hostile.office import office_files
from tests.hostile.pdfs import pdf_files, small_pdf
from tests.own_process import in_own_process

URL = "http://127.0.0.1:9"
OFFICE = office_files(URL, "/etc/passwd", 1)
PDFS = pdf_files(URL, 1)
IMAGES = image_files(1)


def connect(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=5):
        pass


@in_own_process
def test_connections_are_refused_in_every_thread_and_only_inside(tmp_path: Path) -> None:
    found: list[str] = []

    def attempt(port: int) -> None:
        try:
            connect(port)
        except PermissionError as error:
            found.append(str(error))

    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with isolated():
            thread = threading.Thread(target=attempt, args=(port,))
            thread.start()
            thread.join()
            with pytest.raises(OSError, match="must not reach the network"):
                urllib.request.urlopen(f"http://localhost:{port}", timeout=5)
            with socket.socket(type=socket.SOCK_DGRAM) as udp, pytest.raises(PermissionError):
                udp.sendto(b"x", ("127.0.0.1", port))
            with with_network():
                connect(port)
        connect(port)
    assert found == ["A document must not reach the network (socket.getaddrinfo)."]


@in_own_process
def test_sockets_of_this_machine_still_work(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server, socket.socket(socket.AF_UNIX) as client, isolated():
        server.bind(str(tmp_path / "s"))
        server.listen()
        client.connect(str(tmp_path / "s"))


@in_own_process
def test_programs_are_refused_but_for_the_one_that_reads_scans(tmp_path: Path) -> None:
    tesseract = tmp_path / "tesseract"
    tesseract.write_text("#!/bin/sh\nexit 7\n")
    tesseract.chmod(0o700)
    with isolated():
        with pytest.raises(PermissionError, match="start a program"):
            subprocess.run(["soffice", "--headless"], check=False)
        with pytest.raises(PermissionError, match="start a program"):
            subprocess.run("soffice --headless", shell=True, check=False)
        with pytest.raises(PermissionError, match="os.system"):
            os.system("true")
        assert subprocess.run([str(tesseract)], check=False).returncode == 7
    assert subprocess.run([sys.executable, "-c", ""], check=False).returncode == 0


@pytest.mark.parametrize(
    ("name", "category", "said"),
    [
        ("bomba-sobreposta.docx", "too_large", "far more than documents do"),
        ("membros.docx", "too_large", "20,000 parts"),
        ("risadas.docx", "corrupt", "declares entities"),
        ("entidade-local.docx", "corrupt", "declares entities"),
        ("propriedades-com-entidade.docx", "corrupt", "declares entities"),
        ("duas-vezes.docx", "corrupt", "same name"),
    ],
)
def test_a_package_made_to_explode_is_refused_before_it_is_unpacked(
    name: str, category: str, said: str
) -> None:
    with pytest.raises(DocumentRejected, match=said) as verdict:
        detect_format(OFFICE[name], name)
    assert verdict.value.category == category


def test_parts_that_share_bytes_are_refused_however_small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive_limits, "MAX_UNPACKED_BYTES", 1 << 40)
    monkeypatch.setattr(archive_limits, "FREE_BYTES", 1 << 40)
    with pytest.raises(DocumentRejected, match="share the same bytes"):
        detect_format(OFFICE["bomba-sobreposta.docx"], "x.docx")


def test_a_package_of_implausible_repetition_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive_limits, "FREE_BYTES", 1000)
    with pytest.raises(DocumentRejected, match="far more than documents do"):
        detect_format(OFFICE["bomba.docx"], "x.docx")


def test_xml_that_never_comes_to_its_point_is_refused() -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        late = b"<?xml version='1.0'?><!--" + b"x" * 70_000 + b"--><!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>"
        archive.writestr("word/document.xml", late)
    with pytest.raises(DocumentRejected, match="declares entities"):
        detect_format(stream.getvalue(), "x.docx")


@pytest.mark.parametrize("name", ["macro.docx", "travessia.docx", "externo-image.docx", "objeto-remoto.odt"])
def test_what_is_only_suspicious_is_still_a_document(name: str) -> None:
    assert detect_format(OFFICE[name], name) == name.rpartition(".")[2]


def test_pages_of_kilometres_are_refused_and_posters_are_not() -> None:
    with pytest.raises(DocumentRejected, match="Page 1 measures 5,080 x 5,080 mm") as verdict:
        inspect_pdf(PDFS["pagina-larga.pdf"], 10)
    assert verdict.value.category == "too_large"
    poster = PDFS["acao-launch.pdf"].replace(b"[0 0 595 842]", b"[0 0 999 842]")
    assert len(inspect_pdf(poster, 10).page_texts) == 1


def test_a_page_tree_without_pages_is_refused_and_one_with_gaps_is_read() -> None:
    with pytest.raises(DocumentRejected) as verdict:
        inspect_pdf(small_pdf(kids=b"[99 0 R]"), 10)
    assert verdict.value.category == "corrupt"
    gap = small_pdf(kids=b"[3 0 R 99 0 R]", count=2)
    first, second = inspect_pdf(gap, 10).page_texts
    assert first.startswith("Texto comum")
    assert second == ""
    assert upright_pdf(gap, [1]) == gap


def test_a_strip_that_ocr_would_enlarge_to_gigabytes_is_refused() -> None:
    with pytest.raises(DocumentRejected, match="strip of 60000 x 1 pixels"):
        process_document(None, IMAGES["fita.png"], "fita.png", ProcessingSettings())  # type: ignore[arg-type]
