/* SPDX-License-Identifier: Apache-2.0 */
/* The host's cgroup: its limits, systemd's names; which ids a VMM may have; lists of processors. */
/* SOURCES: runtime/cgroup_limits.c runtime/cgroup_systemd.c runtime/cgroup_properties.c runtime/cgroup_path.c runtime/cpuset.c runtime/subid.c */
/* SOURCES: runtime/size.c runtime/config.c runtime/arena.c runtime/failure.c runtime/report.c */
/* SOURCES: runtime/rootless.c runtime/spawn.c runtime/oom_score.c runtime/visit.c */
/* LIBS: -ljansson -ldl -lcap */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "runtime/cgroup_parts.h"
#include "runtime/cpuset.h"
#include "runtime/subid.h"

static struct arena arena;

/* Of the one in cgroup.c: nothing is started here. */
void cgroup_settle(struct cgroup *cgroup)
{
	(void)cgroup;
}

static const char *limit_of(const struct cgroup_limits *limits, const char *file)
{
	for (size_t i = 0; i < limits->n; i++) {
		if (strcmp(limits->v[i].file, file) == 0)
			return limits->v[i].value;
	}
	return NULL;
}

static void test_memory_of_the_vm_and_its_helpers(void **state)
{
	struct container_config c;
	struct vm_size size = { .memory = 128u << 20, .cpus = 1 };
	struct cgroup_limits limits = { .n = 0 };

	(void)state;
	memset(&c, 0, sizeof(c));
	c.resources.memory_limit = 64 << 20;
	cgroup_limits_of(&limits, &c, &size, &arena);
	assert_string_equal(limit_of(&limits, "memory.max"), "202375168");
	assert_string_equal(limit_of(&limits, "memory.swap.max"), "0");
	assert_string_equal(limit_of(&limits, "memory.oom.group"), "1");
	assert_string_equal(limit_of(&limits, "pids.max"), "1024");
	assert_null(limit_of(&limits, "memory.low"));
	assert_null(limit_of(&limits, "cpu.max"));
	assert_null(limit_of(&limits, "cpuset.cpus"));
}

static void test_swap_as_config_json_says(void **state)
{
	struct container_config c;
	struct vm_size size = { .memory = 128u << 20, .cpus = 1 };
	struct cgroup_limits limits = { .n = 0 };

	(void)state;
	memset(&c, 0, sizeof(c));
	c.resources.memory_limit = 64 << 20;
	c.resources.memory_swap = 96 << 20;
	cgroup_limits_of(&limits, &c, &size, &arena);
	assert_string_equal(limit_of(&limits, "memory.swap.max"), "33554432");
	limits = (struct cgroup_limits){ .n = 0 };
	c.resources.memory_swap = -1;
	cgroup_limits_of(&limits, &c, &size, &arena);
	assert_string_equal(limit_of(&limits, "memory.swap.max"), "max");
}

