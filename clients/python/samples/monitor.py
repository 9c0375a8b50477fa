"""Prints what happens, an event a line, for as long as it is left to. A plushd that goes away is waited for, and nothing that
happened meanwhile is missed.

    python3 monitor.py [--after NUMBER] [TOPIC...]      --after 0: from the beginning

Ends with exit code 0 on SIGTERM and Ctrl-C. The plushd is the one of this machine ($PLUSH_STATE), or that of $PLUSH_URL.
"""
import argparse
import os
import signal
import sys
from typing import Any, Dict

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import plush


def line_of(event: Dict[str, Any]) -> str:
    kind = event["type"]
    if kind == "gap":
        return f"{event['seq']} gap: the oldest event that is still there is {event['first']}"
    if kind in ("node_added", "node_updated"):
        about = [event["node"]["hostname"]]
    elif kind == "run_ended":
        about = [event["run_id"], event["outcome"]]
    else:
        about = [event[name] for name in ("run_id", "block", "hostname") if name in event]
    return " ".join([str(event["seq"]), kind, *about])


def main() -> int:
    parser = argparse.ArgumentParser(description="Prints what happens, an event a line.")
    parser.add_argument("--after", type=int, help="begin after this event; 0 is the beginning")
    parser.add_argument("topics", nargs="*")
    args = parser.parse_args()

    def on_lost(error: plush.UnreachableError) -> None:
        print(f"{error}; looking for it", file=sys.stderr, flush=True)

    with plush.Client(os.environ.get("PLUSH_URL") or None) as client:
        events = client.events(args.after, args.topics, on_lost=on_lost, longest_pause=2.0)
        signal.signal(signal.SIGTERM, signal.default_int_handler)  # as Ctrl-C
        try:
            for event in events:
                print(line_of(event), flush=True)
        except KeyboardInterrupt:
            return 0
        except plush.PlushError as error:
            print(error, file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
