# SPDX-License-Identifier: Apache-2.0
"""Tests of tools/bench/bench where nothing is measured: what it refuses, and that what was kept stays."""

import importlib.machinery
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
import unittest

BENCH = os.path.join(os.path.dirname(os.path.realpath(__file__)), "bench")
SAMPLES = os.path.join(os.path.dirname(BENCH), "../../docs/benchmarks/start-virtual.json")


def bench(*arguments):
    done = subprocess.run([sys.executable, "-B", BENCH, *arguments], capture_output=True, text=True,
                          stdin=subprocess.DEVNULL)
    return done.returncode, done.stdout, done.stderr


def module():
    loader = importlib.machinery.SourceFileLoader("bench_program", BENCH)
    loaded = importlib.util.module_from_spec(importlib.util.spec_from_loader("bench_program", loader))
    loader.exec_module(loaded)
    return loaded


class Refused(unittest.TestCase):
    def refused(self, wanted, *arguments):
        status, out, err = bench(*arguments)
        self.assertNotEqual(status, 0, arguments)
        self.assertEqual(out, "", arguments)
        self.assertIn(wanted, err, arguments)
        self.assertNotIn("Traceback", err, arguments)

    def test_numbers(self):
        for option, value in (*(("--runs", value) for value in ("0", "-1", "a", "1.5", "")), ("--memory", "0"),
                              ("--mib", "0"), ("--vms", "0"), ("--timeout", "0"), ("--parallel", "a")):
            self.refused(f"argument {option}: {value}: expected a whole number from 1 on", "start",
                         f"{option}={value}")
        self.refused("argument --warmup: -1: expected", "start", "--warmup=-1")
        self.refused("argument --parallel: 0: expected", "density", "--parallel=4,0")

    def test_show(self):
        self.refused("show: expected alone, with --json", "show")
        self.refused("show: expected alone, with --json", "show", "start", "--json", SAMPLES)
        for text in ("[]", "{}", "3", "{", '{"schema": 1}'):
            with tempfile.NamedTemporaryFile("w", suffix=".json") as f:
                f.write(text)
                f.flush()
                self.refused("bench: ", "show", "--json", f.name)

    def test_show_of_samples(self):
        status, out, err = bench("show", "--json", SAMPLES)
        self.assertEqual((status, err), (0, ""))
        self.assertIn("median", out)

    def test_show_of_failures(self):
        with open(SAMPLES, encoding="utf-8") as f:
            document = json.load(f)
        document["results"][0]["failures"] = ["no output"]
        with tempfile.NamedTemporaryFile("w", suffix=".json") as f:
            json.dump(document, f)
            f.flush()
            status, out, err = bench("show", "--json", f.name)
        self.assertEqual(status, 1)
        self.assertIn("1 FAILED", out)
        self.assertIn("samples failed", err)


class Kept(unittest.TestCase):
    def setUp(self):
        self.program = module()
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.path = os.path.join(directory.name, "result.json")

    def test_a_place_that_is_none_is_found_before(self):
        for path in (os.path.join(self.path, "x"), os.path.dirname(self.path)):
            with self.assertRaisesRegex(OSError, "--json"):
                with self.program.kept(path):
                    self.fail("measured")

    def test_kept(self):
        with self.program.kept(self.path) as keep:
            self.assertFalse(os.path.exists(self.path))
            keep({"a": 1})
        with open(self.path, encoding="utf-8") as f:
            self.assertEqual(json.load(f), {"a": 1})
        self.assertEqual(os.listdir(os.path.dirname(self.path)), ["result.json"])

    def test_an_earlier_one_stays(self):
        with open(self.path, "w", encoding="utf-8") as f:
            f.write("earlier")
        with self.assertRaises(RuntimeError):
            with self.program.kept(self.path):
                raise RuntimeError("nothing was measured")
        with open(self.path, encoding="utf-8") as f:
            self.assertEqual(f.read(), "earlier")
        self.assertEqual(os.listdir(os.path.dirname(self.path)), ["result.json"])

    def test_a_full_disk_is_told_with_the_samples(self):
        with self.program.kept("/dev/full") as keep:
            with self.assertRaises(OSError):
                keep({"a": 1})


if __name__ == "__main__":
    unittest.main()
