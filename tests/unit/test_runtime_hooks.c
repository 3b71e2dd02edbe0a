/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of hooks: what they get, when they fail, how long they may take. */
/* SOURCES: runtime/hooks.c runtime/config_hooks.c runtime/json_reader.c runtime/config.c */
/* SOURCES: runtime/spawn.c runtime/oom_score.c runtime/visit.c runtime/child.c runtime/lines.c runtime/signals.c runtime/arena.c */
/* SOURCES: runtime/failure.c runtime/report.c runtime/state_oci.c runtime/state_open.c */
/* SOURCES: runtime/process_ref.c runtime/ident.c runtime/json_document.c runtime/config_json.c runtime/config_linux.c runtime/config_pod.c */
/* SOURCES: runtime/mount_data.c runtime/config_mounts.c runtime/config_process.c runtime/environment.c runtime/config_resources.c */
/* SOURCES: runtime/config_seccomp.c runtime/config_defaults.c runtime/mount_options.c */
/* SOURCES: runtime/caps.c runtime/devices.c runtime/config_io.c runtime/cpuset.c */
/* SOURCES: runtime/seccomp_default.c runtime/file_replace.c */
/* LIBS: -ljansson -lcap -lseccomp -lm */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "runtime/child.h"
#include "runtime/hooks.h"
#include "runtime/lines.h"

struct fixture {
	struct container_config config;
	struct failure failure;
	struct state state;
	json_t *json;
};

static void begin(struct fixture *f, const char *hooks)
{
	*f = (struct fixture){ .state = STATE_NONE };
	config_init(&f->config);
	f->json = json_loads(hooks, 0, NULL);
	f->state.id = "c1";
	f->state.bundle = "/bundle";
	f->state.annotations = json_pack("{s:s}", "key", "value");
	f->state.monitor = process_ref_of(getpid());
}

static void end(struct fixture *f)
{
	json_decref(f->json);
	json_decref(f->state.annotations);
	config_free(&f->config);
}

static int run(struct fixture *f, enum config_hook_kind kind)
{
	int err = config_read_hooks_alone(&f->config, f->json, &f->failure);

	return err ? err : hooks_run(&f->config, kind, &f->state, STATE_CREATING, HOOKS_HERE(-1),
				     &f->failure);
}

static void check(const char *hooks, int err, const char *text)
{
	struct fixture f;

	begin(&f, hooks);
	assert_int_equal(run(&f, HOOK_PRESTART), err);
	if (!strstr(f.failure.text, text))
		fail_msg("expected %s, seen %s", text, f.failure.text);
	end(&f);
}

static void test_a_hook_gets_state_args_and_env(void **state)
{
	char path[] = "/tmp/nacre-hook.XXXXXX";
	char hooks[512], seen[1024];
	struct fixture f;
	json_t *json;
	int fd = mkstemp(path);
	ssize_t n;

	(void)state;
	snprintf(hooks, sizeof(hooks),
		 "{\"prestart\":[{\"path\":\"/bin/sh\",\"args\":[\"sh\",\"-c\","
		 "\"cat >%s; echo >>%s; echo $0 $1 $A $B >>%s\",\"zero\",\"one\"],"
		 "\"env\":[\"A=x\",\"B=y\"]}]}", path, path, path);
	begin(&f, hooks);
	setenv("B", "ours", 1);
	assert_int_equal(run(&f, HOOK_PRESTART), 0);
	n = read(fd, seen, sizeof(seen) - 1);
	assert_true(n > 0);
	seen[n] = '\0';
	assert_non_null(strstr(seen, "\nzero one x y\n"));
	*strchr(seen, '\n') = '\0';
	json = json_loads(seen, 0, NULL);
	assert_string_equal(json_string_value(json_object_get(json, "id")), "c1");
	assert_string_equal(json_string_value(json_object_get(json, "status")), "creating");
	assert_string_equal(json_string_value(json_object_get(json, "bundle")), "/bundle");
	assert_int_equal(json_integer_value(json_object_get(json, "pid")), getpid());
	assert_non_null(json_object_get(json_object_get(json, "annotations"), "key"));
	json_decref(json);
	end(&f);
	close(fd);
	unlink(path);
}

/* The bundle's, or where that is gone the caller's. */
static void test_a_hook_has_a_directory(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f, "{\"prestart\":[{\"path\":\"/bin/sh\",\"args\":[\"sh\",\"-c\",\"pwd >&2; exit 3\"]}]}");
	f.state.bundle = "/usr/lib";
	assert_int_equal(run(&f, HOOK_PRESTART), -EIO);
	assert_non_null(strstr(f.failure.text, "failed with status 3: /usr/lib"));
	f.state.bundle = "/no/such/bundle";
	assert_int_equal(hooks_run(&f.config, HOOK_PRESTART, &f.state, STATE_CREATING,
				   HOOKS_HERE(-1), &f.failure), -EIO);
	assert_null(strstr(f.failure.text, "/no/such"));
	end(&f);
}

