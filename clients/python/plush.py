"""Drives a Plush controller (plushd): calls, events that outlive restarts, callbacks. Python 3.9 or later, nothing else.

    import plush
    with plush.Client() as client:                      # the plushd of this machine; or plush.Client("http://plush:TOKEN@host:4880")
        client.plushAddNode({"hostname": "first.example.org", "user": "me"})
        run = client.plushStartRun({"app": client.plushLoadAppXml(text)})
        print(client.wait_run(run)["state"])

Every method of the API is a method of Client; `client.help("plushAddNode")` tells what it takes and answers. README.md has more.
"""
from __future__ import annotations

import base64
import hashlib
import hmac
import http.client
import http.server
import json
import os
import random
import re
import select
import socket
import ssl
import threading
import time
import urllib.parse
import xmlrpc.client
from typing import TYPE_CHECKING, Any, Callable, Iterator, Mapping, Optional, Sequence

if TYPE_CHECKING:
    from plush_methods import Methods  # written from the table of methods
else:
    Methods = object

CALL_TIMEOUT_S = 45.0  # longer than the longest wait a method has
IDLE_CONNECTION_S = 30.0  # shorter than plushd keeps a connection that rests (65 s)
SILENCE_S = 45.0  # plushd says something on its event stream at least every 15 s
MAX_ANSWER_BYTES = 64 << 20
MAX_CALLBACK_BYTES = 16 << 20
MAX_BATCH_CALLS = 200
MAX_FILE_BYTES = 1 << 16
FINAL_STATES = ("succeeded", "failed", "aborted")


class PlushError(Exception):
    """Whatever goes wrong between a program and plushd."""


class PlushFault(PlushError):
    """plushd answered that it will not. Match on `symbol`; `str(fault)` is a sentence that says what to do."""

    def __init__(self, message: str, code: int, symbol: str = "", hint: str = "", details: Any = None) -> None:
        super().__init__(message)
        self.code, self.symbol, self.hint, self.details = code, symbol, hint, details


class UnreachableError(PlushError):
    """Nobody answers now; another try may help. Whether plushd acted on the call is not known."""


class RefusedError(PlushError):
    """Somebody answers, but not to us: a wrong token, events without the scope, or no plushd. Another try changes nothing."""


class Backoff:
    """Pauses that double up to a bound, each drawn between half and the whole of it."""

    def __init__(self, first: float = 0.1, longest: float = 10.0) -> None:
        self.first, self.longest, self.failures = first, longest, 0

    def next(self) -> float:
        bound: float = min(self.longest, self.first * 2 ** min(self.failures, 30))
        self.failures += 1
        return bound * random.uniform(0.5, 1.0)


def state_dir() -> str:
    """The state folder that plushd uses when it is told of no other."""
    base = os.environ.get("XDG_STATE_HOME", "")
    base = base if os.path.isabs(base) else os.path.join(os.path.expanduser("~"), ".local", "state")
    return os.environ.get("PLUSH_STATE") or os.path.join(base, "plush")


def _read_small(path: str) -> str:
    with open(path, encoding="utf-8") as file:
        text = file.read(MAX_FILE_BYTES + 1)
    if len(text) > MAX_FILE_BYTES:
        raise OSError(f"{path} is too large")
    return text


class _Method:
    """`client.NAME`, and `client.system.NAME`."""

    def __init__(self, client: Client, name: str) -> None:
        self._client, self._name = client, name

    def __getattr__(self, name: str) -> _Method:
        return _Method(self._client, f"{self._name}.{name}")

    def __call__(self, *params: Any) -> Any:
        return self._client.call(self._name, *params)


