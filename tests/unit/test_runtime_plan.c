/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of the plan compiler: what goes in comes out of a decoder of the test's own. */
/* SOURCES: runtime/plan_compile.c runtime/vm_size.c runtime/cpuset.c runtime/preserved_plan.c runtime/net_plan.c runtime/blocks_plan.c runtime/hooks_plan.c runtime/plan_buffer.c runtime/config.c runtime/arena.c */
/* SOURCES: runtime/failure.c runtime/report.c runtime/config_defaults.c runtime/caps.c */
/* SOURCES: runtime/seccomp_default.c runtime/seccomp_compile.c runtime/seccomp_builtin.c */
/* SOURCES: runtime/device_filter.c runtime/cpuset.c */
/* LIBS: -ljansson -lcap -lseccomp */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <errno.h>
#include <linux/sched.h>
#include <sys/mount.h>

#include <cmocka.h>

#include "plan.h"
#include "runtime/plan_compile.h"

struct compiled {
	struct container_config config;
	struct plan_buffer plan;
	struct failure failure;
};

static void compiled_begin(struct compiled *c)
{
	*c = (struct compiled){ .plan = { .bytes = NULL } };
	config_init(&c->config);
	c->config.id = "x";
	string_list_add(&c->config.arena, &c->config.process.args, "/bin/sh");
}

static void compiled_end(struct compiled *c)
{
	plan_buffer_free(&c->plan);
	config_free(&c->config);
}

/* The body of the n-th record of a type; checks the structure of the whole plan on the way. */
static struct cursor record_find(const struct plan_buffer *plan, uint32_t type, unsigned int n)
{
	struct cursor at = cursor_over(plan->bytes, plan->len);
	const struct plan_header *header = cursor_take(&at, sizeof(*header));
	struct cursor found = { .failed = true };

	assert_non_null(header);
	assert_int_equal(le32_get(header->magic), PLAN_MAGIC);
	assert_int_equal(le16_get(header->version), PLAN_VERSION);
	assert_int_equal(le32_get(header->total_len), plan->len);
	for (uint32_t i = 0; i < le32_get(header->n_records); i++) {
		const struct plan_record *record = cursor_take(&at, sizeof(*record));
		uint32_t len;
		const void *body;

		assert_non_null(record);
		len = le32_get(record->len);
		body = cursor_take(&at, len);
		assert_non_null(body);
		for (; len % PLAN_ALIGN; len++)
			assert_int_equal(*(const char *)cursor_take(&at, 1), 0);
		if (i == 0)
			assert_int_equal(le32_get(record->type), PLAN_PROCESS);
		if (le32_get(record->type) == type && n-- == 0)
			found = cursor_over(body, le32_get(record->len));
	}
	assert_int_equal(at.left, 0);
	return found;
}

static const char *string_find(const struct plan_buffer *plan, uint32_t type, unsigned int n)
{
	struct cursor body = record_find(plan, type, n);
	const char *string = body.failed ? NULL : cursor_take_string(&body);

	if (string)
		assert_int_equal(body.left, 0);
	return string;
}

static void test_smallest(void **state)
{
	struct compiled c;
	struct cursor body;
	const struct plan_process *process;

	(void)state;
	compiled_begin(&c);
	assert_int_equal(plan_compile(&c.config, &c.plan, &c.failure), 0);
	body = record_find(&c.plan, PLAN_PROCESS, 0);
	process = cursor_take(&body, sizeof(*process));
	assert_non_null(process);
	assert_int_equal(body.left, 0);
	assert_int_equal(le32_get(process->flags), 0);
	assert_int_equal(le32_get(process->umask), 0022);
	assert_int_equal(le32_get(process->id_count), 65536);
	assert_true(le32_get(process->namespaces_lo) & CLONE_NEWUSER);
	assert_string_equal(string_find(&c.plan, PLAN_ARG, 0), "/bin/sh");
	assert_null(string_find(&c.plan, PLAN_ARG, 1));
	assert_string_equal(string_find(&c.plan, PLAN_CWD, 0), "/");
	assert_null(string_find(&c.plan, PLAN_HOSTNAME, 0));
	assert_null(string_find(&c.plan, PLAN_LABEL, 0));
	assert_true(record_find(&c.plan, PLAN_CGROUP, 0).failed);
	assert_false(record_find(&c.plan, PLAN_ROOT, 0).failed);
	compiled_end(&c);
}

