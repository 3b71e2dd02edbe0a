# SPDX-License-Identifier: Apache-2.0
"""What a guest has left of its kernel's image as it was loaded: the pages that machines could share."""

import struct

import memory

PAGE = 4096
PT_LOAD = 1


def segments(elf):
    """The loadable segments of a 64-bit ELF file: (physical address, bytes of the file)."""
    start, = struct.unpack_from("<Q", elf, 32)
    size, count = struct.unpack_from("<HH", elf, 54)
    found = []
    for at in range(start, start + size * count, size):
        kind, _, offset, _, physical, length = struct.unpack_from("<IIQQQQ", elf, at)
        if kind == PT_LOAD:
            found.append((physical, elf[offset:offset + length]))
    return found


def unmodified(elf, read):
    """By segment's address: pages of the file, and how many of them memory has as the file does.
    `read(address, length)` gives the guest's memory."""
    counts = {}
    for physical, content in segments(elf):
        now = read(physical, len(content))
        pages = range(0, len(content), PAGE)
        same = sum(now[at:at + PAGE] == content[at:at + PAGE] for at in pages)
        counts[physical] = (len(pages), same)
    return counts


def of_process(pid, guest_kib, kernel):
    """unmodified() of the guest that process `pid` runs, whose memory is at least `guest_kib`; None where it
    runs none."""
    with open(f"/proc/{pid}/smaps", encoding="utf-8", errors="replace") as f:
        guest = memory.guest_mappings(memory.mappings(f.read()), guest_kib)
    if not guest:
        return None
    with open(kernel, "rb") as f:
        elf = f.read()
    with open(f"/proc/{pid}/mem", "rb", buffering=0) as mem:
        def read(address, length):
            mem.seek(guest[0]["from"] + address)
            return mem.read(length)
        return unmodified(elf, read)
