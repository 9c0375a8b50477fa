"""A WebSocket client made by hand, for frames that no library sends. Prints what each way of sending is answered."""
import base64
import json
import os
import socket
import struct
import sys
from urllib.parse import urlsplit

URL = urlsplit(sys.argv[1])
TOKEN = sys.argv[2]
CALL = b'{"jsonrpc":"2.0","id":1,"method":"plushTestConnection"}'
TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10


class Client:
    def __init__(self, token=TOKEN, more=""):
        self.sock = socket.create_connection((URL.hostname, URL.port), timeout=20)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.file = self.sock.makefile("rb")
        key = base64.b64encode(os.urandom(16)).decode()
        self.sock.sendall(
            f"GET /rpc HTTP/1.1\r\nHost: {URL.netloc}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n"
            f"Authorization: Bearer {token}\r\n{more}\r\n".encode()
        )
        self.status = int(self.file.readline().split()[1])
        while self.file.readline() not in (b"\r\n", b""):
            pass

    def send(self, data):
        try:
            self.sock.sendall(data)
        except OSError:
            pass  # the server has closed already; what it said can be read still

    def heard(self):
        """The next frame in a word, or "gone"."""
        if self.status != 101:
            return f"HTTP {self.status}"
        try:
            head = self.file.read(2)
            if len(head) < 2:
                return "gone"
            size = head[1] & 0x7F
            if size == 126:
                size = struct.unpack(">H", self.file.read(2))[0]
            elif size == 127:
                size = struct.unpack(">Q", self.file.read(8))[0]
            body = self.file.read(size)
        except OSError:
            return "gone"
        kind = head[0] & 0x0F
        if kind == CLOSE:
            return f"close {struct.unpack('>H', body[:2])[0]}"
        if kind == PONG:
            return f"pong {body.decode()}"
        text = body.decode()
        return text[text.index('"result"') : -1] if '"result"' in text else text


def frame(kind, body, fin=True, masked=True, rsv=0, size=None):
    size = len(body) if size is None else size
    head = bytes([(0x80 if fin else 0) | rsv | kind])
    bit = 0x80 if masked else 0
    if size < 126:
        head += bytes([bit | size])
    elif size < 65536:
        head += bytes([bit | 126]) + struct.pack(">H", size)
    else:
        head += bytes([bit | 127]) + struct.pack(">Q", size)
    if not masked:
        return head + body
    mask = os.urandom(4)
    return head + mask + bytes(b ^ mask[i % 4] for i, b in enumerate(body))


def pieces(body, size):
    parts = [body[i : i + size] for i in range(0, len(body), size)]
    return [frame(TEXT if i == 0 else 0, part, fin=i == len(parts) - 1) for i, part in enumerate(parts)]


def exchange(*data, frames=1, client=None):
    client = client or Client()
    for each in data:
        client.send(each)
    answers = [client.heard() for _ in range(frames)]
    client.sock.close()
    return answers


def cut(data):
    """Sends the beginning and resets the connection."""
    client = Client()
    client.send(data)
    client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.file.close()
    client.sock.close()
    return ["gone"]


first, *rest = pieces(CALL, 10)
small = frame(0, b"x", fin=False)
whole = frame(TEXT, CALL)
print(
    json.dumps(
        {
            "good": exchange(whole),
            "in pieces": exchange(first, *rest),
            "a byte at a time": exchange(*[whole[i : i + 1] for i in range(len(whole))]),
            "pings between pieces": exchange(first, frame(PING, b"p"), *rest, frames=2),
            "no token": exchange(client=Client(token="wrong")),
            "wrong origin": exchange(client=Client(more="Origin: http://evil.example\r\n")),
            "unmasked": exchange(frame(TEXT, CALL, masked=False)),
            "reserved bit": exchange(frame(TEXT, CALL, rsv=0x40)),
            "unknown opcode": exchange(frame(3, b"")),
            "continuation of nothing": exchange(frame(0, CALL)),
            "two messages at once": exchange(first, whole),
            "long ping": exchange(frame(PING, b"p" * 126)),
            "binary": exchange(frame(BINARY, CALL)),
            "not UTF-8": exchange(frame(TEXT, b'"\xff"')),
            "oversized": exchange(frame(TEXT, b"", size=1 << 21)),
            "oversized in pieces": exchange(frame(TEXT, b"x" * 600_000, fin=False), frame(0, b"x" * 600_000)),
            "length beyond numbers": exchange(frame(TEXT, b"", size=1 << 60)),
            "too many pieces": exchange(frame(TEXT, b"x", fin=False) + small * 20_000),
            "close with a reason": exchange(frame(CLOSE, struct.pack(">H", 1000) + b"bye")),
            "cut off in the middle": cut(whole[:-5]),
            "cut off behind a call": cut(whole),
            "good again": exchange(whole),
        }
    )
)
