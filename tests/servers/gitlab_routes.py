"""The routes of GitLab's REST v4 that reading a repository needs, over :class:`GitRepository`."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode

from tests.servers.gitlab_access import Refused, Token, not_found
from tests.servers.gitlab_git import Entry, GitRepository, file_facts


@dataclass
class Project:
    """A project and how its server is set up."""

    number: int
    path: str
    repository: GitRepository
    visibility: str = "private"
    archived: bool = False
    lfs: dict[str, bytes] = field(default_factory=dict)  # sha256 -> object
    lfs_redirect: str = ""  # an address of object storage; the oid is appended
    keyset: bool = True  # False: an older server, which silently answers with numbered pages
    old_missing_folder: bool = False  # before 17.7 a missing folder is an empty answer
    diff_limit: int = 1000

    def shape(self, web: str) -> dict[str, Any]:
        branch = self.repository.default_branch()
        return {
            "id": self.number,
            "name": self.path.rpartition("/")[2],
            "path_with_namespace": self.path,
            "default_branch": branch,
            "empty_repo": branch is None,
            "web_url": f"{web}/{self.path}",
            "http_url_to_repo": f"{web}/{self.path}.git",
            "archived": self.archived,
            "visibility": self.visibility,
            "repository_object_format": self.repository.object_format(),
        }


@dataclass
class Answer:
    """What goes out: JSON if ``data`` is given, else ``body``."""

    data: Any = None
    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    content_type: str = "text/plain; charset=utf-8"

    def payload(self) -> tuple[bytes, str]:
        if self.data is not None:
            return json.dumps(self.data, ensure_ascii=False).encode(), "application/json"
        return self.body, self.content_type


@dataclass
class Request:
    """What came in: ``query`` holds the last value of each parameter; ``base`` is the API's own address."""

    segments: list[str]
    query: dict[str, str]
    base: str
    web: str
    token: Token | None = None


def route_of(rest: list[str]) -> str:
    """Return the name of a project's route, which decides who may use it; empty for an unknown one."""
    match rest:
        case []:
            return "project"
        case ["repository", "tree"]:
            return "tree"
        case ["repository", "blobs", _] | ["repository", "blobs", _, "raw"]:
            return "blob"
        case ["repository", "files", _]:
            return "file"
        case ["repository", "files", _, "raw"]:
            return "raw"
        case ["repository", "commits"]:
            return "commits"
        case ["repository", "commits", _]:
            return "commit"
        case ["repository", "branches" | "tags"]:
            return rest[1]
        case ["repository", "branches" | "tags", _]:
            return "branch" if rest[1] == "branches" else "tag"
        case ["repository", "compare"]:
            return "compare"
    return ""


def answer(project: Project, route: str, rest: list[str], request: Request) -> Answer:
    """Answer a request to a project.

    Raises:
        Refused: with GitLab's status and body.
    """
    match route:
        case "project":
            return Answer(project.shape(request.web))
        case "tree":
            return _tree(project, request)
        case "blob":
            return _blob(project, rest)
        case "file" | "raw":
            return _file(project, rest[2], route, request)
        case "commits":
            return _commits(project, request)
        case "commit":
            commit = project.repository.resolve(rest[2])
            if not commit:
                raise not_found("Commit")
            return Answer(project.repository.commit(commit))
        case "branches" | "tags":
            names = project.repository.refs("heads" if route == "branches" else "tags")
            return _page([_ref(project, name, route) for name in names], request, total=True)
        case "branch" | "tag":
            kind = "heads" if route == "branch" else "tags"
            if rest[2] not in project.repository.refs(kind):
                raise not_found(route.capitalize())
            return Answer(_ref(project, rest[2], route))
    return _compare(project, request)


def _ref(project: Project, name: str, route: str) -> dict[str, Any]:
    kind = "heads" if route.startswith("branch") else "tags"
    commit = project.repository.resolve(f"refs/{kind}/{name}")
    shape = {"name": name, "protected": kind == "heads", "commit": project.repository.commit(commit)}
    default = name == project.repository.default_branch()
    return shape | (
        {"default": default, "merged": False} if kind == "heads" else {"message": "", "target": commit}
    )


def _tree(project: Project, request: Request) -> Answer:
    repository, query = project.repository, request.query
    recursive = query.get("recursive", "").lower() in {"true", "1"}
    if query.get("pagination") == "none" and not recursive:
        raise Refused(400, {"error": "pagination=none is only supported with recursive=true"})
    commit = repository.resolve(query.get("ref") or repository.default_branch() or "HEAD")
    if not commit:
        raise not_found("Tree")
    entries = repository.tree(commit, query.get("path", ""), recursive)
    if entries is None and project.old_missing_folder:
        entries = []
    if entries is None:
        raise not_found("invalid revision or path")
    if query.get("pagination") == "none":
        return Answer([entry.shape() for entry in entries])
    if query.get("pagination") == "keyset" and project.keyset:
        return _keyset(entries, request)
    return _page([entry.shape() for entry in entries], request, total=True, eager=True)


def _keyset(entries: list[Entry], request: Request) -> Answer:
    start, size = 0, _per_page(request)
    if token := request.query.get("page_token"):
        try:
            after = json.loads(base64.b64decode(token))["file_name"]
            start = next(at for at, entry in enumerate(entries) if entry.path == after) + 1
        except (ValueError, KeyError, StopIteration):
            raise Refused(400, {"error": "page_token is invalid"}) from None
    page = entries[start : start + size]
    headers = {}
    if start + size < len(entries):
        token = base64.b64encode(json.dumps({"file_name": page[-1].path}).encode()).decode()
        headers["Link"] = f'<{_link(request, page_token=token)}>; rel="next"'
    return Answer([entry.shape() for entry in page], headers=headers)


