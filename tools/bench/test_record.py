# SPDX-License-Identifier: Apache-2.0
"""Unit tests of the document, the table, the pictures' scripts, and the readers of /proc."""

import json
import shutil
import tempfile
import unittest

import bench_start
import conversation
import memory
import microvms
import pictures
import place
import record
import sampler
import table


def made(place="direct"):
    results = []
    log = record.Record(results.append, lambda text: None, {"/tmp/work": "WORK"})
    phases = [{"nacre_main": 1.0, "kernel_entry": 20.0, "exit_seen": 90.0 + i} for i in range(3)]
    log.add("start", "nacre", "command to exit", "ms", [90.0, 91.0, 92.0], phases=phases,
            exits=[{"mmio_read": 5}] * 3)
    phases = [{"nacre_main": 1.0, "init_connected": 30.0, "exit_seen": 50.0}]
    log.add("start", "nacre-template", "command to exit", "ms", [50.0], phases=phases,
            exits=[{"mmio_read": 3}])
    log.add("start", "crun", "command to exit", "ms", [20.0], ["exit status 1: /tmp/work/x is not there"])
    log.add("density", "nacre", "nacre-vmm: private", "KiB", [200], program="nacre-vmm", memory="private")
    log.add("density", "nacre", "starts, 4 at once", "1/s", [12.5], at_once=4)
    log.skip("start", "runsc", "not installed")
    return record.document(place, {}, {"cpu": "a_b"}, {}, results)


class Documents(unittest.TestCase):
    SERIES = {"bench": "start", "subject": "s", "measure": "m", "unit": "ms", "samples": [1], "failures": [],
              "detail": {}}

    def test_survives_json(self):
        doc = json.loads(json.dumps(made()))
        record.check(doc)
        self.assertEqual(doc["time"], "real")

    def test_failure_is_no_sample(self):
        doc = made()
        self.assertTrue(record.has_failures(doc))
        crun = record.find(doc, subject="crun")[0]
        self.assertEqual(crun["samples"], [20.0])
        self.assertIn("WORK/x", crun["failures"][0])

    def test_bad_documents_are_refused(self):
        for change in ({"schema": 2}, {"place": "elsewhere"}, {"machine": None},
                       {"time": None}, {"results": None}, {"results": ["x"]}, {"results": [{}]},
                       {"results": [{**self.SERIES, "samples": ["failed"]}]},
                       {"results": [{**self.SERIES, "unit": "parsec"}]},
                       *({"results": [{k: v for k, v in self.SERIES.items() if k != key}]}
                         for key in self.SERIES)):
            with self.assertRaises(ValueError, msg=str(change)):
                record.check({**made(), **change})
        record.check({**made(), "results": [self.SERIES]})
        for other in ([], "x", None, 3):
            with self.assertRaises(ValueError, msg=str(other)):
                record.check(other)

    def test_unknown_unit_is_refused(self):
        with self.assertRaises(ValueError):
            record.Record(self.fail, self.fail).add("b", "s", "m", "s", [1])


class Runs(unittest.TestCase):
    HEAD = ['{"place": "emulated"}', '{"settings": {}}', '{"machine": {"cpu": "c"}}']
    RESULT = '{"result": {"bench": "start", "subject": "s", "skipped": "r"}}'

    def test_a_run_that_came_to_its_end(self):
        doc = place.assemble([*self.HEAD, self.RESULT, '{"versions": {"crun": "1"}}',
                              '{"end": true}'], "status 0")
        record.check(doc)
        self.assertFalse(record.has_failures(doc))
        self.assertEqual((doc["place"], doc["versions"]), ("emulated", {"crun": "1"}))

    def test_one_that_did_not_leaves_what_it_had(self):
        doc = place.assemble([*self.HEAD, self.RESULT, '{"result": {"ben'], "status 124")
        record.check(doc)
        self.assertEqual(doc["results"][0]["skipped"], "r")
        self.assertEqual(record.find(doc, bench="run")[0]["failures"], ["the run ended early: status 124"])

    def test_one_that_never_began(self):
        with self.assertRaisesRegex(RuntimeError, "status 125"):
            place.assemble([], "status 125")


class Tables(unittest.TestCase):
    def test_failures_and_skips_show(self):
        text = table.text(made())
        self.assertIn("1 FAILED", text)
        self.assertIn("skipped: not installed", text)
        self.assertIn("mmio_read 5", text)

    def test_exits_that_could_not_be_counted(self):
        doc = made()
        doc["results"].append({"bench": "exits", "subject": "crun", "measure": "exits in all", "unit": "1",
                               "samples": [], "failures": ["it does not start"], "detail": {}})
        record.check(doc)
        text = table.text(doc)
        self.assertIn("mmio_read 5", text)
        self.assertNotIn("crun: what KVM counted", text)

    def test_phases_of_each_that_tells_them(self):
        text = table.phases_text(made())
        for subject in ("nacre", "nacre-template"):
            self.assertIn(f"\n{subject}: ms since the fork", "\n" + text)
        self.assertIn("mmio_read 3", text)

    def test_virtual_times_are_labelled(self):
        text = table.text(made("deterministic"))
        self.assertIn("virtual ms", text)
        self.assertIn("per virtual s", text)
        self.assertNotIn("virtual ms", table.series_table(made()))

    def test_phases_in_order_of_time(self):
        medians = table.median_phases([{"b": 2, "a": 1}, {"b": 4, "a": 1}, {"b": 3, "a": 1, "c": 9}])
        self.assertEqual(list(medians.items()), [("a", 1), ("b", 3), ("c", 9)])

    def test_stamps_that_were_not_reached_are_left_out(self):
        times = {"spawned": 1000000, "first": 4000000, "exited": 5000000,
                 "phases": {"late": 3000000, "never": 0, "early": 2000000}}
        self.assertEqual(bench_start.phases_of(times),
                         {"early": 1.0, "late": 2.0, "first_output": 3.0, "exit_seen": 4.0})


