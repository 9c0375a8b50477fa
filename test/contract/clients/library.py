"""Drives plush.py for the tests of the client libraries: says on standard output, a JSON text a line, what comes of it."""
import json
import os
import ssl
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "..", "clients", "python"))
import plush


def say(**what):
    print(json.dumps(what), flush=True)


def failure(error):
    reason = {"PlushFault": "fault", "UnreachableError": "unreachable", "RefusedError": "refused"}[type(error).__name__]
    say(failed=reason, message=str(error), symbol=getattr(error, "symbol", None), hint=getattr(error, "hint", None),
        details=getattr(error, "details", None))


def call(url, options):
    context = ssl.create_default_context(cafile=options["ca"]) if "ca" in options else None
    with plush.Client(url, token="t", context=context) as client:
        for _ in range(options.get("times", 1)):
            say(result=client.call("plushTestConnection", timeout=options.get("timeout_s", 5), patience=options.get("patience_s", 0)))


def batch(url, options):
    with plush.Client(url, token="t") as client:
        for answer in client.batch([("plushGetNode", [name]) for name in options["names"]]):
            say(result=answer.symbol if isinstance(answer, plush.PlushFault) else answer)


def events(url, options):
    with plush.Client(url, token="t") as client:
        stream = client.events(options.get("after"), options.get("topics"), silence=options.get("silence_s", 5), longest_pause=0.05,
                               patience=options.get("patience_s", float("inf")))
        if "close_s" in options:
            threading.Timer(options["close_s"], stream.close).start()
        for event in stream:
            say(event=event)
            if event["type"] == "enough":
                stream.close()
        say(ended=True)


def serve(_url, options):
    state = {"fails": options.get("fails", 0)}

    def host_status(*params):
        if state["fails"] > 0:
            state["fails"] -= 1
            raise RuntimeError("not now")
        say(called="sendHostStatus", params=params)

    def matching(*params):
        say(called="sendResourceMatching", params=params)

    handlers = {"sendHostStatus": host_status, "sendResourceMatching": matching}
    server = plush.CallbackServer(handlers, on_event=lambda event: say(event=event), secret=options.get("secret"))
    say(url=server.url)
    while True:
        time.sleep(60)


try:
    globals()[sys.argv[1]](sys.argv[2], json.loads(sys.argv[3]))
except plush.PlushError as error:
    failure(error)
