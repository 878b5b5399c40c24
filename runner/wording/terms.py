"""The words of records: statuses, modes, causes, units and figures, which are stored as codes."""

from __future__ import annotations

from typing import Final

from runner.wording.catalogue import N_, _, ngettext
from runner.wording.forms import number

_TERMS: Final = {
    # statuses of runs, stages and documents
    "success": N_("success"), "partial": N_("partial"), "failed": N_("failed"), "cancelled": N_("cancelled"),
    "interrupted": N_("interrupted"), "running": N_("running"), "pending": N_("pending"),
    "skipped": N_("skipped"), "carried over": N_("carried over"), "ok": N_("ok"), "rejected": N_("rejected"),
    "stale": N_("stale"), "ignored": N_("ignored"), "unchanged": N_("unchanged"), "deleted": N_("deleted"),
    "upserted": N_("upserted"), "warning": N_("warning"), "unknown": N_("unknown"), "none": N_("none"),
    # modes of a run, and what a run does with a stage
    "full": N_("full"), "incremental": N_("incremental"), "resume": N_("resume"), "test": N_("test"),
    "rerun": N_("rerun"), "full (resumed)": N_("full (resumed)"), "test (resumed)": N_("test (resumed)"),
    "incremental (resumed)": N_("incremental (resumed)"), "rerun (resumed)": N_("rerun (resumed)"),
    "execute": N_("execute"), "carry over": N_("carry over"),
    # causes
    "blank": N_("blank"), "corrupt": N_("corrupt"), "empty": N_("empty"), "encrypted": N_("encrypted"),
    "front matter": N_("front matter"), "lfs pointer": N_("lfs pointer"), "office lock": N_("office lock"),
    "too complex": N_("too complex"), "too large": N_("too large"), "too many pages": N_("too many pages"),
    "timed out": N_("timed out"), "too much memory": N_("too much memory"), "unsupported": N_("unsupported"),
    "crashed": N_("crashed"),
    # units, and series of plots
    "document": N_("document"), "documents": N_("documents"), "chunks": N_("chunks"), "tokens": N_("tokens"),
    "points": N_("points"), "pages": N_("pages"), "page": N_("page"), "vectors": N_("vectors"),
    "payloads": N_("payloads"), "confidence": N_("confidence"), "seconds": N_("seconds"),
    "text layer": N_("text layer"), "chunk": N_("chunk"), "vector": N_("vector"),
    "payload": N_("payload"), "point": N_("point"), "text": N_("text"),
    # figures
    "documents ok": N_("documents ok"), "documents failed": N_("documents failed"),
    "files": N_("files"), "considered": N_("considered"), "gitlab": N_("GitLab"),
    "documents with ocr": N_("documents with OCR"), "pages reconverted": N_("pages reconverted"),
    "low quality documents": N_("low quality documents"), "full chunks share": N_("full chunks share"),
    "embedding model": N_("embedding model"), "vectors made": N_("vectors made"),
    "vectors reused": N_("vectors reused"), "vector dimension": N_("vector dimension"),
    "warnings": N_("warnings"), "metadata completeness": N_("metadata completeness"),
    "points sampled": N_("points sampled"), "collection": N_("collection"),
    "documents deleted": N_("documents deleted"), "peak memory, MB": N_("peak memory, MB"),
    "total": N_("total"), "language": N_("language"), "mode": N_("mode"), "worst page": N_("worst page"),
    # the surroundings of a run
    "branch": N_("branch"), "commit": N_("commit"), "folder": N_("folder"), "repository": N_("repository"),
    "project": N_("project"), "machine": N_("machine"), "memory": N_("memory"), "system": N_("system"),
    # headings of tables, and fields of documents
    "stage": N_("stage"), "status": N_("status"), "why": N_("why"), "what to do": N_("what to do"),
    "file": N_("file"), "run": N_("run"), "started (UTC)": N_("started (UTC)"), "took": N_("took"),
    "stages executed": N_("stages executed"), "do": N_("do"), "because": N_("because"),
    "setting": N_("setting"), "value": N_("value"), "from": N_("from"), "what it does": N_("what it does"),
    "figure": N_("figure"), "before": N_("before"), "after": N_("after"), "peak MB": N_("peak MB"),
    "check": N_("check"), "found": N_("found"), "since": N_("since"), "by": N_("by"),
    "in the collection": N_("in the collection"), "what": N_("what"), "count": N_("count"),
    "group": N_("group"), "name": N_("name"), "then": N_("then"), "now": N_("now"),
    "missing": N_("missing"), "altered": N_("altered"), "superfluous": N_("superfluous"),
    "source": N_("source"), "kind": N_("kind"), "code": N_("code"), "libraries": N_("libraries"),
    "configuration": N_("configuration"), "models": N_("models"), "embedding": N_("embedding"),
    "store": N_("store"), "category": N_("category"), "message": N_("message"), "remedy": N_("remedy"),
    "processed": N_("processed"), "chunked": N_("chunked"), "described": N_("described"),
    "stored": N_("stored"), "declared status": N_("declared status"), "author": N_("author"),
    "created": N_("created"), "modified": N_("modified"), "size bytes": N_("size bytes"),
    "repository commit": N_("repository commit"), "title": N_("title"), "file format": N_("file format"),
    "quality verdict": N_("quality verdict"), "text coverage": N_("text coverage"),
    "ocr confidence": N_("ocr confidence"), "watermark": N_("watermark"), "produced at": N_("produced at"),
    "chunk count": N_("chunk count"), "token count": N_("token count"),
    "document status": N_("document status"), "document type": N_("document type"),
    "is latest": N_("is latest"), "approved": N_("approved"), "published": N_("published"),
    "review": N_("review"), "draft": N_("draft"), "archived": N_("archived"),
    "ahead of": N_("ahead of"), "behind": N_("behind"),
    "repository url": N_("repository url"), "repository branch": N_("repository branch"),
    "source id": N_("source id"), "python": N_("python"), "platform": N_("platform"),
    "default": N_("default"), "command line": N_("command line"), "environment": N_("environment"),
    "the run's record": N_("the run's record"), "done": N_("done"),
    "in work": N_("in work"), "alias": N_("alias"), "fingerprint": N_("fingerprint"),
    "state": N_("state"), "age": N_("age"), "model": N_("model"),
    # kinds of documents, and checks of doctor
    "policy": N_("policy"), "procedure": N_("procedure"), "guideline": N_("guideline"),
    "manual": N_("manual"), "report": N_("report"), "presentation": N_("presentation"), "form": N_("form"),
    "other": N_("other"), "outputs": N_("outputs"), "disk": N_("disk"), "records": N_("records"),
    "checkpoints": N_("checkpoints"), "permissions": N_("permissions"), "clock": N_("clock"),
    "versions": N_("versions"),
    "layout model": N_("layout model"), "OCR models": N_("OCR models"), "store clock": N_("store clock"),
    "store key": N_("store key"), "store writing": N_("store writing"),
    "artifact store": N_("artifact store"), "cluster": N_("cluster"), "GitLab server": N_("GitLab server"),
    "GitLab token": N_("GitLab token"), "GitLab project": N_("GitLab project"),
    "GitLab branch": N_("GitLab branch"),
}  # fmt: skip

