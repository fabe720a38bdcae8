"""A small Hub over real HTTP: what huggingface_hub's client asks for models, without Xet.

Written from the client's requests and the Git LFS batch API. Repositories are in memory. Large files come
from a second name of the same host, as the Hub's from a content delivery network: no token must go there.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit

import yaml

LARGE = (".safetensors", ".png")
LICENCES = {"mit", "apache-2.0", "cc-by-4.0", "other", "unknown"}  # some of those that the Hub knows
PIPELINES = {"text-to-image", "image-classification"}


@dataclass(frozen=True)
class Blob:
    content: bytes
    large: bool = False

    @property
    def git(self) -> str:
        return hashlib.sha1(b"blob %d\0" % len(self.content) + self.content).hexdigest()

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.content).hexdigest()

    @property
    def etag(self) -> str:
        return self.sha256 if self.large else self.git


@dataclass
class Repository:
    private: bool = False
    gated: bool = False
    commits: dict[str, dict[str, Blob]] = field(default_factory=dict)  # by hash, oldest first
    refs: dict[str, str] = field(default_factory=dict)

    def commit(self, files: dict[str, Blob], branch: str = "main") -> str:
        sha = hashlib.sha1(repr((len(self.commits), sorted((n, b.git) for n, b in files.items()))).encode())
        self.commits[sha.hexdigest()] = files
        self.refs[branch] = sha.hexdigest()
        return sha.hexdigest()

    def at(self, revision: str) -> str | None:
        return revision if revision in self.commits else self.refs.get(revision)


@dataclass
class Fault:
    """What happens to the next requests instead: an HTTP status, or the body is cut after some bytes."""

    method: str
    path: str  # a regular expression
    status: int = 0
    cut: int = 0
    times: int = 1


@dataclass(frozen=True)
class Asked:
    method: str
    path: str
    token: str | None
    range: str | None
    host: str


class Hub:
    """The server. `tokens`: the names that each may write for; `asked`: all requests, in order."""

    def __init__(self) -> None:
        self.repositories: dict[str, Repository] = {}
        self.large: dict[str, bytes] = {}
        self.tokens: dict[str, set[str]] = {"hf_ada": {"ada"}, "hf_reader": set()}
        self.faults: list[Fault] = []
        self.asked: list[Asked] = []
        self.lock = threading.RLock()
        handler = type("OfThisHub", (Handler,), {"hub": self})
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.server.daemon_threads = True
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True)
        self.thread.start()

    @property
    def port(self) -> int:
        return self.server.server_address[1]

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()

    def put(
        self, name: str, files: dict[str, bytes], *, private: bool = False, gated: bool = False
    ) -> Repository:
        """A repository that somebody else pushed."""
        repository = self.repositories.setdefault(name, Repository(private, gated))
        blobs = {path: Blob(content, path.endswith(LARGE)) for path, content in files.items()}
        self.large |= {blob.sha256: blob.content for blob in blobs.values() if blob.large}
        repository.commit(blobs)
        return repository

    def files(self, name: str, revision: str = "main") -> dict[str, bytes]:
        repository = self.repositories[name]
        return {
            path: blob.content for path, blob in repository.commits[repository.at(revision) or ""].items()
        }

    def fault(self, method: str, path: str) -> Fault | None:
        with self.lock:
            for fault in self.faults:
                if fault.times and fault.method == method and re.search(fault.path, path):
                    fault.times -= 1
                    return fault
        return None


class Answer(Exception):  # noqa: N818 - most are no errors
    """Ends a request."""

    def __init__(self, status: int, body: object = b"", **headers: str) -> None:
        self.status, self.headers = status, {name.replace("_", "-"): value for name, value in headers.items()}
        self.body = body if isinstance(body, bytes) else json.dumps(body).encode()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    hub: Hub

    def log_message(self, format: str, *args: object) -> None:
        pass

    def do_GET(self) -> None:
        self._handle()

    do_HEAD = do_POST = do_PUT = do_GET  # noqa: N815

    def _handle(self) -> None:
        url = urlsplit(self.path)
        # A name stays quoted until it is alone: a revision may hold a slash.
        self.query = parse_qs(url.query)
        self.body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        token = (self.headers.get("Authorization") or "").removeprefix("Bearer ") or None
        host = (self.headers.get("Host") or "").partition(":")[0]
        self.token = token
        with self.hub.lock:
            self.hub.asked.append(
                Asked(self.command, unquote(url.path), token, self.headers.get("Range"), host)
            )
        fault = self.hub.fault(self.command, unquote(url.path))
        try:
            if fault is not None and fault.status:
                raise Answer(fault.status, {"error": "on demand"}, Retry_After="0")
            for method, pattern, action in ROUTES:
                found = re.fullmatch(pattern, url.path)
                if found and self.command in method.split():
                    action(self, *(unquote(part) for part in found.groups()))
            raise Answer(404, {"error": f"no such page: {self.path}"})
        except Answer as answer:
            self._send(answer, fault.cut if fault is not None else 0)

    def _send(self, answer: Answer, cut: int) -> None:
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        if "Content-Length" not in answer.headers:
            self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        if self.command == "HEAD":
            return
        if cut:
            self.wfile.write(answer.body[:cut])
            self.wfile.flush()
            self.connection.shutdown(2)
            self.close_connection = True
            return
        self.wfile.write(answer.body)

    # What may be seen and done

    def repository(self, name: str) -> Repository:
        if self.token is not None and self.token not in self.hub.tokens:
            raise Answer(401, {"error": "x"}, X_Error_Message="Invalid credentials in Authorization header")
        found = self.hub.repositories.get(name)
        owner = name.partition("/")[0]
        hidden = found is None or (found.private and owner not in self.hub.tokens.get(self.token or "", ()))
        if found is None or hidden:
            raise Answer(
                404 if self.token else 401, {"error": "Repository not found"}, X_Error_Code="RepoNotFound"
            )
        if found.gated and owner not in self.hub.tokens.get(self.token or "", ()):
            raise Answer(403, {"error": "gated"}, X_Error_Code="GatedRepo")
        return found

    def writable(self, name: str) -> None:
        if self.token is None or self.token not in self.hub.tokens:
            raise Answer(401, {"error": "Invalid username or password."})
        if name.partition("/")[0] not in self.hub.tokens[self.token]:
            raise Answer(
                403, {"error": "no right"}, X_Error_Message="You don't have the rights to write here"
            )

    def revision(self, repository: Repository, revision: str) -> str:
        sha = repository.at(revision)
        if sha is None:
            raise Answer(404, {"error": "Invalid rev id"}, X_Error_Code="RevisionNotFound")
        return sha

    # Pages

    def create(self) -> None:
        asked = json.loads(self.body)
        name = f"{asked['organization']}/{asked['name']}"
        self.writable(name)
        url = {"url": f"{self.hub.endpoint}/{name}", "name": name}
        if name in self.hub.repositories:
            raise Answer(409, url | {"error": "You already created this model repo"})
        repository = Repository(asked.get("visibility") == "private" or bool(asked.get("private")))
        repository.commit({".gitattributes": Blob(b"*.safetensors filter=lfs\n")})
        self.hub.repositories[name] = repository
        raise Answer(200, url)

    def validate(self) -> None:
        """What the Hub refuses in a card's metadata, of what we write."""
        text = json.loads(self.body)["content"]
        found = re.match(r"---\n(.*?)\n---\n", text, re.DOTALL)
        data = yaml.safe_load(found[1]) if found else {}
        errors = []
        if data.get("license") not in LICENCES:
            errors.append(f"license: {data.get('license')}")
        if data.get("pipeline_tag", "text-to-image") not in PIPELINES:
            errors.append(f"pipeline_tag: {data['pipeline_tag']}")
        for model in data.get("model-index", ()):
            for result in model["results"]:
                if not {"task", "dataset", "metrics"} <= result.keys():
                    errors.append(f"model-index: {result}")
                if any(not isinstance(metric["value"], int | float) for metric in result["metrics"]):
                    errors.append(f"model-index: {result['metrics']}")
        answer = {"errors": [{"message": error} for error in errors], "warnings": []}
        raise Answer(400 if errors else 200, answer)

    def info(self, name: str, revision: str = "main") -> None:
        repository = self.repository(name)
        sha = self.revision(repository, revision)
        siblings = [{"rfilename": path} for path in repository.commits[sha]]
        facts = {"id": name, "modelId": name, "sha": sha, "private": repository.private, "siblings": siblings}
        raise Answer(200, facts | {"tags": [], "downloads": 0, "likes": 0})

    def refs(self, name: str) -> None:
        found = self.repository(name).refs
        rows = {
            kind: [
                {"name": ref, "ref": f"refs/{kind}/{ref}", "targetCommit": sha}
                for ref, sha in found.items()
                if (kind == "branches") == (ref == "main")
            ]
            for kind in ("branches", "tags")
        }
        raise Answer(200, rows | {"converts": []})

    def tree(self, name: str, revision: str) -> None:
        repository = self.repository(name)
        rows = []
        for path, blob in repository.commits[self.revision(repository, revision)].items():
            row = {"type": "file", "path": path, "size": len(blob.content), "oid": blob.git}
            if blob.large:
                row["lfs"] = {"oid": blob.sha256, "size": len(blob.content), "pointerSize": 130}
            rows.append(row)
        raise Answer(200, rows)

    def preupload(self, name: str, revision: str) -> None:
        self.writable(name)
        repository = self.repository(name)
        held = repository.commits[self.revision(repository, revision)]
        rows = []
        for file in json.loads(self.body)["files"]:
            path = file["path"]
            large = path.endswith(LARGE)
            row = {"path": path, "uploadMode": "lfs" if large else "regular", "shouldIgnore": False}
            rows.append(row | ({"oid": held[path].etag} if path in held else {}))
        raise Answer(200, {"files": rows})

    def batch(self, name: str) -> None:
        self.writable(name)
        objects = []
        for asked in json.loads(self.body)["objects"]:
            actions = {"upload": {"href": f"{self.hub.endpoint}/lfs/{asked['oid']}"}}
            here = asked["oid"] in self.hub.large
            objects.append(asked if here else asked | {"actions": actions})
        raise Answer(200, {"transfer": "basic", "objects": objects})

    def upload(self, oid: str) -> None:
        if hashlib.sha256(self.body).hexdigest() != oid:
            raise Answer(400, {"error": "not the file that was announced"})
        self.hub.large[oid] = self.body
        raise Answer(200)

    def commit(self, name: str, branch: str) -> None:
        self.writable(name)
        repository = self.repository(name)
        with self.hub.lock:
            head = self.revision(repository, branch)
            files = dict(repository.commits[head])
            for line in self.body.splitlines():
                entry = json.loads(line)
                key, value = entry["key"], entry["value"]
                if key == "header" and value.get("parentCommit", head) != head:
                    raise Answer(412, {"error": "A commit has happened since."})
                elif key == "file":
                    files[value["path"]] = Blob(base64.b64decode(value["content"]))
                elif key == "lfsFile":
                    if value["oid"] not in self.hub.large:
                        raise Answer(422, {"error": f"{value['path']} was not uploaded"})
                    files[value["path"]] = Blob(self.hub.large[value["oid"]], large=True)
                elif key == "deletedFile":
                    del files[value["path"]]
            sha = repository.commit(files, branch)
        url = f"{self.hub.endpoint}/{name}/commit/{sha}"
        raise Answer(200, {"success": True, "commitOid": sha, "commitUrl": url})

    def resolve(self, name: str, revision: str, path: str) -> None:
        repository = self.repository(name)
        sha = self.revision(repository, revision)
        blob = repository.commits[sha].get(path)
        if blob is None:
            raise Answer(404, {"error": "Entry not found"}, X_Error_Code="EntryNotFound", X_Repo_Commit=sha)
        if not blob.large:
            self.content(blob.content, ETag=f'"{blob.git}"', X_Repo_Commit=sha)
        raise Answer(
            302,
            X_Repo_Commit=sha,
            X_Linked_Etag=f'"{blob.sha256}"',
            X_Linked_Size=str(len(blob.content)),
            Location=f"http://localhost:{self.hub.port}/cdn/{blob.sha256}",
        )

    def delivery(self, oid: str) -> None:
        self.content(self.hub.large[oid], ETag=f'"{oid}"')

    def content(self, content: bytes, **headers: str) -> None:
        wanted = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range") or "")
        if wanted is None:
            raise Answer(200, content, Content_Length=str(len(content)), Accept_Ranges="bytes", **headers)
        first, last = int(wanted[1]), int(wanted[2] or len(content) - 1)
        if first >= len(content):
            raise Answer(416, Content_Range=f"bytes */{len(content)}")
        part = content[first : last + 1]
        told = f"bytes {first}-{first + len(part) - 1}/{len(content)}"
        raise Answer(206, part, Content_Range=told, Content_Length=str(len(part)), **headers)


NAME = r"([\w.-]+/[\w.-]+)"
ROUTES: list[tuple[str, str, Callable[..., None]]] = [
    ("POST", "/api/repos/create", Handler.create),
    ("POST", "/api/validate-yaml", Handler.validate),
    ("GET", f"/api/models/{NAME}", Handler.info),
    ("GET", f"/api/models/{NAME}/revision/([^/]+)", Handler.info),
    ("GET", f"/api/models/{NAME}/refs", Handler.refs),
    ("GET", f"/api/models/{NAME}/tree/([^/]+)", Handler.tree),
    ("POST", f"/api/models/{NAME}/preupload/([^/]+)", Handler.preupload),
    ("POST", rf"/{NAME}\.git/info/lfs/objects/batch", Handler.batch),
    ("PUT", "/lfs/([0-9a-f]+)", Handler.upload),
    ("POST", f"/api/models/{NAME}/commit/([^/]+)", Handler.commit),
    ("GET HEAD", f"/{NAME}/resolve/([^/]+)/(.+)", Handler.resolve),
    ("GET HEAD", "/cdn/([0-9a-f]+)", Handler.delivery),
]
