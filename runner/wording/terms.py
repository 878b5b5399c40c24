"""The words of records: statuses, modes, causes, units and figures, which are stored as codes."""

from __future__ import annotations

from typing import Final

from runner.wording.catalogue import N_, _, ngettext
from runner.wording.forms import number

_WORDS: Final = (
    # statuses of runs, stages and documents
    N_("success"), N_("partial"), N_("failed"), N_("cancelled"), N_("interrupted"), N_("running"),
    N_("pending"), N_("skipped"), N_("carried over"), N_("ok"), N_("rejected"), N_("stale"), N_("ignored"),
    N_("unchanged"), N_("deleted"), N_("upserted"), N_("warning"), N_("unknown"), N_("none"),
    # modes of a run, and what a run does with a stage
    N_("full"), N_("incremental"), N_("resume"), N_("test"), N_("rerun"), N_("full (resumed)"),
    N_("test (resumed)"), N_("incremental (resumed)"), N_("rerun (resumed)"), N_("execute"), N_("carry over"),
    # causes
    N_("blank"), N_("corrupt"), N_("empty"), N_("encrypted"), N_("front matter"), N_("lfs pointer"),
    N_("office lock"), N_("too complex"), N_("too large"), N_("too many pages"), N_("timed out"),
    N_("too much memory"), N_("unsupported"), N_("crashed"),
    # units, and series of plots
    N_("document"), N_("documents"), N_("chunks"), N_("tokens"), N_("points"), N_("pages"), N_("page"),
    N_("vectors"), N_("payloads"), N_("confidence"), N_("seconds"), N_("text layer"), N_("chunk"),
    N_("vector"), N_("payload"), N_("point"), N_("text"),
    # figures
    N_("documents ok"), N_("documents failed"), N_("files"), N_("considered"), N_("pages reconverted"),
    N_("low quality documents"), N_("full chunks share"), N_("embedding model"), N_("vectors made"),
    N_("vectors reused"), N_("vector dimension"), N_("warnings"), N_("metadata completeness"),
    N_("points sampled"), N_("collection"), N_("documents deleted"), N_("peak memory, MB"), N_("total"),
    N_("language"), N_("mode"), N_("worst page"),
    # the surroundings of a run
    N_("branch"), N_("commit"), N_("folder"), N_("repository"), N_("project"), N_("machine"), N_("memory"),
    N_("system"),
    # headings of tables, and fields of documents
    N_("stage"), N_("status"), N_("why"), N_("what to do"), N_("file"), N_("run"), N_("started (UTC)"),
    N_("took"), N_("stages executed"), N_("do"), N_("because"), N_("setting"), N_("value"), N_("from"),
    N_("what it does"), N_("figure"), N_("before"), N_("after"), N_("peak MB"), N_("check"), N_("found"),
    N_("since"), N_("by"), N_("in the collection"), N_("what"), N_("count"), N_("group"), N_("name"),
    N_("then"), N_("now"), N_("missing"), N_("altered"), N_("superfluous"), N_("source"), N_("kind"),
    N_("code"), N_("libraries"), N_("configuration"), N_("models"), N_("embedding"), N_("store"),
    N_("category"), N_("message"), N_("remedy"), N_("processed"), N_("chunked"), N_("described"),
    N_("stored"), N_("declared status"), N_("author"), N_("created"), N_("modified"), N_("size bytes"),
    N_("repository commit"), N_("title"), N_("file format"), N_("quality verdict"), N_("text coverage"),
    N_("ocr confidence"), N_("watermark"), N_("produced at"), N_("chunk count"), N_("token count"),
    N_("document status"), N_("document type"), N_("is latest"), N_("approved"), N_("published"),
    N_("review"), N_("draft"), N_("archived"), N_("ahead of"), N_("behind"), N_("repository url"),
    N_("repository branch"), N_("source id"), N_("python"), N_("platform"), N_("default"), N_("command line"),
    N_("environment"), N_("the run's record"), N_("done"), N_("in work"), N_("alias"), N_("fingerprint"),
    N_("state"), N_("age"), N_("model"),
    # kinds of documents, and checks of doctor
    N_("policy"), N_("procedure"), N_("guideline"), N_("manual"), N_("report"), N_("presentation"),
    N_("form"), N_("other"), N_("outputs"), N_("disk"), N_("records"), N_("checkpoints"), N_("permissions"),
    N_("clock"), N_("versions"), N_("layout model"), N_("OCR models"), N_("store clock"), N_("store key"),
    N_("store writing"), N_("artifact store"), N_("cluster"), N_("GitLab server"), N_("GitLab token"),
    N_("GitLab project"), N_("GitLab branch"),
)  # fmt: skip
_TERMS: Final = {word: word for word in _WORDS} | {
    "gitlab": N_("GitLab"),
    "documents with ocr": N_("documents with OCR"),
}

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