class Pictures(unittest.TestCase):
    def test_virtual_times_are_labelled(self):
        for script in (pictures.start_script, pictures.phases_script, pictures.parallel_script):
            self.assertIn("virtual", script(made("deterministic")))

    def test_phases_have_a_bar_for_each_and_one_colour(self):
        script = pictures.phases_script(made())
        self.assertIn("set ytics ('nacre' 3, 'nacre-template' 2, 'crun' 1)", script)
        self.assertEqual(script.count("title 'exit\\_seen'"), 1)
        self.assertEqual(script.count("title 'init\\_connected'"), 1)
        self.assertIn("$b2s2 << EOD\n30.0 50.0 2\nEOD", script)
        self.assertEqual(script.count("lc rgb '#dddddd'"), 1)

    def test_nothing_to_draw(self):
        empty = record.document("direct", {}, {}, {}, [])
        for script in (pictures.start_script, pictures.phases_script, pictures.memory_script,
                       pictures.parallel_script):
            self.assertIsNone(script(empty))

    @unittest.skipUnless(shutil.which("gnuplot"), "gnuplot is not installed")
    def test_gnuplot_takes_the_scripts(self):
        with tempfile.TemporaryDirectory() as directory:
            drawn = pictures.draw(made(), directory)
            self.assertEqual(len(drawn), 8)
            for path in drawn:
                with open(path, "rb") as f:
                    self.assertGreater(len(f.read()), 1000, path)


SMAPS = """\
7f0000000000-7f0001000000 rw-p 00000000 00:00 0
Size:              16384 kB
Pss:               10000 kB
Shared_Clean:          0 kB
Private_Dirty:     10000 kB
VmFlags: rd wr mr
7f0001000000-7f0001800000 r--p 00000000 00:1a 12   /x/share/nacre/vmlinux
Size:               8192 kB
Pss:                4000 kB
Shared_Clean:       8000 kB
7f0001800000-7f0008000000 rw-p 00000000 00:00 0
Size:             106496 kB
Private_Dirty:     20000 kB
7f0010000000-7f0014000000 rw-p 00000000 00:00 0
Size:              65536 kB
Pss:                   4 kB
Private_Dirty:         4 kB
7f0014000000-7f0014003000 rw-s 00000000 00:0e 1051 anon_inode:kvm-vcpu:0
Size:                 12 kB
VmFlags: rd wr sh
55d000000000-55d000010000 r-xp 00000000 00:1a 13   /x/libexec/nacre/nacre-vmm
Size:                 64 kB
Pss:                  20 kB
Shared_Clean:         40 kB
Private_Clean:         4 kB
Private_Dirty:         8 kB
"""


class Memory(unittest.TestCase):
    def test_guest_memory_is_counted_apart(self):
        self.assertEqual(memory.totals(SMAPS, 128 * 1024),
                         {"private": 16, "shared": 40, "proportional": 24, "guest": 38000})

    def test_a_larger_guest_is_not_there(self):
        self.assertEqual(memory.totals(SMAPS, 129 * 1024)["guest"], 0)

    def test_one_without_a_processor_has_none(self):
        smaps = SMAPS.replace("anon_inode:kvm-vcpu:0", "/dev/zero")
        self.assertEqual(memory.totals(smaps, 128 * 1024)["guest"], 0)

    def test_names_of_programs(self):
        self.assertEqual([memory.program_name(name) for name in ("memfd:crun_clon", "nacre-vmm", "a_b")],
                         ["crun", "nacre-vmm", "a_b"])

    def test_a_container_has_none(self):
        self.assertEqual(memory.totals(SMAPS, 0),
                         {"private": 30016, "shared": 8040, "proportional": 14024, "guest": 0})

    def test_descendants(self):
        table_of = {1: ("init", 0), 5: ("a", 1), 6: ("b", 5), 7: ("c", 6), 8: ("d", 1)}
        self.assertEqual(memory.descendants(5, table_of), {5, 6, 7})


class Samples(unittest.TestCase):
    def test_warmup_does_not_count_but_its_failures_do(self):
        def once():
            calls.append(len(calls))
            if len(calls) in (1, 4):
                raise sampler.Failure(f"sample {len(calls)}")
            return len(calls)

        calls = []
        self.assertEqual(sampler.series(once, 3, 2), ([3, 5], ["sample 1", "sample 4"]))

    def test_sum_of_the_pattern(self):
        for n in (0, 1, 250, 251, 252, 1000):
            self.assertEqual(conversation.sum_of_pattern(n), sum(i % 251 for i in range(n)))

    def test_initramfs_has_the_layout_of_newc(self):
        with tempfile.NamedTemporaryFile() as probe, tempfile.NamedTemporaryFile() as archive:
            probe.write(b"12345")
            probe.flush()
            microvms.write_archive(archive.name, {"init": probe.name})
            data = archive.read()
        self.assertEqual(data[:6], b"070701")
        self.assertEqual(data[54:62], b"00000005")
        self.assertEqual(data[110:115], b"init\0")
        self.assertEqual(data[116:121], b"12345")
        self.assertEqual(len(data) % 4, 0)


if __name__ == "__main__":
    unittest.main()
