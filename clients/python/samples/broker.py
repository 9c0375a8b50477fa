"""A broker outside of Plush: it owns machines and lends them to a plushd on leases.

    python3 broker.py --offer FILE [--lease SECONDS] [--name NAME]

FILE is a JSON array of what it lends, each as plushAddNode takes it: [{"hostname": "first.example.org", "user": "me"}]. It is
read again before each lease is renewed. A machine that is no longer offered, or that Plush has marked failed, is not renewed: it is
taken back when its lease expires. On SIGTERM and Ctrl-C all are taken back at once. A broker that is started again takes up the
leases of its name. A token with the scope broker is enough.

The plushd is the one of this machine ($PLUSH_STATE), or that of $PLUSH_URL.
"""
import argparse
import json
import os
import signal
import sys
import time
from datetime import datetime, timedelta, timezone
from typing import Any, Dict, Iterable, List

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import plush

Node = Dict[str, Any]

RENEW_AT = 2 / 3  # a lease is renewed when this part of it is left, so that one lost attempt does not end it


class Broker:
    def __init__(self, client: plush.Client, offer_file: str, lease_s: float, name: str) -> None:
        self.client, self.offer_file, self.lease_s, self.name = client, offer_file, lease_s, name

    def lend_until_interrupted(self) -> None:
        while True:
            try:
                self.review()
            except plush.UnreachableError as error:
                print(f"{error}; looking for it", file=sys.stderr, flush=True)
            time.sleep(self.lease_s / 6)

    def review(self) -> None:
        """Renews what is due, adds what is new, takes back what has expired."""
        with open(self.offer_file, encoding="utf-8") as file:
            offer: List[Node] = json.load(file)
        held = {node["hostname"]: node for node in self.leases()}
        offered = {machine["hostname"] for machine in offer}
        self.lend([machine for machine in offer if self.is_due(held.get(machine["hostname"]))], held)
        expired = [node for node in held.values() if self.left(node) <= 0]
        self.take_back((node for node in expired if node["hostname"] not in offered), "no longer offered")
        self.take_back((node for node in expired if node["hostname"] in offered and self.is_bad(node)), "failed")

    def is_due(self, node: Any) -> bool:
        return node is None or (not self.is_bad(node) and self.left(node) < self.lease_s * RENEW_AT)

    @staticmethod
    def is_bad(node: Node) -> bool:
        """Failed for another reason than that nobody renewed its lease in time."""
        return node["state"] == "failed" and node.get("failure", {}).get("cause") != "lease_expired"

    @staticmethod
    def left(node: Node) -> float:
        """Seconds that are left of the node's lease."""
        text = node["lease"].get("expires", "1970-01-01T00:00:00.000Z").rstrip("Z")
        expires = datetime.fromisoformat(text).replace(tzinfo=timezone.utc)
        return (expires - datetime.now(timezone.utc)).total_seconds()

    def lend(self, machines: List[Node], held: Dict[str, Node]) -> None:
        moment = datetime.now(timezone.utc) + timedelta(seconds=self.lease_s)
        expires = moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"
        calls = []
        for machine in machines:
            lease = {"id": f"{self.name}/{machine['hostname']}", "expires": expires}
            calls.append(("plushAddNode", [{**machine, "lease": lease}]))
        for machine, answer in zip(machines, self.client.batch(calls)):
            name = machine["hostname"]
            if isinstance(answer, plush.PlushFault):
                print(f"{name}: {answer}", file=sys.stderr, flush=True)
            else:
                print(f"{'renewed' if name in held else 'lent'} {name} until {expires}", flush=True)

    def take_back(self, nodes: Iterable[Node], why: str) -> None:
        names = [node["hostname"] for node in nodes]
        for name, answer in zip(names, self.client.batch([("plushRemoveNode", [name]) for name in names])):
            # Somebody else has removed it: that is as good.
            if isinstance(answer, plush.PlushFault) and answer.symbol != "NODE_NOT_FOUND":
                print(f"{name}: {answer}", file=sys.stderr, flush=True)
            else:
                print(f"took back {name}: {why}", flush=True)

    def leases(self) -> List[Node]:
        """The nodes with a lease of this broker."""
        mine: List[Node] = []
        page: Dict[str, Any] = {"limit": 1000}
        while True:
            answer = self.client.plushListNodes(page)
            mine += [node for node in answer["nodes"] if node.get("lease", {}).get("id", "").startswith(f"{self.name}/")]
            if "cursor" not in answer:
                return mine
            page["cursor"] = answer["cursor"]


def main() -> int:
    parser = argparse.ArgumentParser(description="Lends machines to a plushd on leases.")
    parser.add_argument("--offer", required=True, help="JSON array of machines, as plushAddNode takes them")
    parser.add_argument("--lease", type=float, default=60.0, help="seconds")
    parser.add_argument("--name", default="sample-broker")
    args = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # as Ctrl-C
    with plush.Client(os.environ.get("PLUSH_URL") or None) as client:
        broker = Broker(client, args.offer, args.lease, args.name)
        try:
            broker.lend_until_interrupted()
        except KeyboardInterrupt:
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, signal.SIG_IGN)
            broker.take_back(broker.leases(), "the broker ends")
        except (plush.PlushError, OSError, ValueError) as error:
            print(error, file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
