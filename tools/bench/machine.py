# SPDX-License-Identifier: Apache-2.0
"""What the machine is, as far as it matters for times. A fact that cannot be read is left out."""

import glob
import os
import subprocess


def _read(path):
    try:
        with open(path, encoding="utf-8", errors="replace") as f:
            return f.read().strip()
    except OSError:
        return None


def _cpuinfo(key):
    for line in (_read("/proc/cpuinfo") or "").splitlines():
        name, _, value = line.partition(":")
        if name.strip() == key:
            return value.strip()
    return None


def _meminfo(key):
    for line in (_read("/proc/meminfo") or "").splitlines():
        name, _, value = line.partition(":")
        if name == key:
            return int(value.split()[0])
    return None


def available_kib():
    """Memory that the kernel could still give away."""
    return _meminfo("MemAvailable")


def _directory(pattern):
    return {os.path.basename(path): _read(path) for path in sorted(glob.glob(pattern))}


def _mount_options(place):
    """The options of the file system that is mounted at PLACE, or None."""
    for line in (_read("/proc/self/mounts") or "").splitlines():
        words = line.split()
        if words[1] == place:
            return words[3]
    return None


def is_virtual():
    """Is this machine itself a guest? (The bit of CPUID that hypervisors set for theirs.)"""
    return "hypervisor" in (_cpuinfo("flags") or "").split()


def facts():
    """Processor, kernel and settings that change how long a start takes."""
    found = {
        "cpu": _cpuinfo("model name"),
        "microcode": _cpuinfo("microcode"),
        "cpus_online": len(os.sched_getaffinity(0)),
        "memory_kib": _meminfo("MemTotal"),
        "kernel": os.uname().release,
        "kernel_version": os.uname().version,
        "architecture": os.uname().machine,
        "command_line": _read("/proc/cmdline"),
        "mitigations": _directory("/sys/devices/system/cpu/vulnerabilities/*"),
        "governor": _read("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"),
        "turbo_off": _read("/sys/devices/system/cpu/intel_pstate/no_turbo"),
        "smt": _read("/sys/devices/system/cpu/smt/control"),
        "isolated_cpus": _read("/sys/devices/system/cpu/isolated"),
        "clock_source": _read("/sys/devices/system/clocksource/clocksource0/current_clocksource"),
        "transparent_hugepage": _read("/sys/kernel/mm/transparent_hugepage/enabled"),
        "huge_pages": _read("/proc/sys/vm/nr_hugepages"),
        "ksm": _read("/sys/kernel/mm/ksm/run"),
        "cgroup2": _mount_options("/sys/fs/cgroup"),
        "load_average": _read("/proc/loadavg"),
        "kvm": {**_directory("/sys/module/kvm_intel/parameters/*"),
                **_directory("/sys/module/kvm_amd/parameters/*")},
    }
    return {key: value for key, value in found.items() if value not in (None, {}, "")}


def version(command):
    """The first line that COMMAND --version prints."""
    try:
        run = subprocess.run([command, "--version"], stdin=subprocess.DEVNULL, text=True,
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60)
        return run.stdout.splitlines()[0]
    except (OSError, IndexError, subprocess.TimeoutExpired) as error:
        return f"unknown: {error}"


def kernel_version(vmlinux):
    """"Linux version …" out of a kernel image that is not compressed."""
    with open(vmlinux, "rb") as f:
        image = f.read()
    at = image.find(b"Linux version ")
    return image[at:at + 400].split(b"\n")[0].split(b"\0")[0].decode(errors="replace") if at >= 0 else None
