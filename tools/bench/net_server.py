#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The host's side of bench net: net_server.py BYTES. A connection to the one port is given BYTES of
the pattern, one to the other has to give as many, or the server ends. Until stdin is at its end."""

import selectors
import socket
import sys

from bench_net import GIVES, HOST, TAKES
from conversation import BLOCK, PATTERN


def give(connection, size):
    for at in range(0, size, BLOCK):
        connection.sendall(PATTERN[:size - at])


def take(connection, size):
    while size > 0:
        data = connection.recv(1 << 20)
        if not data:
            sys.exit("net_server: the connection ended too early")
        size -= len(data)


def main():
    size = int(sys.argv[1])
    waiting = selectors.DefaultSelector()
    waiting.register(sys.stdin, selectors.EVENT_READ)
    for port, action in ((GIVES, give), (TAKES, take)):
        waiting.register(socket.create_server((HOST, port)), selectors.EVENT_READ, action)
    print("listening", flush=True)
    while True:
        for key, _ in waiting.select():
            if key.data is None:
                return
            connection, _ = key.fileobj.accept()
            with connection:
                key.data(connection, size)


if __name__ == "__main__":
    main()
