"""A filter before Gradio: few addresses, small bodies, values of the right form.

Gradio answers many more addresses than the studio needs, and odd values at some of them end in tracebacks.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any
from urllib.parse import parse_qs, unquote

from .kept_files import KeptFiles

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Answer = Callable[[MutableMapping[str, Any], Receive, Send], Awaitable[None]]

BODY = 64_000
"""Bytes of the largest request that is no upload: 8 captions of 300 characters, all escaped, are fewer."""
UPLOADS = 4
"""Uploads at the same time."""
REQUEST_SECONDS = 60.0
"""Seconds that a client may take to send a request."""
RETRY_AFTER = (b"retry-after", b"2")
_API = "/gradio_api"
_GET = re.compile(
    rf"/|/models\.json|/(page|studio)/[\w./-]+|/config/?|{_API}/(info/?|startup-events|queue/status|app_id/?)"
    rf"|{_API}/heartbeat/[\w-]{{1,64}}|{_API}/call/\w{{1,32}}/[\w-]{{1,64}}|{_API}/queue/data|{_API}/file=.+",
    re.DOTALL,
)
_POST = re.compile(rf"{_API}/(call/\w{{1,32}}/?|queue/join/?|upload/?|cancel|reset/?)")
_SESSION = re.compile(r"[\w-]{1,64}")


class RefusedError(Exception):
    """A request that is answered with a status and a line."""

    def __init__(self, status: int, line: str) -> None:
        super().__init__(line)
        self.status = status


class RequestFilter:
    """Middleware that refuses what Gradio could not answer well.

    functions: of each endpoint's name, its number and how many values it takes. upload: the bytes of the
    largest file.
    """

    def __init__(
        self,
        app: Answer,
        *,
        files: KeptFiles,
        functions: Mapping[str, tuple[int, int]],
        upload: int,
    ) -> None:
        self.app, self.files, self.functions, self.upload = app, files, functions, upload
        self.uploading = 0

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """Answer one request (ASGI)."""
        if scope["type"] != "http":
            if scope["type"] != "websocket":
                await self.app(scope, receive, send)
            return
        started = False

        async def sent(message: Message) -> None:
            nonlocal started
            started = True
            if message.get("status") == 503:  # the queue is full, which is no fault of the server's
                message["status"] = 429
                message["headers"] = [*message.get("headers", ()), RETRY_AFTER]
            await send(message)

        try:
            await self._answer(scope, receive, sent)
        except RefusedError as refused:
            if started:
                await send({"type": "http.response.body", "body": b"", "more_body": False})
            else:
                await _send(send, refused.status, str(refused))

    async def _pass_on(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """Let Gradio answer. Raises `RefusedError` for a request that it stumbles over."""
        try:
            await self.app(scope, receive, send)
        except RefusedError:  # of a body that turned out too large
            raise
        except Exception as error:  # Gradio's own, of any kind, or a client that left
            what = f"{scope['method']} {scope['path'][:80]!r}: {type(error).__name__}"
            print(f"studio: {what}", file=sys.stderr, flush=True)
            raise RefusedError(400, "the request cannot be answered") from error

    async def _answer(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        method, path = scope["method"], scope["path"]
        root = scope.get("root_path", "")
        path = path.removeprefix(root) if root and path.startswith(root) else path
        if method == "OPTIONS" or (method in ("GET", "HEAD") and _GET.fullmatch(path)):
            self._check_get(path, scope)
            await self._pass_on(scope, receive, send)
        elif method == "POST" and _POST.fullmatch(path):
            if path.rstrip("/").endswith("/upload"):
                await self._take_upload(scope, receive, send)
            else:
                body = await self._body(scope, receive)
                await self._pass_on(scope, _replayed(self._checked(path, body), receive), send)
        else:
            raise RefusedError(404, "there is nothing here")

    def _check_get(self, path: str, scope: Mapping[str, Any]) -> None:
        if path.startswith(f"{_API}/file=") and not self.files.holds(unquote(path.partition("=")[2])):
            raise RefusedError(403, "no file of the studio's")
        if path == f"{_API}/queue/data":
            given = parse_qs(scope["query_string"].decode("latin-1")).get("session_hash", [""])[0]
            if not _SESSION.fullmatch(given):
                raise RefusedError(422, "expected a session_hash")

    async def _body(self, scope: Mapping[str, Any], receive: Receive) -> bytes:
        """The whole body of a request that is no upload."""
        if _length(scope) > BODY:
            raise RefusedError(413, f"expected {BODY} bytes or fewer")
        body = b""
        try:
            async with asyncio.timeout(REQUEST_SECONDS):
                while True:
                    message = await receive()
                    body += message.get("body", b"")
                    if len(body) > BODY:
                        raise RefusedError(413, f"expected {BODY} bytes or fewer")
                    if message["type"] == "http.disconnect" or not message.get("more_body"):
                        return body
        except TimeoutError:
            raise RefusedError(408, "the request took too long") from None

    def _checked(self, path: str, body: bytes) -> bytes:
        """The body as Gradio may see it: what the studio needs of it, and nothing else."""
        try:
            given = json.loads(body)
        except (ValueError, RecursionError):
            raise RefusedError(422, "expected JSON") from None
        if not isinstance(given, dict):
            raise RefusedError(422, "expected an object")
        session = given.get("session_hash")
        if session is not None and not (isinstance(session, str) and _SESSION.fullmatch(session)):
            raise RefusedError(422, "session_hash: expected up to 64 letters and digits")
        *_, kind, last = path.rstrip("/").split("/")
        if last in ("cancel", "reset"):
            texts = {key: given.get(key) for key in ("session_hash", "event_id")}
            if not all(isinstance(text, str) and _SESSION.fullmatch(text) for text in texts.values()):
                raise RefusedError(422, "expected a session_hash and an event_id")
            return json.dumps({**texts, "fn_index": 0}).encode()
        numbers = dict(self.functions.values())
        if kind == "call":
            if last not in self.functions:
                raise RefusedError(404, f"no endpoint {last!r}; there are {', '.join(self.functions)}")
            number, takes = self.functions[last]
        else:
            number = given.get("fn_index")  # type: ignore[assignment]
            if type(number) is not int or number not in numbers:
                raise RefusedError(422, "fn_index: no such function")
            takes = numbers[number]
        data = given.get("data")
        if not isinstance(data, list) or len(data) != takes:
            raise RefusedError(422, f"data: expected a list of {takes} values")
        if not all(_is_plain(value) for value in data):
            raise RefusedError(422, "data: expected texts, numbers and files")
        passed = {"data": data, "fn_index": number, "session_hash": session}
        return json.dumps({key: value for key, value in passed.items() if value is not None}).encode()

    async def _take_upload(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        most = self.upload + BODY
        if _length(scope) > most:
            raise RefusedError(413, f"expected a file of {self.upload} bytes or fewer")
        if self.uploading >= UPLOADS:
            raise RefusedError(429, "others are uploading; try again in a moment")
        self.files.add(most)  # room for the largest; what is over is found at the next look
        taken = 0

        async def counted() -> Message:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > most:
                raise RefusedError(413, f"expected a file of {self.upload} bytes or fewer")
            return message

        self.uploading += 1
        try:
            async with asyncio.timeout(REQUEST_SECONDS):
                await self._pass_on({**scope, "query_string": b""}, counted, send)
        except TimeoutError:
            raise RefusedError(408, "the upload took too long") from None
        finally:
            self.uploading -= 1


def _is_plain(value: object, depth: int = 2) -> bool:
    """Whether a value is a text, a number, or an object of such, as a file is."""
    if isinstance(value, dict):
        return depth > 0 and all(_is_plain(part, depth - 1) for part in value.values())
    return value is None or isinstance(value, str | int | float)


def _length(scope: Mapping[str, Any]) -> int:
    """The length that a request announces; 0 where it announces none."""
    given = dict(scope["headers"]).get(b"content-length", b"0")
    return int(given) if given.isdigit() and len(given) < 20 else 0


def _replayed(body: bytes, receive: Receive) -> Receive:
    """A body that was read already, and then what comes after it."""
    left = [{"type": "http.request", "body": body, "more_body": False}]

    async def again() -> Message:
        return left.pop() if left else await receive()

    return again


async def _send(send: Send, status: int, line: str) -> None:
    body = json.dumps({"detail": line}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    if status == 429:
        headers.append(RETRY_AFTER)
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})
