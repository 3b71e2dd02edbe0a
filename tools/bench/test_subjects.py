# SPDX-License-Identifier: Apache-2.0
"""Unit tests of what is done before a subject is measured, with a program in nacre's place."""

import os
import stat
import tempfile
import unittest

import bench_density
import inside
import record
import sampler
import subjects

SAMPLE = os.path.join(os.environ.get("BUILD", "build"), "bench/sample")

# `run` speaks as the probe; from the second time on it maps a file where nacre.conf says, unless it is FAULT.
STAND_IN = """\
#!/usr/bin/python3
import mmap, os, sys
fault, verb = FAULT, sys.argv[1]
if verb == "delete":
    sys.exit()
with open(os.environ["NACRE_CONFIG"]) as f:
    conf = dict(line.strip().split(" = ") for line in f)
path = os.path.join(conf["templates"], "128M-1.template")
with open(os.environ["NACRE_CONFIG"] + ".calls", "a+") as calls:
    calls.write(" ".join(sys.argv[1:]) + chr(10))
    calls.seek(0)
    is_copy = conf["make_templates"] == "on" and len(calls.readlines()) > 1
if fault == "first" or fault == "second" and is_copy:
    sys.exit("nacre: no machine")
if is_copy and fault != "boots":
    os.makedirs(conf["templates"], exist_ok=True)
    with open(path, "w+b") as template:
        template.write(bytes(4096))
        template.flush()
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
    def calls(self, name):
        with open(os.path.join(self.work, f"{name}.conf.calls"), encoding="utf-8") as f:
            return f.read().splitlines()

    def failed(self, fault, wanted):
        setup = self.setup_of("nacre", "nacre-boot", fault=fault)
        self.assertEqual([subject.name for subject in self.chosen(setup)], ["nacre-boot"])
        (result,) = self.results
        self.assertEqual((result["subject"], result["samples"]), ("nacre", []))
        self.assertIn(wanted, result["failures"][0])

    def test_the_default_has_both(self):
        self.assertEqual(list(inside.SUBJECTS)[:2], ["nacre", "nacre-boot"])

    @unittest.skipUnless(os.path.exists(SAMPLE), "not built: make check-bench")
    def test_made_once_of_the_size_that_runs(self):
        setup = self.setup_of("nacre", "nacre-boot")
        for bench in ("start", "density"):
            copy, plain = self.chosen(setup, bench)
        self.assertEqual(self.results, [])
        self.assertEqual(len(self.calls("nacre")), 2)
        for call in self.calls("nacre"):
            self.assertIn("--cpus 1 --memory 128M", call)
        self.assertEqual(plain.command(["/probe"], "n"), copy.command(["/probe"], "n"))

    @unittest.skipUnless(os.path.exists(SAMPLE), "not built: make check-bench")
    def test_what_is_no_copy_is_a_failure(self):
        self.failed("boots", "no copy of a template")

    @unittest.skipUnless(os.path.exists(SAMPLE), "not built: make check-bench")
    def test_reasons(self):
        self.failed("first", "nacre: no machine")

    @unittest.skipUnless(os.path.exists(SAMPLE), "not built: make check-bench")
    def test_one_that_does_not_start(self):
        self.failed("second", "nacre: no machine")

    @unittest.skipUnless(os.path.exists(SAMPLE), "not built: make check-bench")
    def test_a_boot_only_where_the_start_counts(self):
        setup = self.setup_of("nacre", "nacre-boot")
        for bench in ("exec", "fs", "vsock", "net"):
            self.assertEqual([subject.name for subject in self.chosen(setup, bench)], ["nacre"])


class Environments(Made):
    def test_each_has_its_own(self):
        setup = self.setup_of()
        for name, make in (("nacre", "on"), ("nacre-boot", "off")):
            subject = inside.SUBJECTS[name](setup)
            conf = os.path.join(self.work, f"{name}.conf")
            self.assertEqual(subject.env["NACRE_CONFIG"], conf)
            self.assertEqual(subject.env["PATH"], os.environ["PATH"])
            with open(conf, encoding="utf-8") as f:
                self.assertEqual(f.read(), f"templates = {self.work}/{name}.templates\nmake_templates = {make}\n")
            self.assertFalse(os.path.exists(os.path.join(self.work, f"{name}.templates")))

    def test_podman_s_runtime_is_told(self):
        setup = self.setup_of()
        for name in ("podman+nacre", "podman+nacre-boot"):
            subject = inside.SUBJECTS[name](setup)
            self.assertIsNone(subject.env)
            with open(subject.runtime_path(), encoding="utf-8") as f:
                self.assertIn(f"NACRE_CONFIG={self.work}/{name}.conf exec {self.work}/bin/nacre ", f.read())


class Peers(Made):
    def test_names_do_not_begin_alike(self):
        setup = self.setup_of()
        names = [setup.new_name() for _ in range(60)]
        self.assertFalse([(a, b) for a in names for b in names if a != b and b.startswith(a)])

    def test_a_panic_is_no_end(self):
        for name in ("qemu-microvm", "firecracker"):
            command = " ".join(inside.SUBJECTS[name](self.setup_of_probe()).command(["/bin/true"], "n"))
            if name == "firecracker":
                with open(os.path.join(self.work, "firecracker.json"), encoding="utf-8") as f:
                    command = f.read()
            self.assertIn(" panic=0 ", command)

    def setup_of_probe(self):
        """With a root file system, whose busybox is a file."""
        os.makedirs(os.path.join(self.work, "rootfs/bin"), exist_ok=True)
        for path in ("probe", "rootfs/bin/busybox"):
            with open(os.path.join(self.work, path), "wb") as f:
                f.write(b"program")
        return inside.Setup({"build": self.work, "work": self.work, "runs": 1, "warmup": 0,
                             "memory_mib": 128, "subjects": []})

    def runsc(self, is_virtual):
        was, subjects.machine.is_virtual = subjects.machine.is_virtual, lambda: is_virtual
        try:
            return inside.SUBJECTS["runsc"](self.setup_of_probe())
        finally:
            subjects.machine.is_virtual = was

    def test_runsc_is_tuned(self):
        for owner in ("runsc-probe--", "runsc-probe--net"):
            os.makedirs(os.path.join(self.work, "bundles", owner))
            with open(os.path.join(self.work, "bundles", owner, "config.json"), "w", encoding="utf-8") as f:
                f.write("{}")
        for is_virtual in (True, False):
            subject = self.runsc(is_virtual)
            alone, joined = (subject.command(["/probe"], "n", network=network) for network in (None, "/run/netns/net"))
            self.assertIn("--network=none", alone)
            self.assertNotIn("--network=none", joined)
            self.assertEqual("--platform=kvm" in alone, not is_virtual)

    def test_no_default_configuration_is_a_failure(self):
        setup = self.setup_of_probe()
        for command in (["false"], [os.path.join(self.work, "nothing")], ["sh", "-c", "echo {} > config.json; false"]):
            with self.assertRaisesRegex(sampler.Failure, "no default configuration"):
                subjects.make_bundle(setup, command, "runc", ["/probe"])

    @unittest.skipUnless(os.path.exists(SAMPLE), "not built: make check-bench")
    def test_another_output_is_a_failure(self):
        self.assertEqual(sampler.once(SAMPLE, ["echo", "+"])["output"], ord("+"))
        with self.assertRaisesRegex(sampler.Failure, "begins with 'K'"):
            sampler.once(SAMPLE, ["echo", "Kernel panic"])
        with self.assertRaisesRegex(sampler.Failure, "no output"):
            sampler.once(SAMPLE, ["true"])


class Density(Made):
    @unittest.skipUnless(os.path.exists(SAMPLE), "not built: make check-bench")
    def test_what_does_not_end_well_has_no_figure(self):
        setup = self.setup_of("nacre-boot")
        with open(os.path.join(self.work, "bin/nacre"), "a", encoding="utf-8") as f:
            f.write("sys.exit(7)\n")
        setup.settings.update(parallel=[2], vms=2)
        setup.versions = dict.fromkeys(inside.SUBJECTS, "")
        bench_density.measure(setup, self.log)
        self.assertEqual([result["measure"] for result in self.results],
                         ["starts, 2 at once", "less available memory, each of 2"])
        for result in self.results:
            self.assertEqual(result["samples"], [])
            self.assertTrue(result["failures"])


if __name__ == "__main__":
    unittest.main()
