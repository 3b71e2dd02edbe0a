#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The part of the benchmark that runs where KVM is: measures, and prints the document.

    inside.py SETTINGS       (JSON; made by place.py)

Everything that it starts lies in a work directory, which in an emulated host is in memory. Progress
goes to stderr; the document's parts to stdout, a line each, between what is timed.
"""

import json
import os
import sys

import bench_density
import bench_exec
import bench_exits
import bench_fs
import bench_net
import bench_start
import bench_vsock
import machine
import microvms
import record
import sampler
import subjects

BENCHES = {module.NAME: module for module in (bench_start, bench_exits, bench_exec, bench_density,
                                            bench_fs, bench_vsock, bench_net)}
SUBJECTS = {subject.name: subject for subject in (*subjects.ALL[:4], microvms.QemuMicrovm,
                                                  *subjects.ALL[4:], *microvms.ALL[1:])}


class Setup:
    """What every benchmark needs to know of this run."""

    def __init__(self, settings):
        self.settings = settings
        self.build = settings["build"]
        self.work = settings["work"]
        self.runs = settings["runs"]
        self.warmup = settings["warmup"]
        self.memory_mib = settings["memory_mib"]
        self.rootfs = os.path.join(self.work, "rootfs")
        self.probe = os.path.join(self.work, "probe")
        self.sample = os.path.join(self.work, "sample")
        self.place = os.environ.get("NACRE_KVMHOST", "direct")
        self.versions = {}
        self._n = 0
        self._subjects = {}     # by name: each is prepared once

    def say(self, text):
        print(f"bench: {text}", file=sys.stderr, flush=True)

    def new_name(self):
        self._n += 1
        return f"bench-{os.getpid()}-{self._n:06}"      # none is the beginning of another

    def _subject(self, name):
        if name not in self._subjects:
            self._subjects[name] = SUBJECTS[name](self)
        return self._subjects[name]

    def subjects(self, log, bench, suitable=lambda subject: True):
        """The subjects that were asked for, are here, and suit; the others are skipped with a reason.
        One that cannot be prepared is a failure."""
        for name in self.settings["subjects"] or SUBJECTS:
            subject = self._subject(name)
            if not suitable(subject) or subject.benches and bench not in subject.benches:
                continue
            reason = subject.missing()
            if reason:
                log.skip(bench, name, reason)
                continue
            if name not in self.versions:
                self.versions[name] = subject.version()
                emit("versions", self.versions)
            try:
                subject.prepare()
            except sampler.Failure as failure:
                log.add(bench, name, "set-up", "ms", [], [str(failure)])
                continue
            yield subject


def main():
    settings = json.loads(sys.argv[1])
    setup = Setup(settings)
    log = record.Record(lambda result: emit("result", result), setup.say,
                        {setup.work: "WORK", setup.build: "BUILD"})
    shown = ("benches", "subjects", "runs", "warmup", "memory_mib", "mib", "vms", "parallel")
    emit("place", setup.place)
    emit("settings", {key: settings[key] for key in shown})
    emit("machine", machine.facts())
    setup.versions["guest kernel"] = machine.kernel_version(
        os.path.join(setup.build, "share/nacre/vmlinux"))
    for name in settings["benches"]:
        BENCHES[name].measure(setup, log)
    emit("end", True)


def emit(key, value):
    print(json.dumps({key: value}), flush=True)


if __name__ == "__main__":
    main()
