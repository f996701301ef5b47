"""A process with all readers loaded, of which a copy is made for every request: that takes milliseconds, a fresh start half a second.

It has one thread and none of the server's memory, and never reads a file itself. On its standard input, a socket, it takes orders of nine
bytes: "S" with two descriptors starts a copy that reads its request from one and answers on the other, and is answered by its number;
"E" and a number ends that copy, and is answered by how it has ended. It ends with the socket, and all copies with it.
"""

from __future__ import annotations

import gc
import os
import signal
import socket

from vqseg.data.apart.child import answer

ORDER = 9
"""Bytes of an order. Answers have eight: a number of a process, or how it has ended, as Popen.returncode with a sign."""


def main() -> None:
    """Take orders until the socket is closed."""
    # What is loaded stays shared with the copies.
    gc.freeze()
    children: set[int] = set()
    with socket.socket(fileno=0) as orders:
        while True:
            order, handed, _, _ = socket.recv_fds(orders, ORDER, 2)
            if len(order) < ORDER:
                break
            number = told = int.from_bytes(order[1:], "little")
            if order[:1] == b"S":
                told = _started(orders, handed)
                children.add(told)
            elif number in children:
                told = _ended(number)
                children.discard(number)
            orders.sendall(told.to_bytes(8, "little", signed=True))
        for number in children:
            _ended(number)


def _started(orders: socket.socket, handed: list[int]) -> int:
    number = os.fork()
    if number:
        for one in handed:
            os.close(one)
        return number
    try:
        # A group of its own, which ends together: a decoder may have a process as well.
        os.setsid()
        orders.close()
        with os.fdopen(handed[0], "rb") as request, os.fdopen(handed[1], "wb") as answers:
            answer(request, answers)
    finally:
        os._exit(0)


def _ended(number: int) -> int:
    for end in (os.killpg, os.kill):
        try:
            end(number, signal.SIGKILL)
        except ProcessLookupError:
            continue
    _, status = os.waitpid(number, 0)
    return os.waitstatus_to_exitcode(status)


if __name__ == "__main__":
    main()
