#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A resolver for tests: resolver.py ADDRESS PORT, over UDP and TCP.

Every name has the IPv4 address 192.0.2.7. One that begins with "many" has 300 addresses: too many for
a datagram, so that who asks has to ask again over TCP. Other types have no record.
"""

import socket
import struct
import sys
import threading


def answer(question, longest):
    end = 12
    while question[end]:
        end += question[end] + 1
    (kind,) = struct.unpack_from(">H", question, end + 1)
    count = 0
    if kind == 1:
        count = 300 if question[13:17] == b"many" else 1
    records = b"".join(
        b"\xc0\x0c" + struct.pack(">HHIH4B", 1, 1, 60, 4, 192, 0, 2 + i // 200, 7 + i % 200)
        for i in range(count)
    )
    flags = 0x8180
    if end + 5 + len(records) > longest:
        flags, count, records = flags | 0x200, 0, b""
    head = question[:2] + struct.pack(">HHHHH", flags, 1, count, 0, 0)
    return head + question[12 : end + 5] + records


def serve_connection(peer):
    with peer:
        while prefix := peer.recv(2, socket.MSG_WAITALL):
            question = peer.recv(struct.unpack(">H", prefix)[0], socket.MSG_WAITALL)
            text = answer(question, 65535)
            peer.sendall(struct.pack(">H", len(text)) + text)


def serve_connections(listener):
    while True:
        peer, _ = listener.accept()
        threading.Thread(target=serve_connection, args=(peer,), daemon=True).start()


def main():
    at = (sys.argv[1], int(sys.argv[2]))
    listener = socket.create_server(at)
    datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    datagrams.bind(at)
    threading.Thread(target=serve_connections, args=(listener,), daemon=True).start()
    print("ready", flush=True)
    while True:
        question, sender = datagrams.recvfrom(4096)
        datagrams.sendto(answer(question, 512), sender)


main()
