"""Barriers for programs that Plush starts, with the standard library alone.

    import plush_barrier

    plush_barrier.enter("ready to stream")            # returns when the barrier has released this node
    with plush_barrier.inside("measure") as fence:    # a semaphore: one of few, with the number of its lease
        measure(fence)

The program reaches its node's agent through the Unix socket that PLUSH_BARRIER_SOCKET names, one JSON object a line
(docs/barriers.md). An agent that is started anew meanwhile is asked again; entering
twice is entering once, but for a semaphore that was left in between.
"""
import contextlib
import json
import os
import socket
import time

__all__ = ["BarrierRefusal", "LeaseExpired", "enter", "leave", "status", "inside"]

_RETRY_S = 0.25


class BarrierRefusal(Exception):
    """The barrier refuses. ``code`` is a symbol such as NOT_A_PARTICIPANT or BARRIER_NOT_FOUND."""

    def __init__(self, code, message):
        super().__init__(f"{code}: {message}")
        self.code = code


class LeaseExpired(Exception):
    """A place of a semaphore was held for longer than its hold_timeout: another may have been inside since."""


def enter(barrier, label=None, wait=True, own=False, timeout=None):
    """Enters a barrier, with ``wait`` until it releases; answers how this participant stands, as a dict.

    ``state`` is released, or inside with ``fence`` (a semaphore), waiting (without ``wait``), or for a latecomer catchup
    with ``go_on_at``, or removed. ``own``: the task enters for itself and not for its node. ``timeout`` in seconds.
    Raises BarrierRefusal, and TimeoutError; what was entered stays entered.
    """
    question = {"op": "enter", "barrier": barrier, "wait": wait}
    if label is not None:
        question["label"] = label
    return _ask(question, own, timeout)


def leave(barrier, own=False, timeout=None, fence=None):
    """Leaves a semaphore, or the line before it. It may be entered again, for a new place and number.

    Where the lease ran out before, ``cause`` is expired. ``fence``: the lease that is meant; a newer one is left alone.
    """
    return _ask({"op": "leave", "barrier": barrier, **_lease(fence)}, own, timeout)


def status(barrier, own=False, timeout=None, fence=None):
    """How this task's node (``own``: the task), or its lease ``fence``, stands at the barrier."""
    return _ask({"op": "status", "barrier": barrier, **_lease(fence)}, own, timeout)


def _lease(fence):
    return {} if fence is None else {"fence": fence}


@contextlib.contextmanager
def inside(barrier, label=None, own=False, timeout=None):
    """A place inside a semaphore, left at the end; gives the number of the lease.

    Raises LeaseExpired at the end when the lease ran out before.
    """
    fence = enter(barrier, label=label, own=own, timeout=timeout).get("fence")
    try:
        yield fence
    except BaseException:
        leave(barrier, own=own, fence=fence)
        raise
    if leave(barrier, own=own, fence=fence).get("cause") == "expired":
        raise LeaseExpired(f'the lease {fence} of "{barrier}" ran out before it was left')


def _ask(question, own, timeout):
    path, task = os.environ.get("PLUSH_BARRIER_SOCKET"), os.environ.get("PLUSH_TASK")
    if not path or not task:
        raise RuntimeError(
            "PLUSH_BARRIER_SOCKET and PLUSH_TASK are not set: only tasks that Plush has started reach barriers"
        )
    line = json.dumps({**question, "task": task, "own": own}).encode() + b"\n"
    deadline = None if timeout is None else time.monotonic() + timeout
    while True:
        answer = _once(path, line, deadline)
        if answer is not None:
            break
        if deadline is not None and time.monotonic() >= deadline:
            raise TimeoutError("the agent does not answer")
        time.sleep(_RETRY_S)
    standing = json.loads(answer)
    if not standing.pop("ok"):
        raise BarrierRefusal(standing.get("code", "UNKNOWN"), standing.get("message", "the agent refused"))
    return standing


def _once(path, line, deadline):
    """One question on a connection of its own; None when the agent is not there, or goes before it answers."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as link:
        if deadline is not None:
            link.settimeout(max(0.001, deadline - time.monotonic()))
        try:
            link.connect(path)
            link.sendall(line)
            answer = b""
            while not answer.endswith(b"\n"):
                more = link.recv(65536)
                if not more:
                    return None
                answer += more
            return answer
        except socket.timeout:
            raise TimeoutError("the barrier did not release in time") from None
        except PermissionError:
            raise
        except OSError:
            return None
