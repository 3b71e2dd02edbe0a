/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of what nacre exec is asked to run, beside what the container's own process is. */
/* SOURCES: runtime/exec_config.c runtime/process_options.c runtime/options.c runtime/size.c */
/* SOURCES: runtime/config.c runtime/json_document.c runtime/config_json.c runtime/config_process.c runtime/environment.c runtime/config_mounts.c */
/* SOURCES: runtime/config_linux.c runtime/config_pod.c runtime/config_resources.c */
/* SOURCES: runtime/mount_options.c runtime/json_reader.c runtime/caps.c runtime/devices.c */
/* SOURCES: runtime/mount_data.c runtime/config_seccomp.c runtime/seccomp_default.c */
/* SOURCES: runtime/config_io.c runtime/cpuset.c runtime/config_hooks.c */
/* SOURCES: runtime/arena.c runtime/failure.c runtime/report.c */
/* LIBS: -ljansson -lcap -lseccomp */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <linux/sched.h>

#include <cmocka.h>
#include <jansson.h>

#include "runtime/exec_config.h"

#define CHOWN (UINT64_C(1) << 0)
#define KILL  (UINT64_C(1) << 5)

struct asked {
	struct container_config config;
	struct exec_options options;
	struct failure failure;
};

/* Of a container of 1000:1001, with capabilities that a process may hand down. */
static void begin(struct asked *a)
{
	struct config_process *process = &a->config.process;

	*a = (struct asked){ .failure.text = "" };
	config_init(&a->config);
	a->config.namespaces = CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWNS;
	process->uid = 1000;
	process->gid = 1001;
	process->caps[CAP_SET_INHERITABLE] = KILL;
	string_list_add(&a->config.arena, &process->args, "init");
}

static void make(struct asked *a)
{
	char *argv[] = { "id", NULL };
	json_t *json = NULL;

	assert_int_equal(exec_config_make(&a->config, &a->options, 1, argv, &json, &a->failure), 0);
	assert_string_equal(a->failure.text, "");
}

static void test_user(void **state)
{
	static const struct {
		const char *user;
		uint32_t uid, gid;
	} cases[] = { { NULL, 1000, 1001 }, { "5", 5, 1001 }, { "5:6", 5, 6 }, { "0", 0, 1001 } };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct asked a;

		begin(&a);
		a.options.user = cases[i].user;
		make(&a);
		assert_int_equal(a.config.process.uid, cases[i].uid);
		assert_int_equal(a.config.process.gid, cases[i].gid);
		config_free(&a.config);
	}
}

/*
 * One that the process may hand down is ambient as well, for a user who is not root; one that nobody knows is
 * skipped.
 */
static void test_caps(void **state)
{
	struct asked a;

	(void)state;
	begin(&a);
	string_list_add(&a.config.arena, &a.options.caps, "CAP_KILL");
	string_list_add(&a.config.arena, &a.options.caps, "CAP_TELEPORT");
	string_list_add(&a.config.arena, &a.options.caps, "CHOWN");
	string_list_add(&a.config.arena, &a.options.caps, "CAP_CHOWN");
	make(&a);
	assert_int_equal(a.config.process.caps[CAP_SET_BOUNDING], KILL | CHOWN);
	assert_int_equal(a.config.process.caps[CAP_SET_EFFECTIVE], KILL | CHOWN);
	assert_int_equal(a.config.process.caps[CAP_SET_PERMITTED], KILL | CHOWN);
	assert_int_equal(a.config.process.caps[CAP_SET_INHERITABLE], KILL);
	assert_int_equal(a.config.process.caps[CAP_SET_AMBIENT], KILL);
	config_free(&a.config);
}

static void test_no_name(void **state)
{
	char *argv[] = { "", "x", NULL };
	json_t *json = NULL;
	struct asked a;

	(void)state;
	begin(&a);
	assert_int_equal(exec_config_make(&a.config, &a.options, 2, argv, &json, &a.failure), CONFIG_NOT_FOUND);
	assert_non_null(strstr(a.failure.text, "exec: \"\": executable file not found in $PATH"));
	config_free(&a.config);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_user),
		cmocka_unit_test(test_caps),
		cmocka_unit_test(test_no_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
