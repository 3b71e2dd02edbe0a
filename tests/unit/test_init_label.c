/* SPDX-License-Identifier: Apache-2.0 */
/* SELinux's label of a process in the guest: set where the guest has a policy, and only there. */
/* SOURCES: guest-init/creds.c guest-init/setup.c guest-init/plan_read.c guest-init/report.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "guest-init/creds.h"

#define LABEL "system_u:system_r:container_t:s0:c1,c2"

/* Stands for /proc/self/attr: what the kernel says in "current", and what was written to "exec". */
static char dir[] = "/tmp/nacre-label.XXXXXX";
static char written[256];

static void put(const char *name, const char *text)
{
	char path[64];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static const char *label_with(const char *current)
{
	char path[64];
	FILE *f;

	put("current", current);
	put("exec", "");
	assert_int_equal(creds_label_next(dir, LABEL), 0);
	snprintf(path, sizeof(path), "%s/exec", dir);
	f = fopen(path, "r");
	assert_non_null(f);
	written[fread(written, 1, sizeof(written) - 1, f)] = 0;
	fclose(f);
	return written;
}

static void test_only_with_a_policy(void **state)
{
	(void)state;
	assert_string_equal(label_with("system_u:system_r:kernel_t:s0"), LABEL);
	/* before a policy is loaded; AppArmor's word; nothing */
	assert_string_equal(label_with("kernel"), "");
	assert_string_equal(label_with("unconfined\n"), "");
	assert_string_equal(label_with(""), "");
}

static void test_a_label_that_cannot_be_set(void **state)
{
	char path[64];

	(void)state;
	put("current", "u:r:t:s0");
	snprintf(path, sizeof(path), "%s/exec", dir);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(creds_label_next(dir, LABEL), -ENOENT);
	assert_int_equal(symlink("/dev/full", path), 0);
	assert_int_equal(creds_label_next(dir, LABEL), -ENOSPC);
	assert_int_equal(creds_label_next("/nonexistent", LABEL), -ENOENT);
	assert_int_equal(unlink(path), 0);
}

static void decode(struct plan *p, const char *label)
{
	static uint8_t buf[1024] __attribute__((aligned(8)));
	size_t at = sizeof(struct plan_header);
	struct plan_process process = { .id_count = le32_of(65536) };
	const struct {
		enum plan_type type;
		const void *body;
		size_t len;
	} records[] = {
		{ PLAN_PROCESS, &process, sizeof(process) },
		{ PLAN_ARG, "sh", 3 },
		{ PLAN_CWD, "/", 2 },
		{ PLAN_LABEL, label, strlen(label) + 1 },
	};
	const char *why = NULL;

	memset(buf, 0, sizeof(buf));
	for (size_t i = 0; i < sizeof(records) / sizeof(records[0]); i++) {
		struct plan_record head = { le32_of(records[i].type), le32_of((uint32_t)records[i].len) };

		memcpy(buf + at, &head, sizeof(head));
		memcpy(buf + at + sizeof(head), records[i].body, records[i].len);
		at += (sizeof(head) + records[i].len + PLAN_ALIGN - 1) / PLAN_ALIGN * PLAN_ALIGN;
	}
	memcpy(buf, &(struct plan_header){ .magic = le32_of(PLAN_MAGIC), .version = le16_of(PLAN_VERSION),
					   .total_len = le32_of((uint32_t)at), .n_records = le32_of(4) },
	       sizeof(struct plan_header));
	assert_int_equal(plan_decode(p, PLAN_OF_PROCESS, buf, at, &why), 0);
}

/* Here, where SELinux has no policy, the label of a plan changes nothing and is no error. */
static void test_without_selinux(void **state)
{
	struct plan p;
	int status;
	pid_t pid;

	(void)state;
	if (access("/sys/fs/selinux/enforce", F_OK) == 0)
		skip();
	decode(&p, LABEL);
	assert_string_equal(p.label, LABEL);
	pid = fork();
	if (pid == 0) {
		creds_label(&p);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static int set_up(void **state)
{
	(void)state;
	return mkdtemp(dir) ? 0 : -1;
}

static int tear_down(void **state)
{
	char path[64];

	(void)state;
	snprintf(path, sizeof(path), "%s/current", dir);
	unlink(path);
	snprintf(path, sizeof(path), "%s/exec", dir);
	unlink(path);
	return rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_only_with_a_policy),
		cmocka_unit_test(test_a_label_that_cannot_be_set),
		cmocka_unit_test(test_without_selinux),
	};

	return cmocka_run_group_tests_name("label in the guest", tests, set_up, tear_down);
}
