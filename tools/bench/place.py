# SPDX-License-Identifier: Apache-2.0
"""Takes a benchmark to where KVM is (tools/kvmhost) and brings the document back.

Everything that is measured is copied into one work directory, which tools/kvmhost puts into the memory
of an emulated host, with the programs of the peers: nothing that is timed reads this machine's files.
"""

import encodings.ascii  # noqa: F401 (these are loaded only when used: copy_python() is to see them)
import encodings.idna  # noqa: F401
import json
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile

import inside
import record
import subjects

HERE = os.path.dirname(os.path.realpath(__file__))
PYTHON = "/usr/bin/python3"
PROGRAMS = ("crun", "runc", "runsc", "podman", "qemu-system-x86_64", "firecracker", "ip")


def run(settings, mode, timeout, keep_messages):
    """Measures as SETTINGS say; MODE is an option of tools/kvmhost, or None. The document."""
    work = tempfile.mkdtemp(prefix="nacre-bench.")
    try:
        prepare(work, settings["build"])
        settings = {**settings, "work": work}
        command = [os.path.join(HERE, "../kvmhost"), "--no-stdin", "--timeout", str(timeout),
                   *([mode] if mode else []), *([] if keep_messages else ["--quiet"])]
        for path in hot_files(work, settings, mode):
            command += ["--hot", path]
        command += ["--module", "veth"] if "net" in settings["benches"] else []
        command += ["--append", "cgroup2.favordynmods"] if settings["favordynmods"] else []
        command += ["--append", settings["append"]] if settings["append"] else []
        command += ["--env", "PYTHONHASHSEED=0", "--env", "PYTHONDONTWRITEBYTECODE=1"]
        if mode == "--deterministic":
            command += ["--env", f"PYTHONHOME={work}/python"]
        command += ["--", PYTHON, os.path.join(work, "bench/inside.py"), json.dumps(settings)]
        result = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
        return assemble(result.stdout.splitlines(), f"status {result.returncode}")
    finally:
        shutil.rmtree(work)


def assemble(lines, ending):
    """The document of what inside.py printed. A run that came to no end is a failure among the results."""
    parts, results = {}, []
    for line in lines:
        try:
            (key, value), = json.loads(line).items()
        except ValueError:
            break       # the line in which it died
        if key == "result":
            results.append(value)
        else:
            parts[key] = value
    if "machine" not in parts:
        raise RuntimeError(f"nothing was measured: {ending}")
    if "end" not in parts:
        log = record.Record(results.append, lambda text: print(f"bench: {text}", file=sys.stderr))
        log.add("run", "bench", "its end", "ms", [], [f"the run ended early: {ending}"])
    return record.document(parts["place"], parts["settings"], parts["machine"],
                           parts.get("versions", {}), results)


def prepare(work, build):
    """The work directory: root file system, probe, sampler, these modules, and their Python."""
    os.chmod(work, 0o755)
    rootfs = os.path.join(work, "rootfs")
    subprocess.run(["cp", "-a", os.path.join(build, "share/nacre/rootfs"), rootfs], check=True)
    for name in ("probe", "sample"):
        shutil.copy(os.path.join(build, "bench", name), work)
    shutil.copy(os.path.join(build, "bench/probe"), rootfs)
    os.makedirs(os.path.join(rootfs, "data"), exist_ok=True)
    os.makedirs(os.path.join(work, "bench"))
    for name in os.listdir(HERE):
        if name.endswith(".py"):
            shutil.copy(os.path.join(HERE, name), os.path.join(work, "bench"))
    copy_python(os.path.join(work, "python"))


def copy_python(home):
    """The modules of Python's library that inside.py needs: all that is loaded here, now."""
    library = sysconfig.get_path("stdlib")
    target = os.path.join(home, os.path.relpath(library, sys.base_prefix))
    for module in [*sys.modules.values()]:
        source = getattr(module, "__file__", None) or ""
        if source.startswith(library) and "-packages/" not in source:
            copy = os.path.join(target, os.path.relpath(source, library))
            os.makedirs(os.path.dirname(copy), exist_ok=True)
            shutil.copy(source, copy)
    os.makedirs(os.path.join(target, "lib-dynload"), exist_ok=True)


def hot_files(work, settings, mode):
    """What is to be in memory where it runs."""
    wanted = settings["subjects"] or list(inside.SUBJECTS)
    hot = [work, *(os.path.join(settings["build"], part) for part in ("bin", "libexec", "share"))]
    for program in PROGRAMS:
        path = shutil.which(program)
        if path and is_wanted(program, wanted, settings):
            if mode == "--deterministic":       # nothing else is there, and it is looked for by its name
                hot += [path, *subjects.files_of(program)]
            else:       # the links of this machine are there, and lead to the file
                hot += [os.path.realpath(path)]
    return hot


def is_wanted(program, wanted, settings):
    if program == "ip":
        return "net" in settings["benches"]
    return any(program in name.split("+") or name == "qemu-microvm" and program.startswith("qemu-")
               for name in wanted)
