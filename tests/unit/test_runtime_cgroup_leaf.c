/* SPDX-License-Identifier: Apache-2.0 */
/* Whose a leaf cgroup is, with plain directories in the place of a cgroup's. */
/* SOURCES: runtime/cgroup.c runtime/failure.c runtime/arena.c runtime/report.c */
/* LIBS: -ljansson */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "runtime/cgroup_parts.h"

static char dir[] = "/tmp/nacre-leaf.XXXXXX";

bool cgroup_is_v2(void)
{
	return true;
}

const char *cgroup_leaf_path(const struct container_config *config, struct arena *arena)
{
	return arena_printf(arena, "%s/%s", dir, config->cgroups_path ? config->cgroups_path : "nacre/c");
}

void cgroup_limits_of(struct cgroup_limits *limits, const struct container_config *config,
		      const struct vm_size *size, struct arena *arena)
{
	(void)config;
	(void)size;
	(void)arena;
	limits->n = 0;
}

int cgroup_systemd_create(struct cgroup *cgroup, const struct container_config *config,
			  const struct cgroup_limits *limits, struct arena *arena,
			  struct failure *failure)
{
	(void)cgroup;
	(void)config;
	(void)limits;
	(void)arena;
	return failure_set(failure, -1, "not here");
}

int cgroup_systemd_update(const char *leaf, const struct container_config *config,
			  const struct cgroup_limits *limits, struct arena *arena,
			  struct failure *failure)
{
	(void)leaf;
	(void)config;
	(void)limits;
	(void)arena;
	return failure_set(failure, -1, "not here");
}

static struct arena arena;

static int set_up(void **state)
{
	(void)state;
	return mkdtemp(dir) && chdir(dir) == 0 && mkdir("leaf", 0700) == 0 ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	arena_free(&arena);
	rmdir("leaf");
	rmdir("first");
	return chdir("/") == 0 && rmdir(dir) == 0 ? 0 : -1;
}

static void test_none(void **state)
{
	(void)state;
	assert_int_equal(cgroup_id("there-is-none"), 0);
	cgroup_kill("there-is-none", 1);
	cgroup_remove("there-is-none", 1);
}

/* A container that has stopped leaves an empty leaf; its name is another's when it is deleted. */
static void test_taken_over_by_another(void **state)
{
	uint64_t first = cgroup_id("leaf");
	char is[2] = "";
	FILE *file;

	(void)state;
	assert_true(first != 0);
	assert_int_equal(rename("leaf", "first"), 0);
	assert_int_equal(mkdir("leaf", 0700), 0);
	file = fopen("leaf/cgroup.kill", "w+");
	assert_non_null(file);
	cgroup_kill("leaf", first);
	cgroup_remove("leaf", first);
	assert_int_equal(fread(is, 1, 1, file), 0);
	assert_int_equal(access("leaf", F_OK), 0);

	cgroup_kill("leaf", cgroup_id("leaf"));
	rewind(file);
	assert_int_equal(fread(is, 1, 1, file), 1);
	assert_string_equal(is, "1");
	fclose(file);
	unlink("leaf/cgroup.kill");
	cgroup_remove("leaf", cgroup_id("leaf"));
	assert_int_equal(access("leaf", F_OK), -1);
	cgroup_remove("first", first);
	assert_int_equal(access("first", F_OK), -1);
}

static struct cgroup make(const char *asked)
{
	struct container_config config = { .cgroups_path = asked };
	struct vm_size size = { .cpus = 1 };
	struct failure failure = { .text = "" };
	struct cgroup cgroup;
	int err = cgroup_create(&cgroup, &config, &size, CGROUP_MANAGER_FS, &arena, &failure);

	assert_int_equal(err, cgroup.leaf ? 0 : -EBUSY);
	assert_int_equal(strlen(failure.text) > 0, err != 0);
	assert_int_equal(cgroup.fd >= 0, err == 0);
	return cgroup;
}

/* A leaf that a create has made is its own also before anything runs in it. */
static void test_two_of_one_name(void **state)
{
	struct cgroup first = make("asked/for");
	struct cgroup second = make("asked/for");

	(void)state;
	assert_null(second.leaf);
	assert_int_equal(cgroup_id(first.leaf), first.id);
	/* its create has ended, and nothing runs in it: it was left */
	close(first.fd);
	second = make("asked/for");
	assert_string_equal(second.leaf, first.leaf);
	assert_int_equal(cgroup_id(second.leaf), second.id);
	close(second.fd);
	cgroup_remove(second.leaf, second.id);
	assert_int_equal(cgroup_id(second.leaf), 0);
	rmdir("asked");

	first = make(NULL);
	second = make(NULL);
	assert_non_null(strstr(first.leaf, "/nacre/c"));
	assert_non_null(strstr(second.leaf, "/nacre/c.2"));
	close(first.fd);
	close(second.fd);
	cgroup_remove(first.leaf, first.id);
	cgroup_remove(second.leaf, second.id);
	rmdir("nacre");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_none),
		cmocka_unit_test(test_taken_over_by_another),
		cmocka_unit_test(test_two_of_one_name),
	};

	return cmocka_run_group_tests_name("whose a leaf cgroup is", tests, set_up, tear_down);
}
