# SPDX-License-Identifier: Apache-2.0
"""What memory the processes of a container or a machine have: private, shared, and proportional.

From /proc/PID/smaps: private is what would be free if the process alone ended, proportional divides
each shared page among its users. A guest's memory is counted apart: of a process with a virtual
processor, mappings in a row, writable or of the guest kernel's image, that are together as large as it.
"""

import os


def mappings(smaps):
    """The mappings of a text of smaps: dictionaries in KiB, with "from", "to", "permissions", "path"."""
    found = []
    for line in smaps.splitlines():
        words = line.split()
        if "-" in words[0] and not words[0].endswith(":"):
            start, end = (int(address, 16) for address in words[0].split("-"))
            found.append({"from": start, "to": end, "permissions": words[1], "path": " ".join(words[5:])})
        elif len(words) == 3 and words[2] == "kB":
            found[-1][words[0].rstrip(":")] = int(words[1])
    return found


def could_be_guest(mapping):
    """Is it one of those that a guest's memory is made of?"""
    return "w" in mapping["permissions"] or os.path.basename(mapping["path"]).startswith("vmlinux")


def guest_mappings(all_mappings, guest_kib):
    """The mappings that are a guest's memory of `guest_kib` (0: there is none)."""
    rows = []
    if not any("kvm-vcpu" in mapping["path"] for mapping in all_mappings):
        return rows
    for mapping in filter(could_be_guest, all_mappings):
        if rows and rows[-1][-1]["to"] == mapping["from"]:
            rows[-1].append(mapping)
        else:
            rows.append([mapping])
    return [mapping for row in rows if guest_kib and row[-1]["to"] - row[0]["from"] >= guest_kib << 10
            for mapping in row]


def totals(smaps, guest_kib):
    """Private, shared and proportional KiB of a process, guest memory apart."""
    total = {"private": 0, "shared": 0, "proportional": 0, "guest": 0}
    all_mappings = mappings(smaps)
    guest = [id(mapping) for mapping in guest_mappings(all_mappings, guest_kib)]
    for mapping in all_mappings:
        private = mapping.get("Private_Clean", 0) + mapping.get("Private_Dirty", 0)
        shared = mapping.get("Shared_Clean", 0) + mapping.get("Shared_Dirty", 0)
        if id(mapping) in guest:
            total["guest"] += private + shared
        else:
            total["private"] += private
            total["shared"] += shared
            total["proportional"] += mapping.get("Pss", 0)
    return total


def _stat(pid):
    """Name and parent of a process."""
    with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as f:
        text = f.read()
    name = text[text.index("(") + 1:text.rindex(")")]
    return name, int(text[text.rindex(")") + 1:].split()[1])


def processes():
    """All processes: pid to (name, parent)."""
    found = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                found[int(entry)] = _stat(entry)
            except OSError:
                continue
    return found


def descendants(pid, table):
    """A process with all that descend from it."""
    family = {pid}
    while True:
        more = {child for child, (_, parent) in table.items() if parent in family} - family
        if not more:
            return family
        family |= more


def in_cgroups_named(name):
    """Processes in cgroups whose path has `name`: helpers that an engine's child has let go."""
    found = set()
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                with open(f"/proc/{entry}/cgroup", encoding="utf-8") as f:
                    if name in f.read():
                        found.add(int(entry))
            except OSError:
                continue
    return found


def program_name(name):
    """crun runs from a sealed copy of itself, "memfd:crun_clon…"."""
    return name.removeprefix("memfd:").partition("_")[0] if name.startswith("memfd:") else name


def pids_of(pid, name):
    """The processes of the container that command `pid` started as `name`."""
    return descendants(pid, processes()) | in_cgroups_named(name)


def is_mapped_below(directory, pids):
    """Has one of the processes a file of this directory mapped?"""
    directory = os.path.realpath(directory) + "/"
    for pid in pids:
        try:
            with open(f"/proc/{pid}/smaps", encoding="utf-8", errors="replace") as f:
                paths = [mapping["path"] for mapping in mappings(f.read())]
        except OSError:
            continue
        if any(path.startswith(directory) for path in paths):
            return True
    return False


def of_container(pid, name, guest_kib):
    """Totals of each process of the container that command `pid` started as `name`, by program."""
    table = processes()
    by_program = {}
    for process in sorted(descendants(pid, table) | in_cgroups_named(name)):
        try:
            with open(f"/proc/{process}/smaps", encoding="utf-8", errors="replace") as f:
                found = totals(f.read(), guest_kib)
        except OSError:
            continue
        if process not in table or not (found["private"] or found["shared"]):
            continue
        sums = by_program.setdefault(program_name(table[process][0]), dict.fromkeys(found, 0))
        for key, value in found.items():
            sums[key] += value
    return by_program


def cgroup_kib(name):
    """memory.current of the outermost cgroup whose name has `name`, in KiB, or None."""
    for path, directories, _ in os.walk("/sys/fs/cgroup"):
        for directory in directories:
            if name in directory:
                try:
                    with open(os.path.join(path, directory, "memory.current"), encoding="utf-8") as f:
                        return int(f.read()) // 1024
                except OSError:
                    return None
    return None