static void fill_process(struct config_process *process, struct arena *arena)
{
	process->terminal = process->plain_lines = true;
	process->no_new_privileges = process->init_reaper = true;
	process->uid = 5;
	process->gid = 6;
	process->rows = 24;
	process->cols = 80;
	process->oom_score_adj = -999;
	process->caps[CAP_SET_AMBIENT] = UINT64_C(1) << 40;
	*config_add_group(arena, &process->groups) = 77;
	*config_add_rlimit(arena, &process->rlimits) =
		(struct config_rlimit){ .resource = 7, .soft = 1, .hard = UINT64_MAX };
	string_list_add(arena, &process->env, "A=b");
	process->selinux_label = "u:r:t:s0:c1,c2";
}

static void test_process(void **state)
{
	struct compiled c;
	struct cursor body;
	const struct plan_process *process;
	const struct plan_rlimit *limit;
	const struct le32 *group;

	(void)state;
	compiled_begin(&c);
	fill_process(&c.config.process, &c.config.arena);
	c.config.hostname = "h";
	c.config.domainname = "d";
	assert_int_equal(plan_compile(&c.config, &c.plan, &c.failure), 0);
	body = record_find(&c.plan, PLAN_PROCESS, 0);
	process = cursor_take(&body, sizeof(*process));
	assert_int_equal(le32_get(process->flags),
			 PLAN_TERMINAL | PLAN_NO_NEW_PRIVS | PLAN_INIT_REAPER |
			 PLAN_PLAIN_LINES);
	assert_int_equal(le32_get(process->uid), 5);
	assert_int_equal(le32_get(process->gid), 6);
	assert_int_equal((int32_t)le32_get(process->oom_score_adj), -999);
	assert_int_equal(le16_get(process->rows), 24);
	assert_int_equal(le16_get(process->cols), 80);
	assert_true(le64_get(process->caps[CAP_SET_AMBIENT]) == UINT64_C(1) << 40);
	body = record_find(&c.plan, PLAN_GROUP, 0);
	group = cursor_take(&body, sizeof(*group));
	assert_int_equal(le32_get(*group), 77);
	body = record_find(&c.plan, PLAN_RLIMIT, 0);
	limit = cursor_take(&body, sizeof(*limit));
	assert_true(le64_get(limit->hard) == UINT64_MAX);
	assert_string_equal(string_find(&c.plan, PLAN_ENV, 0), "A=b");
	assert_string_equal(string_find(&c.plan, PLAN_HOSTNAME, 0), "h");
	assert_string_equal(string_find(&c.plan, PLAN_LABEL, 0), "u:r:t:s0:c1,c2");
	assert_string_equal(string_find(&c.plan, PLAN_DOMAINNAME, 0), "d");
	compiled_end(&c);
}

static struct config_mount *bind_add(struct compiled *c, const char *to)
{
	struct config_mount *mount = config_add_mount(&c->config.arena, &c->config.mounts);

	*mount = (struct config_mount){ .destination = to, .type = "bind", .source = "/secret/host",
					.data = "", .is_bind = true, .flags = MS_RDONLY };
	return mount;
}

static void test_mounts(void **state)
{
	struct compiled c;
	const struct plan_mount *mount;
	struct cursor body;

	(void)state;
	compiled_begin(&c);
	bind_add(&c, "/one");
	*config_add_mount(&c.config.arena, &c.config.mounts) = (struct config_mount){
		.destination = "/t", .type = "tmpfs", .source = "src", .data = "size=1",
		.flags = MS_NOSUID, .propagation = MS_SLAVE,
	};
	bind_add(&c, "/two")->target_is_file = true;
	c.config.root_readonly = true;
	assert_int_equal(plan_compile(&c.config, &c.plan, &c.failure), 0);

	body = record_find(&c.plan, PLAN_MOUNT, 0);
	mount = cursor_take(&body, sizeof(*mount));
	assert_int_equal(le32_get(mount->kind), PLAN_MOUNT_EXPORT);
	assert_int_equal(le32_get(mount->index), 0);
	assert_string_equal(cursor_take_string(&body), "/one");
	assert_string_equal(cursor_take_string(&body), "bind");
	/* a guest learns no path of the host */
	assert_string_equal(cursor_take_string(&body), "");
	body = record_find(&c.plan, PLAN_MOUNT, 1);
	mount = cursor_take(&body, sizeof(*mount));
	assert_int_equal(le32_get(mount->kind), PLAN_MOUNT_FS);
	assert_int_equal(le32_get(mount->flags), MS_NOSUID);
	assert_int_equal(le32_get(mount->propagation), MS_SLAVE);
	assert_string_equal(cursor_take_string(&body), "/t");
	assert_string_equal(cursor_take_string(&body), "tmpfs");
	assert_string_equal(cursor_take_string(&body), "src");
	assert_string_equal(cursor_take_string(&body), "size=1");
	assert_int_equal(body.left, 0);
	body = record_find(&c.plan, PLAN_MOUNT, 2);
	mount = cursor_take(&body, sizeof(*mount));
	assert_int_equal(le32_get(mount->index), 1);
	assert_int_equal(le32_get(mount->target_is_file), 1);
	compiled_end(&c);
}

