# SPDX-License-Identifier: Apache-2.0
"""bench exits: why the processor left the guest, as KVM itself counts it (debugfs), from the start of
a machine until its program waits for a command. What went on to user space is among bench start's."""

import glob
import os

import memory
from conversation import talk
from sampler import Failure

NAME = "exits"
DEBUGFS = "/sys/kernel/debug/kvm"


def measure(setup, record):
    for subject in setup.subjects(record, NAME, lambda s: s.kind == "vm" and s.speaks
                                  and not s.name.startswith("podman")):
        if not os.path.isdir(DEBUGFS):
            record.skip(NAME, subject.name, f"no {DEBUGFS}: debugfs is not mounted, or not for us")
            continue
        setup.say(f"exits: {subject.name}")
        name = setup.new_name()
        before = machines()
        try:
            with talk(subject.command(["/probe", "serve"], name), env=subject.env) as conversation:
                counts = counters(machines() - before, memory.pids_of(conversation.process.pid, name))
        except Failure as failure:
            record.add(NAME, subject.name, "exits in all", "1", [], [str(failure)])
            subject.remove(name)
            continue
        if "exits" not in counts:
            record.skip(NAME, subject.name, f"KVM shows no counters of it in {DEBUGFS}")
            continue
        record.add(NAME, subject.name, "exits in all", "1", [counts["exits"]], kvm=counts)


def machines():
    return set(glob.glob(f"{DEBUGFS}/*-*"))


def counters(directories, pids):
    """
    KVM's counters of the machine that one of the processes holds, DEBUGFS/PID-FD/NAME, or that was made by one that is
    gone: nacre-vmm has its machine made in another cgroup (vmm/kvm_apart.h).
    """
    found = {}
    for directory in directories:
        pid = int(os.path.basename(directory).split("-")[0])
        if pid not in pids and os.path.exists(f"/proc/{pid}"):
            continue
        for entry in os.scandir(directory):
            if entry.is_file():
                try:
                    with open(entry.path, encoding="utf-8") as f:
                        found[entry.name] = int(f.read())
                except (OSError, ValueError):
                    continue        # histograms, which are no numbers
    return found
