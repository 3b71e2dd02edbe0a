#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What conmon and containerd's shim do with an OCI runtime, as far as tests need it.

  engine.py [--tty] [--signal NAME] RUNTIME [GLOBAL OPTION...] ID

Creates the container of ./bundle, as a subreaper that reads the container's output, starts it, sends
it the signal by its pid once it has written a line, waits for that pid, deletes it. Prints what
came, line by line: "created", "output TEXT", "exit N" or "signal N".
"""
import array
import ctypes
import fcntl
import os
import signal
import socket
import struct
import subprocess
import sys
import termios

PR_SET_CHILD_SUBREAPER = 36


def receive_terminal(listener):
    """The master of the terminal: one descriptor, its name as payload."""
    connection, _ = listener.accept()
    fds = array.array("i")
    name, ancillary, _, _ = connection.recvmsg(256, socket.CMSG_SPACE(fds.itemsize))
    for level, kind, data in ancillary:
        if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
            fds.frombytes(data[: fds.itemsize])
    print("terminal", "named" if name.startswith(b"/dev/pts/") else name, len(fds))
    return fds[0]


def read_output(fd):
    """One piece of output; nothing at its end, which a terminal tells with EIO."""
    try:
        return os.read(fd, 65536)
    except OSError:
        return b""


def main():
    args = sys.argv[1:]
    tty = args[0] == "--tty"
    if tty:
        args.pop(0)
    signo = None
    if args[0] == "--signal":
        signo = getattr(signal, "SIG" + args[1])
        args = args[2:]
    runtime, container = args[:-1], args[-1]
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)

    create = runtime + ["create", "--bundle", "bundle", "--pid-file", os.path.abspath("pid")]
    output, theirs = os.pipe()
    if tty:
        listener = socket.socket(socket.AF_UNIX)
        listener.bind("console.sock")
        listener.listen()
        create += ["--console-socket", os.path.abspath("console.sock")]
    child = subprocess.Popen(create + [container], stdin=subprocess.DEVNULL, stdout=theirs,
                             stderr=theirs)
    os.close(theirs)
    if tty:
        # nothing that lives on may hold what create wrote to
        text = b"".join(iter(lambda: read_output(output), b""))
        output = receive_terminal(listener)
        if text:
            print("create wrote", text)
    if child.wait() != 0:
        print("create failed", read_output(output))
        return 1
    with open("pid", encoding="ascii") as file:
        text = file.read()
    pid = int(text)
    print("created", "digits" if text == str(pid) else repr(text))
    sys.stdout.flush()

    if tty:
        fcntl.ioctl(output, termios.TIOCSWINSZ, struct.pack("HHHH", 33, 77, 0, 0))
    if subprocess.run(runtime + ["start", container], check=False).returncode != 0:
        print("start failed")
    text = b""
    while data := read_output(output):
        text += data
        if signo is not None and b"\n" in text:
            os.kill(pid, signo)
            signo = None
    for line in text.decode().splitlines():
        print("output", line)
    status = os.waitpid(pid, 0)[1]
    if os.WIFSIGNALED(status):
        print("signal", os.WTERMSIG(status))
    else:
        print("exit", os.WEXITSTATUS(status))
    return subprocess.run(runtime + ["delete", container], check=False).returncode


sys.exit(main())
