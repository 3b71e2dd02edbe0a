# SPDX-License-Identifier: Apache-2.0
"""Makes files of every kind in each directory that is named; runs as root in a container."""

import os
import sys

def write(path, data, mode=0o666, flags=0):
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | flags, mode)
    os.write(fd, data)
    os.close(fd)

def contents():
    os.makedirs("deep/er/still")
    write("plain", b"plain\n")
    write("deep/er/no-end", b"no line end")
    write("large", bytes(range(256)) * 4000)
    write("empty", b"")
    write("grown", b"first\n")
    write("grown", b"second\n", flags=os.O_APPEND)
    write("cut", b"longer than this")
    os.truncate("cut", 7)
    write("replaced", b"what was there before")
    write("replaced", b"new", flags=os.O_TRUNC)
    fd = os.open("sparse", os.O_RDWR | os.O_CREAT, 0o604)
    os.pwrite(fd, b"x", 1000000)
    os.pwrite(fd, b"y", 5)
    os.ftruncate(fd, 1000100)
    os.fsync(fd)
    os.close(fd)
    fd = os.open("allocated", os.O_RDWR | os.O_CREAT)
    os.posix_fallocate(fd, 0, 50000)
    os.close(fd)
    fd = os.open("unlinked", os.O_RDWR | os.O_CREAT)
    os.unlink("unlinked")
    os.write(fd, b"into nowhere")
    os.close(fd)

def names():
    write("before", b"moved\n")
    os.rename("before", "after")
    write("over", b"this one stays\n")
    write("under", b"this one goes\n")
    os.rename("over", "under")
    os.rename("deep/er", "deep/erer")
    os.mkdir("gone")
    os.rmdir("gone")
    os.link("plain", "hard-link")
    os.link("deep/erer/no-end", "deep/erer/still/hard")
    os.symlink("plain", "link")
    os.symlink("/no/where", "dangling")
    os.lchown("dangling", 55, 66)
    os.mkfifo("pipe", 0o640)
    for name in ("two  words", "-dash", "new\nline", "äöü", "\\back", "x" * 255):
        write(name, b"")
    write(b"not-utf-8-\xff\xfe", b"bytes")

def owners_and_modes():
    write("other", b"owned\n")
    os.chown("other", 1234, 4321)
    write("owner-only", b"")
    os.chown("owner-only", 33, -1)
    os.mkdir("theirs", 0o750)
    os.chown("theirs", 1000, 1000)
    for name, mode in (("setuid", 0o4755), ("setgid", 0o2750), ("none", 0), ("all", 0o777)):
        write(name, b"#!/bin/sh\n")
        os.chmod(name, mode)
    os.mkdir("sticky")
    os.chmod("sticky", 0o1777)
    os.mkdir("group")
    os.chown("group", -1, 100)
    os.chmod("group", 0o2775)
    write("group/inherits", b"")
    os.mkdir("group/below")
    # chown takes the bits away again
    write("was-setuid", b"")
    os.chmod("was-setuid", 0o4755)
    os.chown("was-setuid", 34, 35)
    os.umask(0)
    write("everyone", b"", 0o666)
    os.mkdir("everyones-directory", 0o777)
    os.umask(0o027)

def times_and_attributes():
    write("dated-file", b"")
    os.mkdir("dated-directory")
    os.symlink("x", "dated-link")
    os.utime("dated-file", ns=(0, 981173106123456789))
    os.utime("dated-directory", ns=(0, 946684799000000000))
    os.utime("dated-link", ns=(0, 2147558400000000000), follow_symlinks=False)
    write("coloured", b"")
    try:
        os.setxattr("coloured", "user.colour", b"pearl")
        os.setxattr("coloured", "user.gone", b"x")
        os.removexattr("coloured", "user.gone")
    except OSError as error:  # tmpfs has no such attributes in older kernels
        write("no-attributes", str(error.errno).encode())

def as_another_user():
    os.chmod(".", 0o777)
    if os.fork() == 0:
        os.setgroups([])
        os.setresgid(33, 33, 33)
        os.setresuid(33, 33, 33)
        write("sticky/mine", b"mine\n")
        os.mkdir("sticky/own", 0o2700)
        write("group-refused" if os.access("theirs", os.W_OK) else "their-own", b"")
        os._exit(0)
    if os.wait()[1] != 0:
        sys.exit("the other user failed")

for top in sys.argv[1:]:
    os.umask(0o027)
    os.chdir(top)
    contents()
    names()
    owners_and_modes()
    times_and_attributes()
    as_another_user()
