# SPDX-License-Identifier: Apache-2.0
"""bench density: how many starts in a second when 1, 4, 16, 64 are asked for at once, and what memory
containers have that run and wait."""

import os
import time

import image
import machine
import memory
from conversation import Conversation
from sampler import Failure

NAME = "density"
RESERVE_KIB = 512 * 1024    # left to the machine: a benchmark is no test of the OOM killer


def measure(setup, record):
    for subject in setup.subjects(record, NAME, lambda s: s.speaks and not s.name.startswith("podman")):
        for at_once in setup.settings["parallel"]:
            setup.say(f"density: {subject.name}, {at_once} at once")
            measure_rate(setup, record, subject, at_once)
        setup.say(f"density: {subject.name}, memory")
        measure_memory(setup, record, subject)


class Fleet:
    """Containers that run and wait."""

    def __init__(self, setup, subject):
        self.setup, self.subject = setup, subject
        self.members = []       # (name, Conversation)

    def launch(self):
        name = self.setup.new_name()
        conversation = Conversation(self.subject.command(["/probe", "serve"], name),
                                    env=self.subject.env)
        self.members.append((name, conversation))
        return conversation

    def end(self):
        """Ends all of them, together; the texts of those that did not end well."""
        failures = []
        for _, conversation in self.members:
            conversation.hang_up()
        for name, conversation in self.members:
            try:
                conversation.close()
            except Failure as failure:
                failures.append(str(failure))
                self.subject.remove(name)
        self.members = []
        return failures


def measure_rate(setup, record, subject, at_once):
    """From the first fork to the last one's first output. One failed start fails the sample."""
    rates, failures = [], []
    room = machine.available_kib() - RESERVE_KIB
    if subject.kind == "vm" and at_once * setup.memory_mib * 1024 > room:
        record.skip(NAME, subject.name, f"{at_once} at once: {room // 1024} MiB are free, "
                    f"too few for as many machines of {setup.memory_mib} MiB")
        return
    for i in range(setup.warmup + max(3, setup.runs // 10)):
        fleet = Fleet(setup, subject)
        began = time.monotonic()
        wrong = []
        try:
            for conversation in [fleet.launch() for _ in range(at_once)]:
                conversation.wait()
            rate = at_once / (time.monotonic() - began)
        except Failure as failure:
            wrong.append(str(failure))
        wrong += fleet.end()
        failures += wrong
        if not wrong and i >= setup.warmup:
            rates.append(rate)
    record.add(NAME, subject.name, f"starts, {at_once} at once", "1/s", rates, failures,
               at_once=at_once)


def measure_memory(setup, record, subject):
    """Containers one after the other, until there are as many as asked for or memory is used up."""
    fleet, failures, wanted = Fleet(setup, subject), [], setup.settings["vms"]
    before = machine.available_kib()
    full = False
    while len(fleet.members) < wanted and not full and not failures:
        try:
            fleet.launch().wait()
        except Failure as failure:
            failures.append(str(failure))
        full = machine.available_kib() < RESERVE_KIB + setup.memory_mib * 1024
    used = before - machine.available_kib()
    n = len(fleet.members)
    series = [] if failures else list(memory_series(setup, subject, fleet))
    failures += fleet.end()
    if not failures:
        for measure, unit, values, detail in series:
            record.add(NAME, subject.name, measure, unit, values, **detail)
    record.add(NAME, subject.name, f"less available memory, each of {n}", "KiB",
               [] if failures else [used / n], failures, n=n, memory_full=full)


def memory_series(setup, subject, fleet):
    """Of containers that wait: (measure, unit, values, details)."""
    guest_kib = setup.memory_mib * 1024 if subject.kind == "vm" else 0
    each = [memory.of_container(conversation.process.pid, name, guest_kib)
            for name, conversation in fleet.members]
    for program in each[0]:
        for key in ("private", "shared", "proportional", "guest"):
            values = [found[program][key] for found in each if program in found]
            if any(values):
                yield f"{program}: {key}", "KiB", values, {"program": program, "memory": key}
    groups = [kib for name, _ in fleet.members if (kib := memory.cgroup_kib(name)) is not None]
    if groups:      # a monitor that nobody put into a cgroup has none
        yield "memory.current of its cgroup", "KiB", groups, {}
    yield from image_series(setup, fleet, guest_kib)


def image_series(setup, fleet, guest_kib):
    """How much of the kernel's image each guest has left as it was loaded."""
    kernel = os.path.join(setup.build, "share/nacre/vmlinux")
    counts = []
    for conversation in (conversation for _, conversation in fleet.members):
        for pid in memory.descendants(conversation.process.pid, memory.processes()):
            found = image.of_process(pid, guest_kib, kernel) if guest_kib else None
            counts += [found] if found else []
    for address in counts[0] if counts else ():
        for what, index in (("pages", 0), ("of these as in the file", 1)):
            yield f"kernel's image at {address:#x}: {what}", "1", [count[address][index] for count in counts], {}
