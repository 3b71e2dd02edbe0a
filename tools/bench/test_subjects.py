# SPDX-License-Identifier: Apache-2.0
"""Unit tests of what is done before a subject is measured, with a program in nacre's place."""

import os
import stat
import tempfile
import unittest

import inside
import record

SAMPLE = os.path.join(os.environ.get("BUILD", "build"), "bench/sample")

# `template` makes a file where nacre.conf says; `run` maps it, unless it is FAULT, and speaks as the probe.
STAND_IN = """\
#!/usr/bin/python3
import mmap, os, sys
fault, verb = FAULT, sys.argv[1]
if verb == "delete":
    sys.exit()
with open(os.environ["NACRE_CONFIG"]) as conf:
    directory = conf.read().removeprefix("templates = ").rstrip()
path = os.path.join(directory, "128M-1.template")
if verb == "template":
    with open(os.environ["NACRE_CONFIG"] + ".calls", "a") as calls:
        calls.write(" ".join(sys.argv[1:]) + chr(10))
    if fault == "template":
        sys.exit("nacre: no room for it")
    os.makedirs(directory)
    with open(path, "wb") as template:
        template.write(bytes(4096))
    print(path)
if verb == "run":
    if fault == "run":
        sys.exit("nacre: no machine")
    if fault != "boots":
        with open(path, "rb") as template:
            memory = mmap.mmap(template.fileno(), 4096, mmap.MAP_PRIVATE, mmap.PROT_READ)
    os.write(1, b"+")
    os.read(0, 1)
"""


class Made(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.work = directory.name
        self.results = []
        self.log = record.Record(self.results.append, lambda text: None)

    def setup_of(self, *subjects, fault=None):
        program = os.path.join(self.work, "bin/nacre")
        os.makedirs(os.path.dirname(program))
        with open(program, "w", encoding="utf-8") as f:
            f.write(STAND_IN.replace("FAULT", repr(fault)))
        os.chmod(program, stat.S_IRWXU)
        setup = inside.Setup({"build": self.work, "work": self.work, "runs": 1, "warmup": 0,
                              "memory_mib": 128, "subjects": list(subjects)})
        setup.sample = SAMPLE
        setup.say = lambda text: None
        return setup

    def chosen(self, setup, bench="start"):
        setup.versions = dict.fromkeys(inside.SUBJECTS, "")     # nobody is asked
        return list(setup.subjects(self.log, bench))


class Templates(Made):
    def calls(self):
        with open(os.path.join(self.work, "nacre-template.conf.calls"), encoding="utf-8") as f:
            return f.read().splitlines()

    def failed(self, fault, wanted):
        setup = self.setup_of("nacre", "nacre-template", fault=fault)
        self.assertEqual([subject.name for subject in self.chosen(setup)], ["nacre"])
        (result,) = self.results
        self.assertEqual((result["subject"], result["samples"]), ("nacre-template", []))
        self.assertIn(wanted, result["failures"][0])

    def test_the_default_has_it_behind_nacre(self):
        self.assertEqual(list(inside.SUBJECTS)[:2], ["nacre", "nacre-template"])

    @unittest.skipUnless(os.path.exists(SAMPLE), "not built: make check-bench")
    def test_made_once_of_the_size_that_runs(self):
        setup = self.setup_of("nacre", "nacre-template")
        for bench in ("start", "density"):
            plain, copy = self.chosen(setup, bench)
        self.assertEqual(self.results, [])
        self.assertEqual(self.calls(), ["template --cpus 1 --memory 128M"])
        self.assertEqual(plain.command(["/probe"], "n"), copy.command(["/probe"], "n"))
        self.assertIn("--cpus 1 --memory 128M", " ".join(copy.command(["/probe"], "n")))

    @unittest.skipUnless(os.path.exists(SAMPLE), "not built: make check-bench")
    def test_what_is_no_copy_is_a_failure(self):
        self.failed("boots", "no copy of the template")

    @unittest.skipUnless(os.path.exists(SAMPLE), "not built: make check-bench")
    def test_reasons(self):
        self.failed("template", "nacre template: exit status 1: nacre: no room for it")

    @unittest.skipUnless(os.path.exists(SAMPLE), "not built: make check-bench")
    def test_one_that_does_not_start(self):
        self.failed("run", "nacre: no machine")

    def test_only_where_the_start_counts(self):
        setup = self.setup_of("nacre", "nacre-template")
        for bench in ("exec", "fs", "vsock", "net"):
            self.assertEqual([subject.name for subject in self.chosen(setup, bench)], ["nacre"])


class Environments(Made):
    def test_nacre_has_no_template_of_this_machine(self):
        conf, templates = inside.subjects.write_conf(self.work, "nacre")
        with open(conf, encoding="utf-8") as f:
            self.assertEqual(f.read(), f"templates = {templates}\n")
        self.assertFalse(os.path.exists(templates))
        self.assertTrue(os.path.isabs(templates))

    def test_each_has_its_own(self):
        setup = self.setup_of()
        plain, copy = (inside.SUBJECTS[name](setup) for name in ("nacre", "nacre-template"))
        self.assertIsNone(plain.env)        # the benchmark's, which main() sets
        self.assertEqual(copy.env["NACRE_CONFIG"], os.path.join(self.work, "nacre-template.conf"))
        self.assertEqual(copy.env["PATH"], os.environ["PATH"])


if __name__ == "__main__":
    unittest.main()