static void test_shares_as_weight(void **state)
{
	static const struct {
		uint64_t shares, weight;
	} points[] = {
		{ 0, 1 }, { 1, 1 }, { 2, 1 }, { 512, 20 }, { 1024, 39 }, { 4096, 157 }, { 262143, 9999 },
		{ 262144, 10000 }, { UINT64_MAX, 10000 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(points) / sizeof(points[0]); i++)
		assert_int_equal(config_cpu_weight(points[i].shares), points[i].weight);
	for (uint64_t shares = 2; shares < 5000; shares++)
		assert_true(config_cpu_weight(shares) <= config_cpu_weight(shares + 1));
}

/* Alone in its guest a container is idle or heavy beside others on the host only. */
static void test_idle_and_unified_on_the_host(void **state)
{
	struct container_config c;
	struct vm_size size = { .memory = 128u << 20, .cpus = 1 };
	struct cgroup_limits limits = { .n = 0 };
	struct cgroup_properties p = { .n = 0 };
	size_t n;

	(void)state;
	memset(&c, 0, sizeof(c));
	c.resources.cpu_shares = 1024;
	c.resources.cpu_idle = 1;
	cgroup_limits_of(&limits, &c, &size, &arena);
	n = limits.n;
	assert_string_equal(limits.v[n - 2].file, "cpu.weight");
	assert_string_equal(limits.v[n - 1].file, "cpu.idle");
	assert_string_equal(limits.v[n - 1].value, "1");
	cgroup_properties_of(&p, &limits, &arena);
	assert_string_equal(p.v[p.n - 1].name, "CPUWeight");
	assert_int_equal(p.v[p.n - 1].number, 0);
	/* as systemd before 252 takes it */
	n = p.n;
	assert_true(cgroup_properties_drop_idle(&p));
	assert_int_equal(p.n, n - 1);
	assert_string_equal(p.v[p.n - 1].name, "CPUWeight");
	assert_int_equal(p.v[p.n - 1].number, 39);
	assert_false(cgroup_properties_drop_idle(&p));
	assert_int_equal(p.n, n - 1);

	c.resources.cpu_idle = 0;
	*config_add_pair(&arena, &c.resources.unified) = (struct config_pair){ "cpu.weight", "42" };
	*config_add_pair(&arena, &c.resources.unified) = (struct config_pair){ "cpu.max", "1000 10000" };
	limits = (struct cgroup_limits){ .n = 0 };
	p = (struct cgroup_properties){ .n = 0 };
	cgroup_limits_of(&limits, &c, &size, &arena);
	n = limits.n;
	assert_string_equal(limits.v[n - 3].file, "cpu.idle");
	assert_string_equal(limits.v[n - 2].value, "39");
	assert_string_equal(limits.v[n - 1].value, "42");
	cgroup_properties_of(&p, &limits, &arena);
	assert_true(p.v[p.n - 3].number == UINT64_MAX);
	assert_int_equal(p.v[p.n - 1].number, 42);
}

static void test_what_only_the_host_can_do_is_named(void **state)
{
	struct container_config c;
	struct vm_size size = { .memory = 128u << 20, .cpus = 1 };
	struct cgroup_limits limits = { .n = 0 };
	size_t named = 0;

	(void)state;
	memset(&c, 0, sizeof(c));
	c.resources.cpuset_cpus = "0-1";
	c.resources.cpu_quota = 150000;
	c.resources.cpu_period = 100000;
	c.resources.cpu_shares = 512;
	*config_add_host_file(&arena, &c.resources.host_files) =
		(struct config_host_file){ "io.max", "8:0 rbps=1", "linux.resources.blockIO.x" };
	cgroup_limits_of(&limits, &c, &size, &arena);
	assert_string_equal(limit_of(&limits, "cpu.max"), "150000 100000");
	assert_string_equal(limit_of(&limits, "cpu.weight"), "20");
	assert_string_equal(limit_of(&limits, "cpuset.cpus"), "0-1");
	assert_string_equal(limit_of(&limits, "io.max"), "8:0 rbps=1");
	for (size_t i = 0; i < limits.n; i++)
		named += limits.v[i].field != NULL;
	assert_int_equal(named, 2);

	/* an update that takes limits away */
	limits.n = 0;
	c.resources.cpu_quota = -1;
	c.resources.memory_reservation = -1;
	cgroup_limits_of(&limits, &c, &size, &arena);
	assert_string_equal(limit_of(&limits, "cpu.max"), "max 100000");
	assert_string_equal(limit_of(&limits, "memory.low"), "max");
}

static const struct cgroup_property *property_of(const struct cgroup_properties *properties,
						 const char *name)
{
	for (size_t i = 0; i < properties->n; i++) {
		if (strcmp(properties->v[i].name, name) == 0)
			return &properties->v[i];
	}
	fail_msg("no %s", name);
	return NULL;
}

/* What systemd is not told it takes back. */
static void test_what_systemd_is_told(void **state)
{
	struct cgroup_limit some[] = {
		{ "memory.max", "201326592", NULL }, { "memory.swap.max", "0", NULL },
		{ "memory.low", "max", NULL },	     { "memory.oom.group", "1", NULL },
		{ "pids.max", "1024", NULL },	     { "cpu.max", "33333 50000", NULL },
		{ "cpu.weight", "20", NULL },	     { "cpuset.cpus", "1,8-9", "x" },
		{ "cpuset.mems", "0", "x" },	     { "io.weight", "default 50", "x" },
		{ "io.max", "8:0 rbps=1", "x" },
	};
	struct cgroup_limits limits = { some, sizeof(some) / sizeof(some[0]), 0 };
	struct cgroup_properties p = { .n = 0 };

	(void)state;
	cgroup_properties_of(&p, &limits, &arena);
	assert_int_equal(p.n, 10);
	assert_int_equal(property_of(&p, "MemoryMax")->number, 201326592);
	assert_int_equal(property_of(&p, "MemorySwapMax")->number, 0);
	assert_true(property_of(&p, "MemoryLow")->number == UINT64_MAX);
	assert_int_equal(property_of(&p, "TasksMax")->number, 1024);
	/* 0.66666 of a processor, as a whole percentage */
	assert_int_equal(property_of(&p, "CPUQuotaPerSecUSec")->number, 670000);
	assert_int_equal(property_of(&p, "CPUQuotaPeriodUSec")->number, 50000);
	assert_int_equal(property_of(&p, "CPUWeight")->number, 20);
	assert_int_equal(property_of(&p, "IOWeight")->number, 50);
	assert_int_equal(property_of(&p, "AllowedCPUs")->n_bytes, 2);
	assert_memory_equal(property_of(&p, "AllowedCPUs")->bytes, "\x02\x03", 2);
	assert_int_equal(property_of(&p, "AllowedMemoryNodes")->n_bytes, 1);
	assert_memory_equal(property_of(&p, "AllowedMemoryNodes")->bytes, "\x01", 1);

	p.n = 0;
	limits = (struct cgroup_limits){ (struct cgroup_limit[]){ { "cpu.max", "max 100000", NULL },
								  { "io.weight", "8:0 5", "x" } }, 2, 0 };
	cgroup_properties_of(&p, &limits, &arena);
	assert_int_equal(p.n, 2);
	assert_true(property_of(&p, "CPUQuotaPerSecUSec")->number == UINT64_MAX);
}

/* Of a cgroup that no systemd made nothing is said to it: no D-Bus is asked for here. */
static void test_a_cgroup_that_is_not_systemds(void **state)
{
	struct cgroup_limits limits = { .n = 0 };
	struct failure failure = { .text = "" };
	struct container_config c;

	(void)state;
	memset(&c, 0, sizeof(c));
	c.id = "c1";
	assert_int_equal(cgroup_systemd_update("/sys/fs/cgroup/nacre/c1", &c, &limits, &arena, &failure), 0);
	c.cgroups_path = "/sys/fs/cgroup/system.slice/ssh.scope";
	assert_int_equal(cgroup_systemd_update(c.cgroups_path, &c, &limits, &arena, &failure), 0);
	assert_string_equal(failure.text, "");
}

static void expect_names(const char *path, bool rootless, const char *slice, const char *unit)
{
	struct failure failure = { .text = "" };
	const char *s = NULL, *u = NULL;
	int err = cgroup_systemd_names(path, "c1", rootless, &s, &u, &arena, &failure);

	if (!slice) {
		assert_true(err < 0);
		assert_non_null(strstr(failure.text, "linux.cgroupsPath: "));
		return;
	}
	assert_int_equal(err, 0);
	assert_string_equal(s, slice);
	assert_string_equal(u, unit);
}

static void test_names_for_systemd(void **state)
{
	(void)state;
	expect_names(NULL, false, "system.slice", "nacre-c1.scope");
	expect_names("", true, "user.slice", "nacre-c1.scope");
	expect_names("machine.slice:libpod:abc", false, "machine.slice", "libpod-abc.scope");
	expect_names(":cri:abc", false, "system.slice", "cri-abc.scope");
	expect_names("machine.slice::abc", false, "machine.slice", "abc.scope");
	expect_names("/machine/abc", false, NULL, NULL);
	expect_names("machine:a:b", false, NULL, NULL);
	expect_names(".slice:a:b", false, NULL, NULL);
}

static void test_lists_of_processors(void **state)
{
	static const char *const wrong[] = { "", ",", "0,", "-1", "3-1", "1-", "a", "0 1", "0-1-2",
					     "65536", "99999999999", "0,,1", "0\n" };

	(void)state;
	assert_int_equal(cpuset_count("0"), 1);
	assert_int_equal(cpuset_count("0-3"), 4);
	assert_int_equal(cpuset_count("0-3,8"), 5);
	assert_int_equal(cpuset_count("7,65535"), 2);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_true(cpuset_count(wrong[i]) < 0);
}

static char map_file[] = "/tmp/nacre-test-map.XXXXXX";

static struct subid_range range_beside(const char *map, uint32_t container_ids)
{
	FILE *f = fopen(map_file, "w");

	assert_non_null(f);
	fputs(map, f);
	fclose(f);
	return subid_range_in(map_file, "/nonexistent", container_ids);
}

static struct subid_range range_in(const char *map)
{
	return range_beside(map, 65536);
}

static void test_ids_of_a_vmm(void **state)
{
	int fd = mkstemp(map_file);
	struct subid_range r;

	(void)state;
	assert_true(fd >= 0);
	close(fd);
	r = range_in("0 0 4294967295\n");
	assert_int_equal(r.start, SUBID_BUILTIN_START);
	/* a user with 65536 subordinate ids: one lies above the container's */
	r = range_in("0 1000 1\n1 100000 65536\n");
	assert_int_equal(r.start, 65536);
	assert_int_equal(r.count, 1);
	assert_true(r.shared); /* else a second container would be refused */
	r = range_in("0 1000 1\n1 100000 200000\n");
	assert_int_equal(r.start, 65536);
	assert_int_equal(r.count, 134465);
	/* a container whose process has a higher id */
	r = range_beside("0 1000 1\n1 100000 200000\n", 70001);
	assert_int_equal(r.start, 70001);
	assert_int_equal(r.count, 130000);
	r = range_beside("0 1000 1\n1 100000 200000\n", 200001);
	assert_int_equal(r.start, 200000);
	assert_int_equal(r.count, 1);
	r = range_in("0 1000 1\n1 100000 1000\n");
	assert_int_equal(r.start, 1000);
	assert_int_equal(r.count, 1);
	r = range_in("0 1000 1\n");
	assert_int_equal(r.start, 0);
	assert_int_equal(r.count, 1);
	unlink(map_file);
}

static int free_arena(void **state)
{
	(void)state;
	arena_free(&arena);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_memory_of_the_vm_and_its_helpers),
		cmocka_unit_test(test_swap_as_config_json_says),
		cmocka_unit_test(test_shares_as_weight),
		cmocka_unit_test(test_idle_and_unified_on_the_host),
		cmocka_unit_test(test_what_only_the_host_can_do_is_named),
		cmocka_unit_test(test_names_for_systemd),
		cmocka_unit_test(test_what_systemd_is_told),
		cmocka_unit_test(test_a_cgroup_that_is_not_systemds),
		cmocka_unit_test(test_lists_of_processors),
		cmocka_unit_test(test_ids_of_a_vmm),
	};

	return cmocka_run_group_tests(tests, NULL, free_arena);
}
