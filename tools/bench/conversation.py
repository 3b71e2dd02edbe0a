# SPDX-License-Identifier: Apache-2.0
"""A probe that was started and waits for commands (probe.c). All times are the caller's clock."""

import os
import select
import subprocess
import tempfile
import time

from sampler import Failure, last_line

BLOCK = 251 * 1024          # whole periods of the probe's pattern
PATTERN = bytes(range(251)) * 1024


def sum_of_pattern(n):
    """The sum of the first `n` bytes of the pattern."""
    return n // 251 * (250 * 251 // 2) + sum(range(n % 251))


class Conversation:
    """Starts COMMAND, whose program is `probe serve`. wait() returns when it runs."""

    def __init__(self, command, seconds=120, env=None):
        self.seconds = seconds
        self._messages = tempfile.TemporaryFile()
        self.started = time.monotonic()
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=self._messages, bufsize=0, env=env)
        self._in, self._out = self.process.stdin.fileno(), self.process.stdout.fileno()
        self._rest = b""

    def fileno(self):
        return self._out

    def _said(self):
        self._messages.seek(0)
        return last_line(self._messages.read().decode(errors="replace"))

    def _read(self, size):
        if self._rest:
            data, self._rest = self._rest[:size], self._rest[size:]
            return data
        if not select.select([self._out], [], [], self.seconds)[0]:
            raise Failure(f"no answer within {self.seconds} s")
        data = os.read(self._out, size)
        if not data:
            raise Failure(f"it ended: {self._said()}")
        return data

    def _write(self, data):
        try:
            os.write(self._in, data)        # a blocking pipe takes all of it
        except BrokenPipeError:
            raise Failure(f"it ended: {self._said()}") from None

    def wait(self):
        """Returns when the program's first byte is here; seconds since it was started."""
        if self._read(1) != b"+":
            raise Failure("it does not begin as the probe does")
        self.first_output = time.monotonic()
        return self.first_output - self.started

    def answer(self):
        line = b""
        while not line.endswith(b"\n"):
            line += self._read(1 if line else 256)
            head, newline, rest = line.partition(b"\n")
            if newline:
                line, self._rest = head + newline, rest + self._rest
        words = line.decode().split()
        if not words or words[0] != "ok":
            raise Failure(f"answer: {line.decode().strip()}")
        return words[1:]

    def ask(self, command):
        """Seconds that a command takes, the way there and back counted; and the answer."""
        began = time.monotonic()
        self._write(command.encode() + b"\n")
        words = self.answer()
        return time.monotonic() - began, words

    def first_instruction(self, rounds=20):
        """When the program's first instruction ran: two times of the caller's clock, between which it
        was. The program says what its own clock shows, now and at its start; that clock is known to
        be read between a question and its answer, and the narrowest of these windows counts."""
        least, most = float("-inf"), float("inf")
        for _ in range(rounds):
            asked = time.monotonic()
            _, words = self.ask("clock")
            answered = time.monotonic()
            now, first = (int(word) / 1e9 for word in words)
            least = max(least, asked - (now - first))
            most = min(most, answered - (now - first))
        return least, most

    def send(self, size):
        """Seconds in which `size` bytes go through stdin, until the program says what it has."""
        began = time.monotonic()
        self._write(f"take {size}\n".encode())
        for at in range(0, size, BLOCK):
            self._write(PATTERN[:size - at])
        words = self.answer()
        took = time.monotonic() - began
        if int(words[0]) != sum_of_pattern(size):
            raise Failure("what arrived is not what was sent")
        return took

    def receive(self, size):
        """Seconds in which `size` bytes come through stdout. They are compared when the clock stands."""
        began = time.monotonic()
        self._write(f"give {size}\n".encode())
        self.answer()
        parts, left = [], size
        while left > 0:
            parts.append(self._read(min(left, 1 << 20)))
            left -= len(parts[-1])
        took = time.monotonic() - began
        data = b"".join(parts)
        if any(data[at:at + BLOCK] != PATTERN[:len(data[at:at + BLOCK])]
               for at in range(0, size, BLOCK)):
            raise Failure("what arrived is not what was sent")
        return took

    def hang_up(self):
        """Has the program end: by a word, as no end of file gets through a guest's console."""
        if self.process.stdin.closed:
            return
        try:
            os.write(self._in, b"end\n")
        except BrokenPipeError:
            pass            # it has ended: its status tells how
        self.process.stdin.close()

    def close(self):
        """Has the program end, waits for it, and raises Failure if it did not end well."""
        try:
            self.hang_up()
            try:
                status = self.process.wait(self.seconds)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
                raise Failure(f"no end within {self.seconds} s") from None
            if status != 0:
                raise Failure(f"exit status {status}: {self._said()}")
        finally:
            self.process.stdout.close()
            self._messages.close()

    def abandon(self):
        """After a failure."""
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()
        self._messages.close()


class talk:
    """with talk(command) as conversation: a probe that runs, ended in every case."""

    def __init__(self, command, seconds=120, env=None):
        self.conversation = Conversation(command, seconds, env)

    def __enter__(self):
        try:
            self.conversation.wait()
        except Failure:
            self.conversation.abandon()
            raise
        return self.conversation

    def __exit__(self, kind, error, trace):
        if kind is None:
            self.conversation.close()
        else:
            self.conversation.abandon()
