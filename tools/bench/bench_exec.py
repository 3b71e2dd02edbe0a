# SPDX-License-Identifier: Apache-2.0
"""bench exec: a process that joins a running container, from the fork of the command to the first
instruction of the program and to its end; and one message to a program that runs, there and back."""

import sampler
from conversation import talk

NAME = "exec"
MESSAGES = 10


def measure(setup, record):
    for subject in setup.subjects(record, NAME, lambda s: s.can_exec):
        setup.say(f"exec: {subject.name}")
        name = setup.new_name()
        try:
            with talk(subject.command(["/probe", "serve"], name), env=subject.env) as conversation:
                measure_exec(setup, record, subject, name)
                measure_messages(setup, record, subject, conversation)
        except sampler.Failure as failure:
            record.add(NAME, subject.name, "container", "ms", [], [str(failure)])
            subject.remove(name)


def measure_exec(setup, record, subject, name):
    def once():
        return sampler.once(setup.sample, subject.exec_command(["/probe"], name), env=subject.env)

    good, failures = sampler.series(once, setup.runs, setup.warmup)
    for until, what in (("first", "command to first instruction"), ("exited", "command to exit")):
        record.add(NAME, subject.name, what, "ms", [sampler.milliseconds(t, until) for t in good],
                   failures if until == "first" else ())


def measure_messages(setup, record, subject, conversation):
    """A line through stdin and its answer through stdout, the mean of a few each time."""
    samples = []
    for i in range(setup.warmup + setup.runs):
        took = sum(conversation.ask("noop")[0] for _ in range(MESSAGES))
        if i >= setup.warmup:
            samples.append(took / MESSAGES * 1000)
    record.add(NAME, subject.name, "message and answer", "ms", samples)