/* Without "env" it has ours; with an empty one it has none. */
static void test_an_inherited_env(void **state)
{
	(void)state;
	setenv("OURS", "here", 1);
	check("{\"prestart\":[{\"path\":\"/bin/sh\",\"args\":[\"sh\",\"-c\","
	      "\"echo seen=$OURS >&2; exit 3\"]}]}", -EIO, "seen=here");
	check("{\"prestart\":[{\"path\":\"/bin/sh\",\"args\":[\"sh\",\"-c\","
	      "\"echo seen=$OURS. >&2; exit 3\"],\"env\":[]}]}", -EIO, "seen=.");
	check("{\"prestart\":[{\"path\":\"/bin/sh\",\"args\":[\"sh\",\"-c\","
	      "\"echo seen=$OURS >&2; exit 3\"],\"env\":null}]}", -EIO, "seen=here");
}

static void test_failures(void **state)
{
	(void)state;
	check("{\"prestart\":[{\"path\":\"/bin/false\"}]}", -EIO,
	      "prestart hook /bin/false failed with status 1");
	check("{\"prestart\":[{\"path\":\"/bin/sh\",\"args\":[\"sh\",\"-c\",\"echo no >&2; exit 3\"]}]}",
	      -EIO, "failed with status 3: no");
	check("{\"prestart\":[{\"path\":\"/bin/sh\",\"args\":[\"sh\",\"-c\",\"kill -9 $$\"]}]}", -EIO,
	      "was killed by signal 9");
	check("{\"prestart\":[{\"path\":\"/no/such/hook\"}]}", -ENOENT,
	      "prestart hook /no/such/hook: cannot start: No such file");
	check("{\"prestart\":[{\"path\":\"relative\"}]}", -EINVAL, "expected an absolute path");
	check("{\"prestart\":[{\"path\":\"/x\",\"timeout\":0}]}", -EINVAL, "timeout");
	check("{\"prestart\":[{\"args\":[]}]}", -EINVAL, "\"path\" is missing");
}

static void test_the_first_failure_ends(void **state)
{
	char path[] = "/tmp/nacre-hook.XXXXXX";
	char hooks[512];

	(void)state;
	close(mkstemp(path));
	snprintf(hooks, sizeof(hooks),
		 "{\"prestart\":[{\"path\":\"/bin/false\"},"
		 "{\"path\":\"/bin/rm\",\"args\":[\"rm\",\"%s\"]}]}", path);
	check(hooks, -EIO, "status 1");
	assert_int_equal(unlink(path), 0);
}

static void test_a_timeout_kills_all_of_it(void **state)
{
	int64_t begun = child_now_ms();

	(void)state;
	check("{\"prestart\":[{\"path\":\"/bin/sh\",\"args\":[\"sh\",\"-c\",\"sleep 50 & sleep 50\"],"
	      "\"timeout\":1}]}", -ETIMEDOUT, "took longer than its timeout");
	assert_in_range(child_now_ms() - begun, 900, 8000);
}

/* Whoever writes as fast as we read, a companion that was taken over or a hook, holds up nobody. */
static void test_output_without_end(void **state)
{
	static char bytes[1u << 20];
	struct lines lines;
	int fd = lines_open(&lines), left = 0;

	(void)state;
	if (fcntl(fd, F_SETPIPE_SZ, sizeof(bytes)) < 0)
		skip();
	assert_int_equal(write(fd, bytes, sizeof(bytes)), sizeof(bytes));
	lines_read(&lines);
	assert_int_equal(ioctl(lines.fd, FIONREAD, &left), 0);
	assert_in_range(left, 1, sizeof(bytes) - 65536);
	close(fd);
	while (lines.fd >= 0)
		lines_read(&lines);
}

static void test_only_the_kind_that_is_asked_for(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f, "{\"poststop\":[{\"path\":\"/bin/false\"}],\"prestart\":null}");
	assert_int_equal(run(&f, HOOK_PRESTART), 0);
	hooks_run_poststop(&f.config, &f.state, -1); /* a warning */
	end(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_hook_gets_state_args_and_env),
		cmocka_unit_test(test_a_hook_has_a_directory),
		cmocka_unit_test(test_an_inherited_env),
		cmocka_unit_test(test_failures),
		cmocka_unit_test(test_the_first_failure_ends),
		cmocka_unit_test(test_a_timeout_kills_all_of_it),
		cmocka_unit_test(test_output_without_end),
		cmocka_unit_test(test_only_the_kind_that_is_asked_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
