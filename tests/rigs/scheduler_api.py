"""A scheduler that speaks OpCon's REST API for job output, strict about what it is asked."""

from __future__ import annotations

import contextlib
import json
import ssl
import threading
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

USER, PASSWORD = "notify", "open sesame"
EXTERNAL_TOKEN = "7e57-external"


@dataclass
class Refuse:
    """Answers one request with this status."""

    status: int
    message: str = ""
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class Hang:
    """Answers nothing until the scheduler ends."""


@dataclass
class Raw:
    """Answers one request with these bytes."""

    content: bytes


Behaviour = Refuse | Hang | Raw


@dataclass
class Action:
    """An action that was posted."""

    id: int
    kind: str
    job: int
    path: str
    looks: int = 0
    forgotten: bool = False


@dataclass(eq=False)
class SchedulerApi:
    """The scheduler.

    Attributes:
        outputs: The outputs of each job, by path. A job that is not here does not exist.
        looks_until_ready: How often an action is looked at before its result is there.
        next: What the next requests meet instead of an answer, in order; None is an answer.
        failing: Message of each action that fails, by job or by path.
        never: Jobs whose actions never have a result.
        forgets: Whether an action that was answered is forgotten at once.
        on_request: Called at each request.
        requests: Method and path of every request.
        sign_ins: How often somebody signed in, well or not.
        actions: Every action that was posted, in order.
    """

    outputs: dict[int, dict[str, str | None]] = field(default_factory=dict)
    looks_until_ready: int = 1
    next: list[Behaviour | None] = field(default_factory=list)
    failing: dict[int | str, str] = field(default_factory=dict)
    never: set[int] = field(default_factory=set)
    forgets: bool = False
    on_request: Callable[[], object] = lambda: None
    requests: list[str] = field(default_factory=list)
    sign_ins: int = 0
    actions: list[Action] = field(default_factory=list)
    tokens: set[str] = field(default_factory=lambda: {EXTERNAL_TOKEN})
    tls: ssl.SSLContext | None = None

    def __post_init__(self) -> None:
        self.stopping = threading.Event()
        self._lock = threading.Lock()
        scheduler = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                scheduler.answer(self, None)

            def do_POST(self) -> None:
                length = int(self.headers["Content-Length"])
                scheduler.answer(self, json.loads(self.rfile.read(length)))

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            block_on_close = False

            def handle_error(self, *_: object) -> None:
                """A client that hangs up is no fault of the scheduler."""

        self._server = Server(("127.0.0.1", 0), Handler)
        if self.tls is not None:
            self._server.socket = self.tls.wrap_socket(
                self._server.socket, server_side=True, do_handshake_on_connect=False
            )
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    @property
    def address(self) -> str:
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}/api"

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self.stopping.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def expire_tokens(self) -> None:
        """Every token that was given out is no more."""
        self.tokens = {EXTERNAL_TOKEN}

    def forget(self) -> None:
        """What was answered, as a scheduler does after a while."""
        for action in self.actions:
            action.forgotten = True

    def asked(self, *words: str) -> int:
        """How many requests had all these words."""
        return sum(all(word in request for word in words) for request in self.requests)

    def answer(self, handler: BaseHTTPRequestHandler, body: Any) -> None:
        """Answer one request."""
        self.on_request()
        with self._lock:
            self.requests.append(f"{handler.command} {handler.path}")
            behaviour = self.next.pop(0) if self.next else None
            if behaviour is None:
                behaviour = self._answer(handler, body)
        match behaviour:
            case Hang():
                self.stopping.wait()
                handler.close_connection = True
            case Raw(content):
                self._send(handler, 200, content, {})
            case Refuse(status, message, headers):
                told = [{"resource": "r", "name": "n", "code": "c", "message": message}] if message else []
                self._send(handler, status, json.dumps(told).encode(), headers)

    def _send(
        self, handler: BaseHTTPRequestHandler, status: int, content: bytes, headers: dict[str, str]
    ) -> None:
        handler.send_response(status)
        for name, value in {"Content-Length": str(len(content)), **headers}.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(content)

    def _answer(self, handler: BaseHTTPRequestHandler, body: Any) -> Behaviour:
        if (handler.command, handler.path) == ("POST", "/api/tokens"):
            return self._sign_in(body)
        if handler.headers.get("Authorization", "").removeprefix("Token ") not in self.tokens:
            return Refuse(401, "Invalid token specified")
        if (handler.command, handler.path) == ("POST", "/api/jobinstanceactions"):
            return self._post(body)
        if handler.command == "GET" and handler.path.startswith("/api/jobinstanceactions/"):
            return self._look(int(handler.path.rpartition("/")[2]))
        return Refuse(405, f"{handler.command} {handler.path}")

    def _sign_in(self, body: Any) -> Behaviour:
        self.sign_ins += 1
        wanted = {"user": {"loginName": USER, "password": PASSWORD}, "tokenType": {"type": "User"}}
        if body != wanted:
            return Refuse(401, f"Invalid user {body}")
        token = str(uuid.uuid4())
        self.tokens.add(token)
        return self._json({"id": token, "user": {"id": 1}, "tokenType": {"type": "User"}, "validUntil": "x"})

    def _post(self, body: Any) -> Behaviour:
        (item,) = body["jobInstanceActionItems"]
        kind, job, path = body["action"], item["id"], item.get("jorsRequestParameters", "")
        if job not in self.outputs:
            return Refuse(404, f"job {job} does not exist")
        if kind == "FILE" and path not in self.outputs[job]:
            return Refuse(400, "no such file")
        action = Action(len(self.actions) + 1, kind, job, path)
        self.actions.append(action)
        return self._json(self._shown(action, "submitted"))

    def _look(self, action_id: int) -> Behaviour:
        if not 0 < action_id <= len(self.actions) or self.actions[action_id - 1].forgotten:
            return Refuse(404, "no such action")
        action = self.actions[action_id - 1]
        action.looks += 1
        if action.looks < self.looks_until_ready or action.job in self.never:
            return self._json(self._shown(action, "submitted"))
        failure = self.failing.get(action.path or action.job)
        shown = self._shown(action, "failed" if failure else "success")
        (item,) = shown["jobInstanceActionItems"]
        if failure:
            item["message"] = failure
        elif action.kind == "LIST":
            item["files"] = list(self.outputs[action.job])
        else:
            item["data"] = self.outputs[action.job][action.path]
        if self.forgets:
            action.forgotten = True
        return self._json(shown)

    @staticmethod
    def _shown(action: Action, result: str) -> dict[str, Any]:
        return {
            "id": action.id, "action": action.kind, "result": result, "message": None, "expires": "x",
            "jobInstanceActionItems": [
                {"id": action.job, "result": result, "message": None, "files": None, "data": None}
            ],
        }  # fmt: skip

    @staticmethod
    def _json(value: object) -> Raw:
        return Raw(json.dumps(value).encode())


@contextlib.contextmanager
def scheduler_api(**settings: Any) -> Iterator[SchedulerApi]:
    """A scheduler that is stopped in the end."""
    scheduler = SchedulerApi(**settings)
    scheduler.start()
    try:
        yield scheduler
    finally:
        scheduler.stop()
