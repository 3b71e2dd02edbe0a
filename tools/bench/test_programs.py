# SPDX-License-Identifier: Apache-2.0
"""Unit tests of the two programs, `sample` and `probe`, without a container. BUILD names the build
directory that has them (make check-bench)."""

import os
import socket
import tempfile
import threading
import time
import unittest

import net_server
import sampler
from conversation import Conversation, talk

PROGRAMS = os.path.join(os.environ.get("BUILD", "build"), "bench")
SAMPLE, PROBE = os.path.join(PROGRAMS, "sample"), os.path.join(PROGRAMS, "probe")


@unittest.skipUnless(os.path.exists(SAMPLE) and os.path.exists(PROBE), "not built: make check-bench")
class Programs(unittest.TestCase):
    def test_three_times_in_order(self):
        before = time.monotonic_ns()
        times = sampler.once(SAMPLE, [PROBE])
        after = time.monotonic_ns()
        self.assertTrue(before <= times["spawned"] <= times["first"] <= times["exited"] <= after)

    def test_the_times_are_those_of_the_events(self):
        times = sampler.once(SAMPLE, ["sh", "-c", "sleep 0.2; echo +; sleep 0.3"])
        self.assertGreaterEqual(sampler.milliseconds(times, "first"), 200)
        self.assertGreaterEqual(times["exited"] - times["first"], 300 * 1000000)

    def test_what_is_no_sample(self):
        for command, reason in ((["sh", "-c", "echo x; echo broken >&2; exit 3"], "exit status 3: broken"),
                                (["sh", "-c", "echo x; kill -9 $$"], "exit status 137"),
                                (["true"], "no output"), (["/nowhere"], "No such file")):
            with self.assertRaisesRegex(sampler.Failure, reason):
                sampler.once(SAMPLE, command)

    def test_one_that_hangs(self):
        for script in ("sleep 60", "echo x; sleep 60", "echo x; sleep 60 & wait"):
            with self.assertRaisesRegex(sampler.Failure, "no end after 1 s"):
                sampler.once(SAMPLE, ["sh", "-c", script], seconds=1)

    def test_streams(self):
        with talk([PROBE, "serve"]) as probe:
            for size in (1, 250, 251, 100000, 3 << 20):
                self.assertGreater(probe.send(size), 0)
                self.assertGreater(probe.receive(size), 0)

    def test_files(self):
        with tempfile.TemporaryDirectory() as directory, talk([PROBE, "serve"]) as probe:
            probe.ask(f"write {directory}/file 100001 4096")
            self.assertEqual(os.path.getsize(f"{directory}/file"), 100001)
            probe.ask(f"read {directory}/file 4096")
            probe.ask(f"create {directory} 20")
            self.assertEqual(len(os.listdir(directory)), 21)
            probe.ask(f"stat {directory} 20")
            probe.ask(f"unlink {directory} 20")
            self.assertEqual(os.listdir(directory), ["file"])

    def test_errors_are_failures(self):
        with talk([PROBE, "serve"]) as probe:
            for command, reason in (("read /nowhere 4096", "No such file"), ("stat /nowhere 1", "No such file"),
                                    ("write /nowhere/x 1 1", "No such file"), ("what", "unknown command"),
                                    ("net-take 127.0.0.1 1 1", "refused")):
                with self.assertRaisesRegex(sampler.Failure, reason):
                    probe.ask(command)

    def test_one_that_ends_early(self):
        with self.assertRaisesRegex(sampler.Failure, "it ended: gone"):
            with talk(["sh", "-c", "printf +; echo gone >&2; exit 1"]) as early:
                early.ask("noop")

    def test_the_end_behind_a_console(self):
        """A terminal in between: the end of our output is none of the program's input."""
        script = ("import os, pty, sys\n"
                  "pid, fd = pty.fork()\n"
                  "pid or os.execv(sys.argv[1], [sys.argv[1], 'serve'])\n"
                  "os.write(1, os.read(fd, 1))\n"
                  "while data := os.read(0, 4096):\n"
                  "    os.write(fd, data)\n"
                  "sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))\n")
        with talk(["python3", "-c", script, PROBE], seconds=20) as probe:
            probe.hang_up()     # and once more by close(), as a fleet does

    def test_first_instruction_by_its_own_clock(self):
        probe = Conversation([PROBE, "serve"])
        probe.wait()
        least, most = probe.first_instruction()
        self.assertTrue(probe.started <= least <= most <= probe.first_output + 0.001)
        probe.close()

    def test_net(self):
        size = 1 << 20
        for verb, action in (("net-take", net_server.give), ("net-give", net_server.take)):
            with socket.create_server(("127.0.0.1", 0)) as server, talk([PROBE, "serve"]) as probe:
                def serve():
                    with server.accept()[0] as connection:
                        action(connection, size)

                thread = threading.Thread(target=serve)
                thread.start()
                probe.ask(f"{verb} 127.0.0.1 {server.getsockname()[1]} {size}")
                thread.join()


if __name__ == "__main__":
    unittest.main()
