# SPDX-License-Identifier: Apache-2.0
"""bench net: one TCP connection from the container to the host, over a veth pair whose one end is in
the network namespace that the container's configuration names: what an engine gives a container.
nacre takes that end over with a tap, the peers' programs use it as it is."""

import contextlib
import os
import subprocess
import sys

from conversation import sum_of_pattern, talk
from sampler import Failure

NAME = "net"
HOST, CONTAINER = "192.0.2.1", "192.0.2.2"      # RFC 5737: for documentation, nobody's
GIVES, TAKES = 5001, 5002


def measure(setup, record):
    suited = setup.subjects(record, NAME, lambda s: s.can_share)
    try:
        with network() as (world, inner), server(world, setup.settings["mib"] << 20):
            for subject in suited:
                setup.say(f"net: {subject.name}")
                measure_subject(setup, record, subject, inner)
    except (OSError, subprocess.CalledProcessError) as error:
        record.skip(NAME, "all", f"no network could be made: {error}")


def ip(*words):
    subprocess.run(["ip", *words], check=True, stdin=subprocess.DEVNULL)


@contextlib.contextmanager
def network():
    """Two network namespaces and the pair between them. This machine's own is not touched. Names them;
    `ip netns` keeps them in /run/netns."""
    world, inner = f"nacre-bench-w{os.getpid()}", f"nacre-bench-c{os.getpid()}"
    made = []
    try:
        for name in (world, inner):
            ip("netns", "add", name)
            made.append(name)
        ip("-n", world, "link", "add", "veth0", "type", "veth", "peer", "name", "eth0", "netns", inner)
        ip("-n", world, "addr", "add", f"{HOST}/24", "dev", "veth0")
        ip("-n", world, "link", "set", "veth0", "up")
        ip("-n", inner, "addr", "add", f"{CONTAINER}/24", "dev", "eth0")
        ip("-n", inner, "link", "set", "eth0", "up")
        yield world, inner
    finally:
        for name in made:
            ip("netns", "del", name)


@contextlib.contextmanager
def server(world, size):
    """net_server.py on the other side."""
    path = os.path.join(os.path.dirname(os.path.realpath(__file__)), "net_server.py")
    process = subprocess.Popen(["ip", "netns", "exec", world, sys.executable, path, str(size)],
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        if process.stdout.readline() != b"listening\n":
            raise OSError("the server does not listen")
        yield
    finally:
        process.stdin.close()
        process.stdout.close()
        process.wait()


def measure_subject(setup, record, subject, inner):
    mib = setup.settings["mib"]
    name = setup.new_name()
    into, out, failures = [], [], []
    try:
        command = subject.command(["/probe", "serve"], name, network=f"/run/netns/{inner}")
        with talk(command, env=subject.env) as conversation:
            for i in range(1 + max(3, setup.runs // 5)):
                took, words = conversation.ask(f"net-take {HOST} {GIVES} {mib << 20}")
                if int(words[0]) != sum_of_pattern(mib << 20):
                    raise Failure("what arrived is not what was sent")
                gave = conversation.ask(f"net-give {HOST} {TAKES} {mib << 20}")[0]
                if i:
                    into.append(mib / took)
                    out.append(mib / gave)
    except Failure as failure:
        failures.append(str(failure))
        subject.remove(name)
    record.add(NAME, subject.name, "TCP into the container", "MiB/s", into, failures)
    record.add(NAME, subject.name, "TCP out of the container", "MiB/s", out)