/* A path that is listed twice is masked once. */
static void test_paths_given_twice(void **state)
{
	static const char *const paths[] = { "/proc/kcore", "/a", "/proc/kcore", "/a/b" };
	static const char *const wanted[] = { "/proc/kcore", "/a", "/a/b" };
	struct compiled c;

	(void)state;
	compiled_begin(&c);
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
		string_list_add(&c.config.arena, &c.config.masked_paths, paths[i]);
	assert_int_equal(plan_compile(&c.config, &c.plan, &c.failure), 0);
	for (unsigned int i = 0; i < 3; i++)
		assert_string_equal(string_find(&c.plan, PLAN_MASKED, i), wanted[i]);
	assert_null(string_find(&c.plan, PLAN_MASKED, 3));
	compiled_end(&c);
}

static void assert_cgroup(const struct compiled *c, unsigned int n, const char *file,
			  const char *value)
{
	struct cursor body = record_find(&c->plan, PLAN_CGROUP, n);

	assert_string_equal(cursor_take_string(&body), file);
	assert_string_equal(cursor_take_string(&body), value);
}

static void test_resources(void **state)
{
	struct compiled c;
	struct config_resources *r = &c.config.resources;

	(void)state;
	compiled_begin(&c);
	r->memory_limit = 100000000;
	r->memory_swap = 150000000;
	r->pids_limit = 50;
	r->cpu_quota = 150000;
	r->cpu_burst = 50000;
	r->cpu_shares = 1024;
	*config_add_pair(&c.config.arena, &r->unified) =
		(struct config_pair){ "memory.high", "max" };
	assert_int_equal(plan_compile(&c.config, &c.plan, &c.failure), 0);
	assert_cgroup(&c, 0, "memory.max", "100000000");
	assert_cgroup(&c, 1, "pids.max", "50");
	assert_cgroup(&c, 2, "cpu.max", "150000 100000");
	assert_cgroup(&c, 3, "cpu.weight", "39");
	assert_cgroup(&c, 4, "cpu.max.burst", "50000");
	assert_cgroup(&c, 5, "memory.high", "max");
	compiled_end(&c);

	/* as an update takes limits back */
	compiled_begin(&c);
	r->cpu_quota = -1;
	r->memory_reservation = -1;
	assert_int_equal(plan_compile(&c.config, &c.plan, &c.failure), 0);
	assert_cgroup(&c, 0, "memory.low", "max");
	assert_cgroup(&c, 1, "cpu.max", "max 100000");
	compiled_end(&c);

	/* in an order that the kernel takes */
	compiled_begin(&c);
	r->cpu_quota = 20000;
	r->cpu_burst = 0;
	r->cpu_idle = 0;
	r->cpu_shares = 1024;
	assert_int_equal(plan_compile(&c.config, &c.plan, &c.failure), 0);
	assert_cgroup(&c, 0, "cpu.max.burst", "0");
	assert_cgroup(&c, 1, "cpu.max", "20000 100000");
	assert_cgroup(&c, 2, "cpu.idle", "0");
	assert_cgroup(&c, 3, "cpu.weight", "39");
	compiled_end(&c);
}

