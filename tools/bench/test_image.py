# SPDX-License-Identifier: Apache-2.0
"""Unit tests of what is left of a kernel's image."""

import struct
import unittest

import image


def elf(*segments):
    """An ELF file with segments of (physical address, content)."""
    header = struct.pack("<16sHHIQQQIHHHHHH", b"\x7fELF", 2, 62, 1, 0, 64, 0, 0, 64, 56, len(segments), 0, 0, 0)
    offset = 64 + 56 * len(segments)
    table, body = b"", b""
    for physical, content in segments:
        table += struct.pack("<IIQQQQQQ", 1, 4, offset + len(body), 0, physical, len(content),
                             len(content), 4096)
        body += content
    return header + table + body


class Image(unittest.TestCase):
    def test_what_was_changed_is_counted_by_pages(self):
        code, data = b"c" * 3 * 4096, b"d" * 5000
        guest = bytearray(0x20000)
        guest[0x1000:0x4000], guest[0x10000:0x10000 + 5000] = code, data
        guest[0x2fff] = 0
        guest[0x10000 + 4999] = 0
        self.assertEqual(image.unmodified(elf((0x1000, code), (0x10000, data)),
                                          lambda at, length: bytes(guest[at:at + length])),
                         {0x1000: (3, 2), 0x10000: (2, 1)})

    def test_what_is_not_there_is_changed(self):
        self.assertEqual(image.unmodified(elf((0, b"c" * 4096)), lambda at, length: b""),
                         {0: (1, 0)})


if __name__ == "__main__":
    unittest.main()
