"""Loads an application, runs it, waits for its end and prints what its tasks printed.

    python3 run_and_wait.py application.xml

Exit code: 0 it succeeded, 1 it failed, 2 it was aborted, 3 it could not be run. The plushd is the one of this machine
($PLUSH_STATE), or that of $PLUSH_URL, which may have the token in it (http://plush:TOKEN@host:4880).
"""
import os
import sys
import uuid
from typing import Any, Iterator

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import plush

EXIT_CODES = {"succeeded": 0, "failed": 1, "aborted": 2}
NOT_RUN = 3
USAGE = "Usage: python3 run_and_wait.py FILE"


def run_and_wait(client: plush.Client, specification: str) -> int:
    client.plushTestConnection()  # a plushd that is not there at all is told at once
    # Both may be made twice, the second one thanks to its request_id: so a plushd that is just being restarted is no reason to fail.
    app = client.call("plushLoadAppXml", specification, patience=30)
    run = client.call("plushStartRun", {"app": app, "request_id": str(uuid.uuid4())}, patience=30)
    state = client.wait_run(run)["state"]
    print_output(client, run)
    if state == "failed":
        print_reasons(client, run)
    print(f"Run {run} of {app} {'was aborted' if state == 'aborted' else state}", file=sys.stderr)
    return EXIT_CODES[state]


def blocks_of(client: plush.Client, run: str) -> Iterator[dict[str, Any]]:
    page = client.plushGetRun(run)
    yield from page["blocks"]
    while "cursor" in page:  # of a run with very many blocks
        page = client.plushGetRun(run, {"cursor": page["cursor"]})
        yield from page["blocks"]


def print_output(client: plush.Client, run: str) -> None:
    for block in blocks_of(client, run):
        for task in client.plushGetBlock(run, block["name"])["tasks"]:
            try:
                text = "".join(client.output(run, task["hostname"], task=task["task_id"]))
            except plush.PlushFault as fault:
                print(f"{task['hostname']}: {fault}", file=sys.stderr)  # such as OUTPUT_UNREACHABLE, with what to do
                continue
            for line in text.splitlines():
                print(f"{task['hostname']} | {line}")


def print_reasons(client: plush.Client, run: str) -> None:
    explanation = client.plushExplain(run)
    print(explanation["summary"], file=sys.stderr)
    for cause in explanation["causes"]:
        print(f"{cause['nodes']} nodes: {cause['message']}. {cause['hint']}", file=sys.stderr)


def main() -> int:
    if sys.argv[1:] in (["--help"], ["-h"]):
        print(USAGE)
        return 0
    try:
        if len(sys.argv) != 2 or sys.argv[1].startswith("-"):
            raise ValueError(USAGE)
        with open(sys.argv[1], encoding="utf-8") as file:
            specification = file.read()
        with plush.Client(os.environ.get("PLUSH_URL") or None) as client:
            return run_and_wait(client, specification)
    except (plush.PlushError, OSError, ValueError) as error:
        print(error, file=sys.stderr)
        return NOT_RUN


if __name__ == "__main__":
    sys.exit(main())
