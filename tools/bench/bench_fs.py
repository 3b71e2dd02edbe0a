# SPDX-License-Identifier: Apache-2.0
"""bench fs: files of a directory that the container shares with the host (a volume, a bind mount).

The host has the files in its page cache, as after any first use. "first read" is of a file that the
container has not read before, "again" of one that a guest may have in its own cache. (tools/bench/fs.c
measures the device and the file server without a guest.)"""

import os
import shutil

from conversation import talk
from sampler import Failure

NAME = "fs"
BLOCK = 1 << 20
FILES = 200


def measure(setup, record):
    for subject in setup.subjects(record, NAME, lambda s: s.can_share):
        setup.say(f"fs: {subject.name}")
        name = setup.new_name()
        volume = os.path.join(setup.work, "volume")
        os.makedirs(volume)
        results = {}
        failures = []
        try:
            with talk(subject.command(["/probe", "serve"], name, volume=volume),
                      env=subject.env) as conversation:
                for i in range(1 + max(3, setup.runs // 5)):
                    one = measure_once(setup, conversation, volume, i)
                    for key, value in one.items() if i else ():
                        results.setdefault(key, []).append(value)
        except Failure as failure:
            failures.append(str(failure))
            subject.remove(name)
        finally:
            shutil.rmtree(volume)
        if failures:
            record.add(NAME, subject.name, "container", "ms", [], failures)
        for (what, unit), samples in results.items():
            record.add(NAME, subject.name, what, unit, samples)


def write_block_file(path, mib):
    with open(path, "wb") as f:
        for _ in range(mib):
            f.write(bytes(BLOCK))


def measure_once(setup, conversation, volume, i):
    """All of it once; seconds become rates here."""
    mib = setup.settings["mib"]
    write_block_file(os.path.join(volume, f"new-{i}"), mib)
    rates = {}
    for what, command in (("first read", f"read /data/new-{i} {BLOCK}"),
                          ("read again", f"read /data/new-{i} {BLOCK}"),
                          ("write", f"write /data/out-{i} {mib << 20} {BLOCK}")):
        rates[what, "MiB/s"] = mib / conversation.ask(command)[0]
    if os.path.getsize(os.path.join(volume, f"out-{i}")) != mib << 20:
        raise Failure("the file that was written is not as long as it should be")
    os.makedirs(os.path.join(volume, f"names-{i}"))
    for verb in ("create", "stat", "unlink"):
        took = conversation.ask(f"{verb} /data/names-{i} {FILES}")[0]
        rates[f"{verb} a file", "ms"] = took * 1000 / FILES
        if verb == "create" and len(os.listdir(os.path.join(volume, f"names-{i}"))) != FILES:
            raise Failure("not every file that was created is there")
    for left in (f"new-{i}", f"out-{i}"):
        os.unlink(os.path.join(volume, left))
    return rates
