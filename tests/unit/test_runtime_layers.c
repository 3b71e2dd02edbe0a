/* SPDX-License-Identifier: Apache-2.0 */
/* The table of layers: that a layer which is not there is called MISSING, and others are not. */
/* SOURCES: runtime/layers_host.c runtime/layers_guest.c runtime/layers_fds.c runtime/layers_print.c */
/* SOURCES: runtime/layers_selinux.c runtime/selinux.c runtime/mcs.c runtime/failure.c */
/* SOURCES: runtime/proc_read.c runtime/arena.c runtime/report.c */
/* LIBS: -ljansson -lselinux */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <linux/sched.h>
#include <sys/resource.h>
#include <fcntl.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "confined.h"
#include "runtime/layers.h"

#define ALL_NS                                                                                     \
	(CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS |                 \
	 CLONE_NEWCGROUP | CLONE_NEWUSER)

static struct layers layers;

/* A container as `nacre run --rootfs` makes it, and a guest that says so. */
static struct container_config usual_config(void)
{
	static struct config_rlimit nofile = { RLIMIT_NOFILE, 1024, 4096 };
	static const char *paths[] = { "/proc/kcore", "/proc/keys" };
	struct container_config c;

	memset(&c, 0, sizeof(c));
	c.namespaces = ALL_NS & ~CLONE_NEWUSER;
	c.process.no_new_privileges = true;
	for (int i = 0; i < CAP_SET_COUNT; i++)
		c.process.caps[i] = i == CAP_SET_AMBIENT ? 0 : 0xa80425fb;
	c.process.rlimits = (struct config_rlimits){ &nofile, 1, 1 };
	c.masked_paths = (struct string_list){ .v = paths, .n = 2 };
	c.readonly_paths = (struct string_list){ .v = paths, .n = 2 };
	c.resources.memory_limit = 64 << 20;
	c.resources.pids_limit = 50;
	c.seccomp = (struct seccomp_profile *)(uintptr_t)&c; /* there is one: no more is looked at */
	return c;
}

static struct msg_layers usual_guest(void)
{
	struct msg_layers m = {
		.memory_max = le64_of(64 << 20),
		.pids_max = le64_of(50),
		.nofile = le64_of(4096),
		.namespaces = le32_of(ALL_NS),
		.seccomp = le32_of(2),
		.seccomp_filters = le32_of(2),
		.no_new_privs = le32_of(1),
		.uid_outside = le32_of(0x80000000u),
		.uid_count = le32_of(65536),
		.n_readonly = le32_of(5),
		.n_masked = le32_of(7),
		.release = "6.1.0-guest",
	};

	for (int i = 0; i < CAP_SET_COUNT; i++)
		m.caps[i] = le64_of(i == CAP_SET_AMBIENT ? 0 : 0xa80425fb);
	return m;
}

static enum layer_verdict judged(const struct msg_layers *m, const struct container_config *c,
				 enum layer layer)
{
	memset(&layers, 0, sizeof(layers));
	layers_read_guest(&layers, m, "", c, false);
	return layers.guest[layer].verdict;
}

static void test_a_guest_that_has_all(void **state)
{
	struct container_config c = usual_config();
	struct msg_layers m = usual_guest();

	(void)state;
	for (int i = 0; i < LAYER_COUNT; i++) {
		enum layer_verdict v = judged(&m, &c, (enum layer)i);

		if (i == LAYER_SELINUX)
			assert_int_equal(v, LAYER_UNAVAILABLE);
		else if (i == LAYER_NO_ROOT)
			assert_int_equal(v, LAYER_NONE);
		else
			assert_int_equal(v, LAYER_ON);
	}
}