class Client(Methods):
    """A plushd, wherever it serves at the moment. May be used by several threads; connections are kept until `close`.

    url         such as http://127.0.0.1:4880, also with a token in it (http://plush:TOKEN@host:4880).
                None: the plushd that runs on `state` on this machine, also when it comes back on another port
    token       or token_file; without both, the URL's, or that in the state folder
    context     TLS: what to trust, where it is not a certificate that this machine trusts anyway
    """

    def __init__(self, url: Optional[str] = None, *, token: Optional[str] = None, token_file: Optional[str] = None,
                 state: Optional[str] = None, timeout: float = CALL_TIMEOUT_S,
                 context: Optional[ssl.SSLContext] = None) -> None:
        self._url, self._token, self._token_file = url, token, token_file
        self._state, self._timeout, self._context = state or state_dir(), timeout, context
        self._idle: list[tuple[http.client.HTTPConnection, float]] = []
        self._endpoint: Optional[tuple[urllib.parse.SplitResult, str]] = None

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __getattr__(self, name: str) -> _Method:
        if name.startswith("_"):
            raise AttributeError(name)
        return _Method(self, name)

    def close(self) -> None:
        """Ends the connections that rest."""
        while self._idle:
            self._idle.pop()[0].close()

    def call(self, method: str, *params: Any, timeout: Optional[float] = None, patience: float = 0.0) -> Any:
        """Calls a method. PlushFault, UnreachableError or RefusedError is raised when it has no answer.

        patience    seconds for which a plushd that does not answer is tried again: for calls that may be made twice alone
        """
        deadline, backoff = time.monotonic() + patience, Backoff(longest=2.0)
        while True:
            try:
                return self._call_once(method, params, timeout)
            except UnreachableError:
                if time.monotonic() >= deadline:
                    raise
            time.sleep(backoff.next())

    def batch(self, calls: Sequence[tuple[str, Sequence[Any]]]) -> list[Any]:
        """Makes many calls, pairs of method and parameters, in few requests. Each gets its answer or its PlushFault, in order."""
        answers: list[Any] = []
        for start in range(0, len(calls), MAX_BATCH_CALLS):
            part = calls[start:start + MAX_BATCH_CALLS]
            requests = [_request(i, method, params) for i, (method, params) in enumerate(part)]
            by_id = {one.get("id"): one for one in self._post(requests, None)}
            if not by_id.keys() >= set(range(len(part))):
                raise self._stranger("answers are missing")
            answers += [_fault(by_id[i]["error"]) if "error" in by_id[i] else by_id[i].get("result") for i in range(len(part))]
        return answers

    def help(self, method: str) -> str:
        """What a method does, takes and answers."""
        return str(self.call("system.methodHelp", method))

    def events(self, after: Optional[int] = None, topics: Optional[Sequence[str]] = None, **options: Any) -> EventStream:
        """The events of plushd, in order and without an end; see EventStream."""
        return EventStream(self, after, topics, **options)

    def wait_run(self, run: str, patience: float = float("inf")) -> dict[str, Any]:
        """Waits until a run is over, also over restarts of plushd, and answers it as plushGetRun does."""
        # Before the run is looked at, so that its end cannot fall between the two.
        last = self.call("plushGetEvents", {"after": -1}, patience=patience)["last"]
        found: dict[str, Any] = self.call("plushGetRun", run, patience=patience)
        if found["state"] in FINAL_STATES:
            return found
        with self.events(last, ["run"], patience=patience) as events:
            for event in events:
                if event["type"] == "gap" or (event["type"] == "run_ended" and event["run_id"] == run):
                    found = self.call("plushGetRun", run, patience=patience)
                    if found["state"] in FINAL_STATES:
                        break
        return found

    def output(self, run: str, node: str, **page: Any) -> Iterator[str]:
        """What is there of a task's output, piece by piece; `stream`, `task` and `file` as plushGetOutput has them."""
        return self._pieces(run, node, page)

    def output_bytes(self, run: str, node: str, **page: Any) -> Iterator[bytes]:
        """The same as the bytes that were written; what `output` gives has replaced what a string cannot carry."""
        return map(base64.b64decode, self._pieces(run, node, {**page, "encoding": "base64"}))

    def _pieces(self, run: str, node: str, page: Mapping[str, Any]) -> Iterator[str]:
        offset = 0
        while True:
            piece = self.call("plushGetOutput", run, node, {**page, "offset": offset})
            if piece["data"]:
                yield piece["data"]
            if piece["eof"] or piece["end"] == offset:
                return
            offset = piece["end"]

    def _call_once(self, method: str, params: Sequence[Any], timeout: Optional[float]) -> Any:
        answer = self._post(_request(1, method, params), timeout)
        if "error" in answer:
            raise _fault(answer["error"])
        return answer["result"]

    def _post(self, request: Any, timeout: Optional[float]) -> Any:
        body = json.dumps(request, allow_nan=False).encode("utf-8")
        text = self._exchange(body, timeout or self._timeout)
        try:
            answer = json.loads(text)
            if isinstance(answer, dict) and "error" in answer:
                raise _fault(answer["error"])
            if isinstance(answer, type(request)) and (answer if isinstance(answer, dict) else answer[0])["jsonrpc"] == "2.0":
                return answer
            why = "no JSON-RPC"
        except (ValueError, LookupError, TypeError) as error:
            why = str(error)
        raise self._stranger(why)

    def _stranger(self, why: str) -> RefusedError:
        return RefusedError(f"Something else than plushd answers at {self._locate()[0].geturl()} ({why}). Check the URL")

    def _locate(self) -> tuple[urllib.parse.SplitResult, str]:
        if self._endpoint is None:
            self._endpoint = self._find()
        return self._endpoint

    def _find(self) -> tuple[urllib.parse.SplitResult, str]:
        url, file = self._url, self._token_file
        if url is None:
            try:
                runtime = json.loads(_read_small(os.path.join(self._state, "plushd.json")))
                url, file = str(runtime["url"]), file or str(runtime["token_file"])
            except (OSError, ValueError, LookupError, TypeError):
                raise UnreachableError(f"No plushd runs on the state folder {self._state}") from None
        parts = urllib.parse.urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"{url!r} is no http or https URL, such as http://127.0.0.1:4880")
        token = self._token
        if token is None and self._token_file is None and parts.password:
            token = urllib.parse.unquote(parts.password)
        if token is None:
            file = file or os.path.join(self._state, "token")
            try:
                token = _read_small(file).strip()
            except OSError as error:
                raise RefusedError(f"There is no token to be read in {file} ({error})") from error
        path = parts.path.rstrip("/")
        for end in ("/rpc", "/RPC2"):
            path = path[: -len(end)] if path.endswith(end) else path
        return parts._replace(netloc=parts.netloc.rpartition("@")[2], path=path, query="", fragment=""), token

    def _connect(self, timeout: float) -> http.client.HTTPConnection:
        parts = self._locate()[0]
        if parts.scheme == "https":
            return http.client.HTTPSConnection(str(parts.hostname), parts.port, timeout=timeout, context=self._context)
        return http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=timeout)

    def _take(self, timeout: float) -> http.client.HTTPConnection:
        """A connection that rests and that plushd has not closed, or a new one."""
        while self._idle:
            connection, since = self._idle.pop()
            try:
                if time.monotonic() - since < IDLE_CONNECTION_S and not select.select([connection.sock], [], [], 0)[0]:
                    connection.sock.settimeout(timeout)
                    return connection
            except (OSError, ValueError):
                pass  # closed, or a descriptor that select does not take
            connection.close()
        return self._connect(timeout)

    def _exchange(self, body: bytes, timeout: float) -> bytes:
        connection: Optional[http.client.HTTPConnection] = None
        try:
            connection = self._take(timeout)
            response = self._send(connection, "POST", "/rpc", body, {"Content-Type": "application/json"})
            text = response.read(MAX_ANSWER_BYTES + 1)
        except (OSError, http.client.HTTPException) as error:
            raise self._lost(connection, error) from error
        if response.will_close or len(text) > MAX_ANSWER_BYTES:
            connection.close()
        else:
            self._idle.append((connection, time.monotonic()))
        if response.status != 200:
            raise self._refusal(response.status, text)
        return text

    def _send(self, connection: http.client.HTTPConnection, verb: str, path: str, body: Optional[bytes] = None,
              headers: Mapping[str, str] = {}) -> http.client.HTTPResponse:
        parts, token = self._locate()
        connection.request(verb, parts.path + path, body, {**headers, "Authorization": f"Bearer {token}"})
        return connection.getresponse()

    def _lost(self, connection: Optional[http.client.HTTPConnection], error: BaseException) -> UnreachableError:
        where = f"at {self._endpoint[0].geturl()} " if self._endpoint else ""
        self._endpoint = None  # it may come back elsewhere
        if connection is not None:
            connection.close()
        return UnreachableError(f"plushd {where}does not answer ({error or type(error).__name__})")

    def _refusal(self, status: int, text: bytes) -> PlushError:
        parts, _ = self._locate()
        said = text[:500].decode("utf-8", "replace").strip()
        try:
            return _fault(json.loads(said)["error"])
        except (ValueError, LookupError, TypeError):
            pass  # a sentence, or some other server's page
        if status == 401:
            return RefusedError(f"plushd at {parts.geturl()} rejects the token")
        # plushd refuses names of hosts so, too, whatever the token.
        if status == 403 and re.search(r"\b(token|scope)\b", said):
            return RefusedError(f"The token does not allow that: {said}")
        if status == 429 or status >= 500:
            return UnreachableError(f"plushd at {parts.geturl()} cannot serve now (HTTP {status}: {said})")
        return RefusedError(f"plushd at {parts.geturl()} refuses the request (HTTP {status}: {said})")