_PARAMETER = "parameter "


def term(word: str) -> str:
    """Return a word of a record in the language of the moment; what is no such word, as it is."""
    known = _TERMS.get(str(word))
    return str(word) if known is None else _(known)


def figure_words(figure: str) -> str:
    """Return the name of a figure that differs, ``stage: figure``, in the language of the moment."""
    stage, sign, name = figure.rpartition(": ")
    if name.startswith(_PARAMETER):
        return f"{stage}{sign}{_('parameter {name}', name=name.removeprefix(_PARAMETER))}"
    return f"{stage}{sign}{term(name.replace('_', ' '))}"


def origin_words(origin: str) -> str:
    """Return where a setting's value comes from: a word of records, or a profile by its name."""
    kind, _sign, name = origin.partition(" ")
    return _("profile {name}", name=name) if kind == "profile" else term(origin)


def counted(kind: str, count: int) -> str:
    """Return how many there are of a kind, as ``2 rejected``; a kind that is not known is named as it is."""
    several = {
        "ok": ngettext("{count} ok", "{count} ok", count),
        "rejected": ngettext("{count} rejected", "{count} rejected", count),
        "failed": ngettext("{count} failed", "{count} failed", count),
        "stale": ngettext("{count} stale", "{count} stale", count),
        "ignored": ngettext("{count} ignored", "{count} ignored", count),
        "unchanged": ngettext("{count} unchanged", "{count} unchanged", count),
        "deleted": ngettext("{count} deleted", "{count} deleted", count),
        "read": ngettext("{count} read", "{count} read", count),
        "missing": ngettext("{count} missing", "{count} missing", count),
        "altered": ngettext("{count} altered", "{count} altered", count),
        "superfluous": ngettext("{count} superfluous", "{count} superfluous", count),
        "points upserted": ngettext("{count} point upserted", "{count} points upserted", count),
        "points deleted": ngettext("{count} point deleted", "{count} points deleted", count),
    }
    return several.get(kind, f"{{count}} {kind}").format(count=number(count))