def _page(items: list[Any], request: Request, *, total: bool, eager: bool = False) -> Answer:
    """Return a numbered page; ``eager``: the first one announces a second one whatever there is."""
    size = _per_page(request)
    try:
        page = int(request.query.get("page", "1"))
    except ValueError:
        raise Refused(400, {"error": "page is invalid"}) from None
    more = page * size < len(items) or (eager and page == 1)
    next_page = str(page + 1) if more else ""
    headers = {"X-Page": str(page), "X-Per-Page": str(size), "X-Next-Page": next_page}
    headers["X-Prev-Page"] = str(page - 1) if page > 1 else ""
    links = [("first", 1)] + ([("next", page + 1)] if more else [])
    if total and (len(items) < 10_000 or (eager and page == 1)):
        pages = max(1, -(-len(items) // size))
        headers |= {"X-Total": str(len(items)), "X-Total-Pages": str(pages)}
        links.append(("last", pages))
    headers["Link"] = ", ".join(f'<{_link(request, page=number)}>; rel="{rel}"' for rel, number in links)
    return Answer(items[(page - 1) * size : page * size], headers=headers)


def _per_page(request: Request) -> int:
    return min(int(request.query.get("per_page", "20")), 100)


def _link(request: Request, **changed: Any) -> str:
    query = {name: value for name, value in request.query.items() if name not in {"page", "page_token"}}
    path = "/".join(quote(segment, safe="") for segment in request.segments)
    return f"{request.base}/{path}?{urlencode(query | changed)}"


def _blob(project: Project, rest: list[str]) -> Answer:
    data = project.repository.blob(rest[2])
    if data is None:
        raise not_found("Blob")
    if rest[-1] == "raw":
        return Answer(body=data, headers={"Content-Disposition": "inline"})
    content = base64.b64encode(data).decode()
    return Answer({"size": len(data), "encoding": "base64", "content": content, "sha": rest[2]})


def _file(project: Project, path: str, route: str, request: Request) -> Answer:
    ref = request.query.get("ref") or (project.repository.default_branch() if route == "raw" else "")
    if not ref:
        raise Refused(400, {"error": "ref is missing, ref is empty"})
    if ".." in path.split("/"):
        raise Refused(400, {"error": "file_path should be a valid file path"})
    commit = project.repository.resolve(ref)
    if not commit:
        raise not_found("Commit")
    entry = project.repository.entry(commit, path)
    data = project.repository.blob(entry.identity) if entry and entry.kind == "blob" else None
    if entry is None or data is None:
        raise not_found("File")
    facts = file_facts(project.repository, commit, ref, entry, data)
    headers = {
        "X-Gitlab-" + "-".join(part.capitalize() for part in name.split("_")): _header(value)
        for name, value in facts.items()
    }
    if route == "file":
        return Answer({**facts, "content": base64.b64encode(data).decode()}, headers=headers)
    if request.query.get("lfs", "").lower() in {"true", "1"} and data.startswith(b"version https://git-lfs"):
        oid = data.split(b"oid sha256:")[1][:64].decode()
        if project.lfs_redirect:
            return Answer(
                status=302, headers={"Location": f"{project.lfs_redirect}/{oid}?X-Amz-Signature=s3cr3t"}
            )
        if oid not in project.lfs:
            raise not_found("File")
        return Answer(body=project.lfs[oid], headers=headers, content_type="application/octet-stream")
    return Answer(body=data, headers=headers)


def _header(value: Any) -> str:
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return text.encode().decode("latin-1")  # raw UTF-8, as workhorse sends it


def _commits(project: Project, request: Request) -> Answer:
    query, repository = request.query, project.repository
    range_ = query.get("ref_name") or repository.default_branch() or ""
    ends = [repository.resolve(end) for end in range_.split("..")]
    if not all(ends):
        return _page([], request, total=False)  # an unknown branch is an empty answer
    options = [f"--{name}={query[name]}" for name in ("since", "until") if query.get(name)]
    options += ["--first-parent"] if query.get("first_parent", "").lower() == "true" else []
    options += ["--topo-order"] if query.get("order") == "topo" else []
    commits = repository.commits("..".join(ends), query.get("path", ""), tuple(options))
    return _page(commits, request, total=False)


def _compare(project: Project, request: Request) -> Answer:
    query, repository = request.query, project.repository
    for name in ("from", "to"):
        if not query.get(name):
            raise Refused(400, {"error": f"{name} is missing"})
    start, end = repository.resolve(query["from"]), repository.resolve(query["to"])
    if not start or not end:
        raise not_found("Ref")
    straight = query.get("straight", "").lower() in {"true", "1"}
    diffs = repository.diffs(f"{start}..{end}" if straight else f"{start}...{end}")
    commits = repository.commits(f"{start}..{end}")
    return Answer(
        {
            "commit": commits[0] if commits else None,
            "commits": commits[::-1],
            "diffs": diffs[: project.diff_limit],
            "compare_timeout": len(diffs) > project.diff_limit,
            "compare_same_ref": start == end,
            "web_url": f"{request.web}/{project.path}/-/compare/{start}...{end}",
        }
    )