class EventStream:
    """The events of plushd as an iterator, each a dict with seq, time, type and what its type has.

    When the connection breaks, also because plushd is started again, it goes on after the last event that was handed out.
    An event of type "gap" stands for events that plushd has forgotten; its `first` is the oldest that is still there.

    after       begin after this event; 0 is the beginning. None: only events from now on
    topics      only events of these topics
    patience    seconds for which a plushd that went away is looked for; then UnreachableError
    silence     seconds without a sign of life after which a connection is given up for a new one
    on_lost     told the UnreachableError each time when a connection or an attempt failed and another follows
    """

    def __init__(self, client: Client, after: Optional[int] = None, topics: Optional[Sequence[str]] = None, *,
                 patience: float = float("inf"), silence: float = SILENCE_S, longest_pause: float = 10.0,
                 on_lost: Optional[Callable[[UnreachableError], object]] = None) -> None:
        self.position = after
        self._client, self._silence, self._patience, self._on_lost = client, silence, patience, on_lost
        self._topics = "&topics=" + ",".join(topics) if topics else ""
        self._backoff, self._closed, self._lost_at = Backoff(longest=longest_pause), threading.Event(), 0.0
        self._connection: Optional[http.client.HTTPConnection] = None
        self._response: Optional[http.client.HTTPResponse] = None
        self._sock: Optional[socket.socket] = None

    def __enter__(self) -> EventStream:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __iter__(self) -> EventStream:
        return self

    def __next__(self) -> dict[str, Any]:
        while not self._closed.is_set():
            try:
                event = self._read()
                if event:
                    return event
            except PlushError as error:
                self._disconnect()
                if not isinstance(error, UnreachableError):
                    raise
                self._lost_at = self._lost_at or time.monotonic()
                if self._closed.is_set():
                    break
                if time.monotonic() - self._lost_at >= self._patience:
                    raise
                if self._on_lost:
                    self._on_lost(error)
                self._closed.wait(self._backoff.next())
        self._disconnect()
        raise StopIteration

    def close(self) -> None:
        """Ends the iteration, also while another thread waits in it."""
        self._closed.set()
        try:
            if self._sock is not None:
                self._sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass  # not connected any more

    def _read(self) -> Optional[dict[str, Any]]:
        if self._response is None:
            self._open()
        assert self._response is not None
        try:
            line = self._response.readline(MAX_ANSWER_BYTES)
        except (OSError, http.client.HTTPException, ValueError, AttributeError) as error:
            raise self._client._lost(self._connection, error) from error
        if not line.endswith(b"\n"):
            raise self._client._lost(self._connection, OSError("the stream has ended"))
        self._backoff.failures = 0
        if line == b"\n":
            return None  # a sign of life
        try:
            event: dict[str, Any] = json.loads(line)
            self.position = int(event["seq"])
        except (ValueError, LookupError, TypeError) as error:
            raise RefusedError(f"What comes as events is none ({error}). Check that the URL leads to plushd") from error
        return event

    def _open(self) -> None:
        if self.position is None:  # a number from the start, so that no event is lost with the first connection
            self.position = self._client.call("plushGetEvents", {"after": -1})["last"]
        try:
            self._connection = self._client._connect(self._silence)
            self._connection.connect()
            self._sock = self._connection.sock
            if self._closed.is_set():
                raise OSError("closed")
            path = f"/events?after={self.position}{self._topics}"
            response = self._client._send(self._connection, "GET", path)
            if response.status != 200:
                raise self._client._refusal(response.status, response.read(MAX_FILE_BYTES))
        except (OSError, http.client.HTTPException) as error:
            raise self._client._lost(self._connection, error) from error
        self._response, self._lost_at = response, 0.0

    def _disconnect(self) -> None:
        for part in (self._response, self._connection):
            if part is not None:
                part.close()
        self._response = self._connection = self._sock = None