static void test_hooks(void **state)
{
	struct compiled c;
	struct config_hook hook = { .path = "/bin/hook", .timeout_s = 7 };
	struct cursor body;
	const struct plan_hook *record;

	(void)state;
	compiled_begin(&c);
	c.config.bundle = "/b";
	*config_add_hook(&c.config.arena, &c.config.hooks[HOOK_START_CONTAINER]) = hook;
	string_list_add(&c.config.arena, &hook.args, "zero");
	string_list_add(&c.config.arena, &hook.env, "A=b");
	hook.has_env = true;
	*config_add_hook(&c.config.arena, &c.config.hooks[HOOK_START_CONTAINER]) = hook;
	assert_int_equal(plan_compile(&c.config, &c.plan, &c.failure), 0);
	body = record_find(&c.plan, PLAN_HOOK_STATE, 0);
	assert_string_equal(cursor_take_string(&body),
			    "{\"ociVersion\":\"1.2.0\",\"id\":\"x\",\"status\":\"created\","
			    "\"bundle\":\"/b\"}");
	body = record_find(&c.plan, PLAN_HOOK, 0);
	record = cursor_take(&body, sizeof(*record));
	assert_int_equal(le32_get(record->timeout_s), 7);
	assert_int_equal(le32_get(record->n_args), 1);
	assert_int_equal(le32_get(record->n_env), 0);
	assert_int_equal(le32_get(record->inherits), 1);
	assert_string_equal(cursor_take_string(&body), "/bin/hook");
	assert_string_equal(cursor_take_string(&body), "/bin/hook");
	assert_int_equal(body.left, 0);
	body = record_find(&c.plan, PLAN_HOOK, 1);
	record = cursor_take(&body, sizeof(*record));
	assert_int_equal(le32_get(record->inherits), 0);
	assert_string_equal(cursor_take_string(&body), "/bin/hook");
	assert_string_equal(cursor_take_string(&body), "zero");
	assert_string_equal(cursor_take_string(&body), "A=b");
	assert_int_equal(body.left, 0);
	compiled_end(&c);
}

/* As many as the VM has, whatever their numbers on the host. */
static void test_cpuset(void **state)
{
	static const struct {
		const char *cpus, *mems;
		int64_t quota;
		const char *wanted;
	} cases[] = { { "3", "1", 0, "0" }, { "2-3,7", "0", 0, "0-2" }, { "0-7", "0", 150000, "0-1" } };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct compiled c;

		compiled_begin(&c);
		c.config.resources.cpuset_cpus = cases[i].cpus;
		c.config.resources.cpuset_mems = cases[i].mems;
		c.config.resources.cpu_quota = cases[i].quota;
		assert_int_equal(plan_compile(&c.config, &c.plan, &c.failure), 0);
		assert_cgroup(&c, cases[i].quota ? 1 : 0, "cpuset.cpus", cases[i].wanted);
		assert_cgroup(&c, cases[i].quota ? 2 : 1, "cpuset.mems", "0");
		compiled_end(&c);
	}
}

static void test_too_large(void **state)
{
	struct compiled c;
	char *big = calloc(1, PLAN_BYTES_MAX + 2);
	size_t fits;

	(void)state;
	memset(big, 'x', PLAN_BYTES_MAX + 1);
	compiled_begin(&c);
	string_list_add(&c.config.arena, &c.config.process.args, big);
	assert_int_equal(plan_compile(&c.config, &c.plan, &c.failure), -E2BIG);
	assert_non_null(strstr(c.failure.text, "1 MiB"));
	plan_buffer_free(&c.plan);
	/* the last byte that fits, and one record more */
	plan_buffer_begin(&c.plan);
	fits = PLAN_BYTES_MAX / PLAN_ALIGN * PLAN_ALIGN - sizeof(struct plan_header) -
	       sizeof(struct plan_record);
	plan_buffer_add(&c.plan, PLAN_ARG, big, fits, NULL);
	assert_int_equal(plan_buffer_end(&c.plan), 0);
	plan_buffer_add_string(&c.plan, PLAN_ARG, "");
	assert_int_equal(plan_buffer_end(&c.plan), -E2BIG);
	free(big);
	compiled_end(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_paths_given_twice), cmocka_unit_test(test_cpuset),
		cmocka_unit_test(test_smallest), cmocka_unit_test(test_process),
		cmocka_unit_test(test_mounts),	 cmocka_unit_test(test_resources),
		cmocka_unit_test(test_too_large), cmocka_unit_test(test_hooks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
