# SPDX-License-Identifier: Apache-2.0
"""bench start: from the fork of the command to the first instruction of the program, and to its end.

Two programs: the probe, whose first system call tells when it runs, and busybox's /bin/true. Of nacre
also its phases (nacre run --timing) in every sample, and the exits of its vCPU to user space."""

import json
import os

import sampler
from conversation import talk

NAME = "start"


def measure(setup, record):
    for subject in setup.subjects(record, NAME):
        measure_probe(setup, record, subject)
        if subject.speaks:
            measure_way(setup, record, subject)
        measure_true(setup, record, subject)


def measure_probe(setup, record, subject):
    timing = os.path.join(setup.work, "timing.json") if subject.can_time else None
    phases, exits = [], []

    def once():
        name = setup.new_name()
        more = {"timing": timing} if timing else {}
        try:
            times = sampler.once(setup.sample, subject.command(["/probe"], name, **more),
                                 needs_output=subject.speaks, env=subject.env)
        except sampler.Failure:
            subject.remove(name)
            raise
        if timing:
            times.update(read_timing(timing))
        return times

    setup.say(f"start: {subject.name}, the probe")
    good, failures = sampler.series(once, setup.runs, setup.warmup)
    for times in good:
        if timing:
            phases.append(phases_of(times))
            exits.append(times["exits"])
    if subject.speaks:
        record.add(NAME, subject.name, "command to first instruction", "ms",
                   [sampler.milliseconds(t, "first") for t in good], failures)
    record.add(NAME, subject.name, "command to exit", "ms",
               [sampler.milliseconds(t, "exited") for t in good],
               () if subject.speaks else failures, phases=phases, exits=exits)


def measure_true(setup, record, subject):
    def once():
        name = setup.new_name()
        try:
            return sampler.once(setup.sample, subject.command(["/bin/true"], name), needs_output=False,
                                env=subject.env)
        except sampler.Failure:
            subject.remove(name)
            raise

    setup.say(f"start: {subject.name}, /bin/true")
    good, failures = sampler.series(once, setup.runs, setup.warmup)
    record.add(NAME, subject.name, "command to exit, /bin/true", "ms",
               [sampler.milliseconds(t, "exited") for t in good], failures)


def measure_way(setup, record, subject):
    """By the guest's clock, which is compared with the caller's (Conversation.first_instruction)."""
    name = setup.new_name()
    samples, failures, bounds = [], [], []
    try:
        with talk(subject.command(["/probe", "serve"], name), env=subject.env) as conversation:
            least, most = conversation.first_instruction()
            first_output = conversation.first_output
        samples = [(first_output - (least + most) / 2) * 1000]
        bounds = [(first_output - at) * 1000 for at in (most, least)]
    except sampler.Failure as failure:
        failures = [str(failure)]
        subject.remove(name)
    record.add(NAME, subject.name, "of that, the first output on its way", "ms", samples, failures,
               bounds=bounds)


def read_timing(path):
    with open(path, encoding="utf-8") as f:
        timing = json.load(f)
    os.unlink(path)
    return {"phases": timing["ns"], "exits": timing["exits"]}


def phases_of(times):
    """Every stamp of nacre and its VMM and of the caller as ms since the fork, in order of time. A stamp
    that was not reached is 0 in the file, and left out."""
    stamps = {name: ns for name, ns in times["phases"].items() if ns}
    stamps["first_output"] = times["first"]
    stamps["exit_seen"] = times["exited"]
    return {name: (ns - times["spawned"]) / 1e6
            for name, ns in sorted(stamps.items(), key=lambda item: item[1])}