class CallbackServer:
    """Listens for the calls of plushd, over XML-RPC and JSON-RPC, and handles them one after the other.

    handlers    name of a callback to what is done, such as {"sendHostStatus": print}; a subscription with details adds the event
    on_event    gets the event of each call of a subscription with details, once where an event leads to several calls
    secret      of the subscription; calls that are not signed with it are refused

    What a handler raises is answered with HTTP 500: plushd makes the call again, with growing pauses, and none after it until then.
    """

    def __init__(self, handlers: Optional[Mapping[str, Callable[..., object]]] = None, *, secret: Optional[str] = None,
                 on_event: Optional[Callable[[dict[str, Any]], object]] = None,
                 host: str = "127.0.0.1", port: int = 0) -> None:
        self._handlers, self._secret, self._on_event = handlers or {}, secret, on_event
        self._lock, self._handled = threading.Lock(), -1
        receiver = type("Receiver", (_Receiver,), {"callbacks": self})
        self._server = http.server.ThreadingHTTPServer((host, port), receiver)
        self._server.daemon_threads = True
        self.url = f"http://{host}:{self._server.server_address[1]}/"
        threading.Thread(target=self._server.serve_forever, args=(0.1,), daemon=True).start()

    def __enter__(self) -> CallbackServer:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def is_signed(self, body: bytes, signature: str) -> bool:
        """Whether the header X-Plush-Signature holds the signature of exactly this body; True where there is no secret."""
        if self._secret is None:
            return True
        right = hmac.new(self._secret.encode("utf-8"), body, hashlib.sha256).hexdigest()
        return hmac.compare_digest(f"sha256={right}".encode(), signature.encode("utf-8", "replace"))

    def handle(self, method: str, params: list[Any]) -> None:
        last = params[-1] if params else None
        event = last if isinstance(last, dict) and isinstance(last.get("type"), str) and "seq" in last else None
        with self._lock:
            handler = self._handlers.get(method)
            if handler is not None:
                handler(*params)
            if event is None or int(event["seq"]) == self._handled:
                return
            if self._on_event is not None:
                self._on_event(event)
            self._handled = int(event["seq"])