static void test_each_thing_that_a_guest_may_lack(void **state)
{
	struct container_config c = usual_config();
	struct msg_layers m;

	(void)state;
#define MISSES(layer, change)                                                                      \
	do {                                                                                       \
		m = usual_guest();                                                                 \
		change;                                                                            \
		assert_int_equal(judged(&m, &c, layer), LAYER_MISSING);                            \
	} while (0)
	MISSES(LAYER_NAMESPACES, m.namespaces = le32_of(ALL_NS & ~CLONE_NEWNET));
	MISSES(LAYER_NAMESPACES, m.namespaces = le32_of(ALL_NS & ~CLONE_NEWUSER));
	MISSES(LAYER_CGROUPS, m.memory_max = le64_of(UINT64_MAX));
	MISSES(LAYER_CGROUPS, m.pids_max = le64_of(51));
	MISSES(LAYER_FILES, m.n_masked = le32_of(0));
	MISSES(LAYER_FILES, m.n_readonly = le32_of(0));
	for (int i = 0; i < CAP_SET_COUNT; i++)
		MISSES(LAYER_CAPABILITIES, m.caps[i] = le64_of(1u << 21));
	MISSES(LAYER_SECCOMP, m.seccomp = le32_of(0));
	MISSES(LAYER_SECCOMP, m.seccomp_filters = le32_of(0));
	MISSES(LAYER_NO_NEW_PRIVS, m.no_new_privs = le32_of(0));
	MISSES(LAYER_USER_NAMESPACE, m.uid_outside = le32_of(0));
	MISSES(LAYER_LIMITS, m.nofile = le64_of(4097));
#undef MISSES
}

static void test_what_was_asked_to_be_off(void **state)
{
	struct container_config c = usual_config();
	struct msg_layers m = usual_guest();

	(void)state;
	c.process.no_new_privileges = false;
	m.no_new_privs = le32_of(0);
	assert_int_equal(judged(&m, &c, LAYER_NO_NEW_PRIVS), LAYER_OFF);
	c.masked_paths.n = c.readonly_paths.n = 0;
	assert_int_equal(judged(&m, &c, LAYER_FILES), LAYER_OFF);
	c.seccomp = NULL;
	assert_int_equal(judged(&m, &c, LAYER_SECCOMP), LAYER_OFF);
	/* a process that has given up more than it had to */
	m.caps[CAP_SET_EFFECTIVE] = le64_of(0);
	assert_int_equal(judged(&m, &c, LAYER_CAPABILITIES), LAYER_ON);
}

static void test_labels_of_a_guest_with_a_policy(void **state)
{
	struct container_config c = usual_config();
	struct msg_layers m = usual_guest();

	(void)state;
	assert_int_equal(judged(&m, &c, LAYER_SELINUX), LAYER_UNAVAILABLE);
	memcpy(m.label, "u:r:init_t:s0", 14);
	assert_int_equal(judged(&m, &c, LAYER_SELINUX), LAYER_OFF);
	c.process.selinux_label = "u:r:container_t:s0:c1,c2";
	assert_int_equal(judged(&m, &c, LAYER_SELINUX), LAYER_MISSING);
	memcpy(m.label, "u:r:container_t:s0:c1,c2", 25);
	assert_int_equal(judged(&m, &c, LAYER_SELINUX), LAYER_ON);
	assert_string_equal(layers.guest[LAYER_SELINUX].text, "u:r:container_t:s0:c1,c2");
	/* no end, and nothing that a terminal obeys */
	memset(m.label, '\033', sizeof(m.label));
	assert_int_equal(judged(&m, &c, LAYER_SELINUX), LAYER_MISSING);
	assert_null(strchr(layers.guest[LAYER_SELINUX].text, '\033'));
}

static void test_a_held_process_has_no_filter_yet(void **state)
{
	struct container_config c = usual_config();
	struct msg_layers m = usual_guest();

	(void)state;
	m.seccomp = m.seccomp_filters = le32_of(0);
	layers_read_guest(&layers, &m, "", &c, true);
	assert_int_equal(layers.guest[LAYER_SECCOMP].verdict, LAYER_UNAVAILABLE);
}

static void test_a_guest_that_does_not_answer(void **state)
{
	struct container_config c = usual_config();

	(void)state;
	memset(&layers, 0, sizeof(layers));
	layers_read_guest(&layers, NULL, "c1: the guest does not answer", &c, false);
	for (int i = 0; i < LAYER_COUNT; i++)
		assert_int_not_equal(layers.guest[i].verdict, LAYER_ON);
	assert_non_null(strstr(layers.guest[LAYER_SECCOMP].text, "does not answer"));
}

