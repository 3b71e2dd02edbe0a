/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of block volumes: how they are written, and where they may be in the container. */
/* SOURCES: runtime/blocks.c runtime/config.c runtime/cpuset.c runtime/spawn.c runtime/oom_score.c runtime/visit.c */
/* SOURCES: runtime/arena.c runtime/failure.c runtime/report.c */
/* LIBS: -ljansson -lcap */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <string.h>

#include <cmocka.h>

#include "runtime/blocks.h"

static void test_places(void **state)
{
	static const struct {
		const char *text, *guest;
		bool read_only;
	} cases[] = {
		{ "f:/dev/vda", "/dev/vda", false },
		{ "f://dev//vda", "/dev/vda", false },
		{ "f:/mnt///x:ro", "/mnt/x", true },
		{ "f:/..a/.b:rw", "/..a/.b", false },
		{ "f:/dev/shm/x", "/dev/shm/x", false },
		{ "f:/dev/pts1", "/dev/pts1", false },
		{ "f:/process", "/process", false },
		{ "f:/fd", "/fd", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct failure failure = { .text = "" };
		struct container_config config;

		config_init(&config);
		assert_int_equal(blocks_add(&config, cases[i].text, "--block", &failure), 0);
		assert_int_equal(config.blocks.n, 1);
		assert_string_equal(config.blocks.v[0].file, "f");
		assert_string_equal(config.blocks.v[0].guest, cases[i].guest);
		assert_int_equal(config.blocks.v[0].read_only, cases[i].read_only);
		config_free(&config);
	}
}

static void test_refused(void **state)
{
	static const struct {
		const char *text, *says;
	} cases[] = {
		{ "f", "expected FILE:GUEST" },
		{ ":/d", "expected FILE:GUEST" },
		{ "f:d", "expected FILE:GUEST" },
		{ "f:/", "expected FILE:GUEST" },
		{ "f:/d:rx", "expected FILE:GUEST" },
		{ "f://", "a slash at its end" },
		{ "f:/dev/vda/", "a slash at its end" },
		{ "f:/dev/../etc/passwd", "without \".\", \"..\"" },
		{ "f:/dev/.", "without \".\", \"..\"" },
		{ "f:/./dev/x", "without \".\", \"..\"" },
		{ "f:/dev/..", "without \".\", \"..\"" },
		{ "f:/dev", "every container has a /dev of its own" },
		{ "f:/dev/shm", "a /dev/shm of its own" },
		{ "f://dev//shm", "a /dev/shm of its own" },
		{ "f:/dev/pts", "a /dev/pts of its own" },
		{ "f:/dev/pts/7", "a /dev/pts of its own" },
		{ "f:/dev/mqueue", "a /dev/mqueue of its own" },
		{ "f:/dev/mqueue/q", "a /dev/mqueue of its own" },
		{ "f:/dev/fd", "a /dev/fd of its own" },
		{ "f:/dev/fd/3", "a /dev/fd of its own" },
		{ "f:/dev/stdin", "a /dev/stdin of its own" },
		{ "f:/dev/stdout", "a /dev/stdout of its own" },
		{ "f:/dev/stderr", "a /dev/stderr of its own" },
		{ "f:/dev/ptmx", "a /dev/ptmx of its own" },
		{ "f:/dev/console", "a /dev/console of its own" },
		{ "f:/dev/null", "a /dev/null of its own" },
		{ "f://dev/tty", "a /dev/tty of its own" },
		{ "f:/proc", "a /proc of its own" },
		{ "f:/proc/x", "a /proc of its own" },
		{ "f:/sys", "a /sys of its own" },
		{ "f:/sys/block/x", "a /sys of its own" },
		{ "g://dev///first", "expected a GUEST that no other block volume has" },
	};
	struct container_config config;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct failure failure = { .text = "" };
		struct failure none = { .text = "" };

		config_init(&config);
		assert_int_equal(blocks_add(&config, "f:/dev/first", "--block", &none), 0);
		assert_int_equal(blocks_add(&config, cases[i].text, "--block", &failure), -EINVAL);
		if (strncmp(failure.text, "--block ", 8) != 0 ||
		    strncmp(failure.text + 8, cases[i].text, strlen(cases[i].text)) != 0 ||
		    !strstr(failure.text, cases[i].says))
			fail_msg("%s: \"%s\" does not say \"%s\"", cases[i].text, failure.text,
				 cases[i].says);
		assert_int_equal(config.blocks.n, 1);
		config_free(&config);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_places),
		cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