class _Receiver(http.server.BaseHTTPRequestHandler):
    callbacks: CallbackServer
    protocol_version = "HTTP/1.1"
    timeout = 60  # for whatever is sent slowly

    def do_POST(self) -> None:
        length = self.headers.get("Content-Length", "")
        if not length.isdigit() or int(length) > MAX_CALLBACK_BYTES:
            self.close_connection = True
            return self._answer(413, "text/plain", b"The call has no length, or is too large\n")
        body = self.rfile.read(int(length))
        if not self.callbacks.is_signed(body, self.headers.get("X-Plush-Signature", "")):
            return self._answer(401, "text/plain", b"The signature is missing or wrong: check the secret\n")
        is_json = "json" in self.headers.get("Content-Type", "") or body.lstrip()[:1] == b"{"
        content_type = "application/json" if is_json else "text/xml; charset=utf-8"
        try:
            method, params, answer = _json_call(body) if is_json else _xml_call(body)
        except Exception as error:  # whatever the parsers raise
            return self._answer(200, content_type, _bad_call(is_json, error))
        try:
            self.callbacks.handle(method, params)
        except Exception as error:
            self.log_error("%s could not be handled: %r", method, error)
            return self._answer(500, "text/plain", b"The call could not be handled now\n")
        self._answer(200, content_type, answer)

    def log_request(self, code: object = "-", size: object = "-") -> None:
        pass  # a line for each call would hide what the program has to say

    def _answer(self, status: int, content_type: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def _xml_call(body: bytes) -> tuple[str, list[Any], bytes]:
    if b"<!" in body.replace(b"<![CDATA[", b""):
        raise ValueError("A call has no DOCTYPE")
    params, method = xmlrpc.client.loads(body, use_builtin_types=True)
    if method is None:
        raise ValueError("The body is no call")
    return method, list(params), xmlrpc.client.dumps((True,), methodresponse=True).encode("utf-8")


def _json_call(body: bytes) -> tuple[str, list[Any], bytes]:
    call = json.loads(body)
    if not isinstance(call, dict) or not isinstance(call.get("method"), str) or not isinstance(call.get("params", []), list):
        raise ValueError("A call has a method and a list of params")
    answer = json.dumps({"jsonrpc": "2.0", "id": call["id"], "result": True}) if "id" in call else ""
    return call["method"], call.get("params", []), answer.encode("utf-8")


def _bad_call(is_json: bool, error: Exception) -> bytes:
    message = f"The body is no call: {error}"
    if is_json:
        return json.dumps({"jsonrpc": "2.0", "id": None, "error": {"code": -32600, "message": message}}).encode("utf-8")
    return xmlrpc.client.dumps(xmlrpc.client.Fault(-32600, message), methodresponse=True).encode("utf-8")


def _request(number: int, method: str, params: Sequence[Any]) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": number, "method": method, "params": list(params)}


def _fault(error: Mapping[str, Any]) -> PlushFault:
    data = error.get("data") or {}
    return PlushFault(str(error["message"]), int(error["code"]), data.get("code", ""), data.get("hint", ""), data.get("details"))
