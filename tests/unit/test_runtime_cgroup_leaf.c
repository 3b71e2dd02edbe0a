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
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "runtime/cgroup_parts.h"

/* Nothing is made here. */
bool cgroup_is_v2(void)
{
	return false;
}

const char *cgroup_leaf_path(const struct container_config *config, struct arena *arena)
{
	(void)config;
	(void)arena;
	return NULL;
}

void cgroup_limits_of(struct cgroup_limits *limits, const struct container_config *config,
		      const struct vm_size *size, struct arena *arena)
{
	(void)limits;
	(void)config;
	(void)size;
	(void)arena;
}

int cgroup_systemd_create(struct cgroup *cgroup, const struct container_config *config,
			  const struct vm_size *size, struct arena *arena, struct failure *failure)
{
	(void)cgroup;
	(void)config;
	(void)size;
	(void)arena;
	return failure_set(failure, -1, "not here");
}

static char dir[] = "/tmp/nacre-leaf.XXXXXX";

static int set_up(void **state)
{
	(void)state;
	return mkdtemp(dir) && chdir(dir) == 0 && mkdir("leaf", 0700) == 0 ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_none),
		cmocka_unit_test(test_taken_over_by_another),
	};

	return cmocka_run_group_tests_name("whose a leaf cgroup is", tests, set_up, tear_down);
}
