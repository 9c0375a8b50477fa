"""PlanetLab Central as far as its XML-RPC interface (PLCAPI) is asked: Python's own server with the real methods' names.

Serves on a free port of the loopback and prints its URL. Each line of JSON on standard input replaces what it knows:
{"users": {LOGIN: PASSWORD}, "slices": {NAME: {"members": [LOGIN], "node_ids": [ID]}}, "nodes": [[ID, HOSTNAME, BOOT_STATE]],
"mode": "answer" | "echo" | "garbage" | "huge" | "status" | "silent" | "redirect"}. Each answered line is told by a line "ready";
each call, by a line "call METHOD N", with the number of things asked for.
"""
import json
import sys
import threading
from http.server import ThreadingHTTPServer
from xmlrpc.server import Fault, SimpleXMLRPCDispatcher, SimpleXMLRPCRequestHandler

known = {"users": {}, "slices": {}, "nodes": [], "mode": "answer"}
ending = threading.Event()


def say(line):
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def login(auth):
    if known["mode"] == "echo":
        raise Fault(103, "Failed to authenticate call: " + repr(auth["AuthString"]) + "\nagain " + auth["AuthString"])
    if set(auth) != {"AuthMethod", "Username", "AuthString"} or auth["AuthMethod"] != "password":
        raise Fault(103, "Failed to authenticate call: Unsupported authentication method")
    if known["users"].get(auth["Username"]) != auth["AuthString"]:
        raise Fault(103, "Failed to authenticate call: PasswordAuth: Password verification failed")
    return auth["Username"]


def fields(details, wanted):
    return {name: value for name, value in details.items() if name in wanted}


def GetSlices(auth, slice_filter, return_fields):
    user = login(auth)
    say("call GetSlices %d" % len(slice_filter))
    return [
        fields({"name": name, "slice_id": 1, "node_ids": slice["node_ids"], "url": None}, return_fields)
        for name, slice in known["slices"].items()
        if name in slice_filter and user in slice["members"]
    ]


def GetNodes(auth, node_filter, return_fields):
    login(auth)
    say("call GetNodes %d" % len(node_filter))
    wanted = set(node_filter)
    return [
        fields({"node_id": node_id, "hostname": hostname, "boot_state": boot_state, "peer_id": None}, return_fields)
        for node_id, hostname, boot_state in known["nodes"]
        if node_id in wanted
    ]


class Handler(SimpleXMLRPCRequestHandler):
    rpc_paths = ("/PLCAPI/",)
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        mode = known["mode"]
        if mode in ("answer", "echo"):
            return super().do_POST()
        say("call " + mode + " 0")
        self.rfile.read(int(self.headers["Content-Length"]))
        if mode == "silent":
            ending.wait()
        elif mode == "redirect":
            self.send_response(307)
            self.send_header("Location", "/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()
        elif mode == "huge":
            self.huge()
        else:
            body = b"<html>not " + b"\xff" + b" here</html>"
            self.send_response(503 if mode == "status" else 200)
            self.send_header("Content-Type", "text/xml")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    def huge(self):
        self.close_connection = True
        self.send_response(200)
        self.send_header("Content-Type", "text/xml")
        self.end_headers()
        try:
            while not ending.is_set():
                self.wfile.write(b" " * (1 << 20))
        except OSError:
            say("call cut 0")

    def log_message(self, *args):
        pass


class Server(ThreadingHTTPServer, SimpleXMLRPCDispatcher):
    daemon_threads = True
    logRequests = False

    def __init__(self):
        ThreadingHTTPServer.__init__(self, ("127.0.0.1", 0), Handler)
        SimpleXMLRPCDispatcher.__init__(self, allow_none=True, encoding="utf-8")
        self.register_function(GetSlices)
        self.register_function(GetNodes)
        self.register_introspection_functions()


def main():
    server = Server()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    say("http://127.0.0.1:%d/PLCAPI/" % server.server_address[1])
    for line in sys.stdin:
        known.update(json.loads(line))
        say("ready")
    ending.set()


main()