static void test_words_of_the_guest_are_cleaned(void **state)
{
	struct container_config c = usual_config();
	struct msg_layers m = usual_guest();

	(void)state;
	memset(m.release, 0x1b, sizeof(m.release)); /* no NUL, only ESC */
	judged(&m, &c, LAYER_KVM);
	assert_null(strchr(layers.guest[LAYER_KVM].text, 0x1b));
	assert_non_null(strchr(layers.guest[LAYER_KVM].text, '?'));
}

/* This test is not confined at all: taken for the three helpers, every layer must be missing. */
static void test_an_unconfined_process_lacks_everything(void **state)
{
	static const enum layer expected[] = { LAYER_KVM, LAYER_NAMESPACES, LAYER_CGROUPS,
					       LAYER_FILES, LAYER_SECCOMP, LAYER_NO_NEW_PRIVS,
					       LAYER_USER_NAMESPACE, LAYER_LIMITS };
	struct container_config c = usual_config();
	char dir[] = "/tmp/nacre-test-layers.XXXXXX";
	struct state s = { .dir_fd = -1, .size = { .cpus = 1 },
			   .cgroup = "/sys/fs/cgroup/nacre/no-such" };

	(void)state;
	assert_non_null(mkdtemp(dir));
	s.dir_fd = open(dir, O_RDONLY | O_DIRECTORY);
	s.vmm.pid = s.fsd.pid = s.monitor.pid = getpid();
	memset(&layers, 0, sizeof(layers));
	layers_read_host(&layers, &s, &c);
	for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++)
		assert_int_equal(layers.host[expected[i]].verdict, LAYER_MISSING);
	if (geteuid() == 0) {
		assert_int_equal(layers.host[LAYER_CAPABILITIES].verdict, LAYER_MISSING);
		assert_int_equal(layers.host[LAYER_NO_ROOT].verdict, LAYER_MISSING);
	}
	assert_true(layers_any_missing(&layers));
	close(s.dir_fd);
	rmdir(dir);
}

/* As test programs and tools read it. */
static void test_json(void **state)
{
	struct container_config c = usual_config();
	struct msg_layers m = usual_guest();
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);
	json_t *json;

	(void)state;
	memset(&layers, 0, sizeof(layers));
	layers_read_guest(&layers, &m, "", &c, false);
	layers_print_json(out, &layers, "c1");
	fclose(out);
	json = json_loads(text, 0, NULL);
	assert_non_null(json);
	assert_int_equal(json_array_size(json_object_get(json, "layers")), LAYER_COUNT);
	assert_true(json_is_false(json_object_get(json, "missing")));
	json_decref(json);
	free(text);
}

static void test_one_line_for_each_layer(void **state)
{
	struct container_config c = usual_config();
	struct msg_layers m = usual_guest();
	char *text = NULL;
	size_t len = 0, lines = 0;
	FILE *out = open_memstream(&text, &len);

	(void)state;
	memset(&layers, 0, sizeof(layers));
	m.seccomp = le32_of(0);
	layers_read_guest(&layers, &m, "", &c, false);
	layers_print(out, &layers, "c1", false);
	fclose(out);
	for (const char *at = text; *at; at++)
		lines += *at == '\n';
	assert_int_equal(lines, LAYER_COUNT + 1);
	assert_null(strchr(text, 0x1b));
	assert_non_null(strstr(text, " 6 seccomp                    MISSING"));
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_guest_that_has_all),
		cmocka_unit_test(test_each_thing_that_a_guest_may_lack),
		cmocka_unit_test(test_what_was_asked_to_be_off),
		cmocka_unit_test(test_labels_of_a_guest_with_a_policy),
		cmocka_unit_test(test_a_held_process_has_no_filter_yet),
		cmocka_unit_test(test_a_guest_that_does_not_answer),
		cmocka_unit_test(test_words_of_the_guest_are_cleaned),
		cmocka_unit_test(test_an_unconfined_process_lacks_everything),
		cmocka_unit_test(test_json),
		cmocka_unit_test(test_one_line_for_each_layer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
