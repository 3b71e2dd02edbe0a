# SPDX-License-Identifier: Apache-2.0
"""bench vsock: bytes through the standard streams, which nacre carries over virtio-vsock and its
monitor, and the peers hand to the program as they are. Every byte is checked, outside the time."""

from conversation import talk
from sampler import Failure

NAME = "vsock"


def measure(setup, record):
    size = setup.settings["mib"] << 20
    for subject in setup.subjects(record, NAME, lambda s: s.can_share):
        setup.say(f"vsock: {subject.name}")
        name = setup.new_name()
        into, out = [], []
        failures = []
        try:
            with talk(subject.command(["/probe", "serve"], name), env=subject.env) as conversation:
                for i in range(1 + max(3, setup.runs // 5)):
                    times = conversation.send(size), conversation.receive(size)
                    if i:
                        into.append(setup.settings["mib"] / times[0])
                        out.append(setup.settings["mib"] / times[1])
        except Failure as failure:
            failures.append(str(failure))
            subject.remove(name)
        record.add(NAME, subject.name, "into stdin", "MiB/s", into, failures)
        record.add(NAME, subject.name, "out of stdout", "MiB/s", out)
