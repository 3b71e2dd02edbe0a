/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of what a verb leaves for the next one: state, locks, pids that may be somebody else's. */
/* SOURCES: runtime/net_resolver.c runtime/resolve.c runtime/state_ids.c runtime/state_open.c runtime/state_oci.c runtime/state_update.c runtime/pod.c */
/* SOURCES: runtime/process_ref.c runtime/ident.c runtime/state.c runtime/make_path.c runtime/rootless.c runtime/state_sweep.c runtime/state_roots.c runtime/subid.c runtime/apart.c runtime/mcs.c runtime/selinux.c */
/* SOURCES: runtime/file_replace.c runtime/pid_file.c runtime/path_split.c runtime/signal_names.c */
/* SOURCES: runtime/size.c runtime/arena.c runtime/failure.c runtime/report.c runtime/config.c */
/* SOURCES: runtime/json_document.c runtime/config_json.c runtime/config_process.c runtime/environment.c runtime/config_mounts.c runtime/caps.c */
/* SOURCES: runtime/config_linux.c runtime/config_pod.c runtime/config_resources.c runtime/config_defaults.c */
/* SOURCES: runtime/mount_options.c runtime/mount_data.c runtime/json_reader.c runtime/devices.c runtime/cpuset.c */
/* SOURCES: runtime/config_seccomp.c runtime/seccomp_default.c runtime/config_io.c */
/* SOURCES: runtime/config_hooks.c */
/* LIBS: -ljansson -lcap -lseccomp -lselinux -lm */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "runtime/cgroup.h"
#include "runtime/json_document.h"
#include "runtime/pid_file.h"
#include "runtime/signal_names.h"
#include "runtime/pod.h"
#include "runtime/state.h"
#include "runtime/state_files.h"
#include "runtime/state_sweep.h"

static char root[] = "/tmp/nacre-state.XXXXXX";
static struct arena arena;

/* Of a run that was killed; there is none here. */
void cgroup_remove(const char *leaf, uint64_t id)
{
	(void)leaf;
	(void)id;
}

/* A state directory that goes while it is read: state.json was seen, and whose it is will be asked. */
static const char *goes;

uid_t geteuid(void)
{
	static const char *const files[] = { STATUS_FILE, STATE_FILE };
	char path[128];

	for (size_t i = 0; i < 2 && goes; i++) {
		snprintf(path, sizeof(path), "%s/%s/%s", root, goes, files[i]);
		unlink(path);
	}
	return (uid_t)syscall(SYS_geteuid);
}

static int set_up(void **state)
{
	(void)state;
	strcpy(strrchr(root, '.'), ".XXXXXX");
	return mkdtemp(root) ? 0 : -1;
}

static int tear_down(void **state)
{
	char command[64];

	(void)state;
	arena_free(&arena);
	arena = (struct arena){ .blocks = NULL };
	snprintf(command, sizeof(command), "rm -rf %s", root);
	return system(command);
}

static void file_put(const char *id, const char *name, const char *text)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", root, id);
	mkdir(path, 0700);
	snprintf(path, sizeof(path), "%s/%s/%s", root, id, name);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

static void container_put(const char *id, struct process_ref monitor, bool started)
{
	char text[512];

	snprintf(text, sizeof(text),
		 "{\"version\":2,\"vm\":{\"memory\":67108864,\"cpus\":2,\"uid\":7,\"gid\":8,"
		 "\"process\":{\"pid\":0,\"start\":0},\"fsd\":{\"pid\":0,\"start\":0}},"
		 "\"container\":{\"id\":\"%s\",\"number\":0,\"rootfs\":\"/r\",\"bundle\":\"/b\","
		 "\"created\":\"2026-01-01T00:00:00Z\",\"process\":{\"pid\":%d,\"start\":%llu},"
		 "\"foreground\":false,\"terminal\":false,\"paused\":false,\"annotations\":{}}}",
		 id, (int)monitor.pid, (unsigned long long)monitor.start);
	file_put(id, STATE_FILE, text);
	file_put(id, STATUS_FILE, "");
	file_put(id, STARTED_FILE, started ? "1" : "");
}

static enum state_status status_of(const char *id)
{
	struct failure failure = { .text = "" };
	struct state state = STATE_NONE;
	enum state_status status;

	assert_int_equal(state_open(&state, root, id, &arena, &failure), 0);
	status = state_status(&state);
	state_close(&state);
	return status;
}

static pid_t child_start(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		pause();
		_exit(0);
	}
	return pid;
}

static void test_status_is_what_the_processes_say(void **state)
{
	pid_t pid = child_start();
	struct process_ref process = process_ref_of(pid);
	struct process_ref other = { .pid = pid, .start = process.start - 1 };

	(void)state;
	assert_true(process_ref_is_alive(&process));
	container_put("held", process, false);
	container_put("runs", process, true);
	container_put("reused", other, true);
	container_put("none", (struct process_ref){ .pid = 0 }, false);
	assert_int_equal(status_of("held"), STATE_CREATED);
	assert_int_equal(status_of("runs"), STATE_RUNNING);
	assert_int_equal(status_of("reused"), STATE_STOPPED);
	assert_int_equal(status_of("none"), STATE_STOPPED);
	assert_int_equal(process_ref_kill(&other, 1000), 0); /* somebody else's */
	assert_true(process_ref_is_alive(&process));

	kill(pid, SIGKILL);
	assert_int_equal(process_ref_wait(&process, 5000), 0);
	assert_int_equal(status_of("runs"), STATE_STOPPED); /* a zombie runs no more */
	waitpid(pid, NULL, 0);
	assert_int_equal(status_of("runs"), STATE_STOPPED);
	assert_int_equal(process_ref_open(&process), -ESRCH);
}

static void test_creating_as_long_as_somebody_holds_the_lock(void **state)
{
	char path[128];
	int fd;

	(void)state;
	container_put("making", (struct process_ref){ .pid = 0 }, false);
	snprintf(path, sizeof(path), "%s/making/" STATUS_FILE, root);
	fd = open(path, O_RDWR);
	assert_int_equal(flock(fd, LOCK_EX), 0);
	assert_int_equal(status_of("making"), STATE_CREATING);
	close(fd);
	assert_int_equal(status_of("making"), STATE_STOPPED);
}

static void check_open(const char *id, int err, const char *text)
{
	struct failure failure = { .text = "" };
	struct state state = STATE_NONE;

	assert_int_equal(state_open(&state, root, id, &arena, &failure), err);
	assert_non_null(strstr(failure.text, text));
	state_close(&state);
}

static bool is_there(const char *path)
{
	char whole[128];

	snprintf(whole, sizeof(whole), "%s/%s", root, path);
	return access(whole, F_OK) == 0;
}

static void test_sweep_takes_only_what_nacre_made(void **state)
{
	struct sweep sweep = { .uids = NULL };
	char path[128];
	int fd;

	(void)state;
	file_put("bundle", "config.json", "{}"); /* a caller's: neither status nor state */
	file_put("killed", STATUS_FILE, "");
	file_put("killed", "config.json", "{}");
	file_put("open", STATUS_FILE, "");
	snprintf(path, sizeof(path), "%s/open", root);
	assert_int_equal(chmod(path, 0755), 0); /* nacre makes none like that */
	file_put("made~", STATUS_FILE, ""); /* of a create or a delete that was killed */
	file_put("made~", STATE_FILE, "{");
	fd = open(root, O_RDONLY | O_DIRECTORY);
	sweep_root(&sweep, fd, &arena);
	close(fd);
	assert_true(is_there("bundle/config.json"));
	assert_true(is_there("open/" STATUS_FILE));
	assert_false(is_there("killed"));
	assert_false(is_there("made~"));
	file_put("one~", STARTED_FILE, "");
	file_put("two~", STARTED_FILE, "");
	sweep_leftover(root, "one");
	assert_false(is_there("one~"));
	assert_true(is_there("two~"));
}

static void test_damaged_state_can_be_removed(void **state)
{
	struct failure failure = { .text = "" };
	struct state found = STATE_NONE;

	(void)state;
	file_put("torn", STATE_FILE, "{\"version\":2,");
	file_put("torn", STATUS_FILE, "");
	assert_int_equal(state_open_damaged(&found, root, "torn", 0, &arena, &failure), 0);
	assert_string_equal(failure.text, "");
	assert_int_equal(found.monitor.pid, 0);
	state_remove(&found);
	assert_false(is_there("torn"));
	assert_int_equal(state_open_damaged(&found, root, "gone", 0, &arena, &failure), -ENOENT);
}

static void test_numbers_beyond_two_to_the_63(void **state)
{
	static const char text[] = "{\"a\":18446744073709551615,\"b\":2}";
	json_error_t error;
	json_t *json = json_document_parse(text, strlen(text), &error);

	(void)state;
	assert_non_null(json);
	assert_true(json_real_value(json_object_get(json, "a")) >= 0x1p63);
	assert_int_equal(json_integer_value(json_object_get(json, "b")), 2);
	json_decref(json);
	file_put("doc", "p.json", text);
	assert_null(json_document_load("/nonexistent", &error));
	assert_string_equal(error.text, strerror(ENOENT));
	assert_null(json_document_parse("{\"a\":1,\"a\":2}", 13, &error));
}

static void test_what_is_no_container(void **state)
{
	check_open("of somebody else", -EINVAL, "expected 1 to 200");
	file_put("bundle", "config.json", "{}");
	check_open("bundle", -ENOENT, "bundle: container does not exist");
	(void)state;
	check_open("absent", -ENOENT, "absent: container does not exist");
	check_open("../x", -EINVAL, "\"../x\": invalid container ID: expected 1 to 200");
	check_open("", -EINVAL, "expected 1 to 200");
	file_put("torn", STATE_FILE, "{\"version\":2,");
	check_open("torn", -EIO, "expected the state of a container");
	file_put("list", STATE_FILE, "[]");
	check_open("list", -EIO, "expected the state of a container");
	/* a create that was killed before it wrote anything */
	file_put("empty", STATUS_FILE, "");
	assert_int_equal(status_of("empty"), STATE_STOPPED);
}

/* ROOT may lie where others write: the state that they left there names processes, cgroups and hooks. */
static void test_state_of_another_user(void **state)
{
	struct failure failure = { .text = "" };
	struct state found = STATE_NONE;
	char path[128];

	(void)state;
	container_put("theirs", (struct process_ref){ .pid = 0 }, false);
	file_put("plain", "config.json", "{}");
	snprintf(path, sizeof(path), "%s/theirs", root);
	assert_int_equal(chmod(path, 0770), 0);
	check_open("theirs", -EPERM, "expected a state directory that nacre made for this user");
	assert_int_equal(chmod(path, 0700), 0);
	assert_int_equal(status_of("theirs"), STATE_STOPPED);
	if (geteuid() != 0)
		skip();
	assert_int_equal(chown(path, 1234, 1234), 0);
	check_open("theirs", -EPERM, "expected a state directory that nacre made for this user");
	assert_int_equal(state_open_damaged(&found, root, "theirs", 0, &arena, &failure), -EPERM);
	assert_true(is_there("theirs/" STATE_FILE));
	/* what is no container at all is none of theirs either */
	snprintf(path, sizeof(path), "%s/plain", root);
	assert_int_equal(chown(path, 1234, 1234), 0);
	check_open("plain", -ENOENT, "plain: container does not exist");
}

static void test_a_state_that_goes_meanwhile(void **state)
{
	(void)state;
	container_put("going", (struct process_ref){ .pid = 0 }, false);
	goes = "going";
	check_open("going", -ENOENT, "going: container does not exist");
	goes = NULL;
}

static void test_one_verb_at_a_time(void **state)
{
	struct failure failure = { .text = "" };
	struct state first = STATE_NONE, second = STATE_NONE;

	(void)state;
	container_put("one", (struct process_ref){ .pid = 0 }, false);
	assert_int_equal(state_open_locked(&first, root, "one", 0, &arena, &failure), 0);
	assert_int_equal(state_open_locked(&second, root, "one", 50, &arena, &failure), -EBUSY);
	assert_non_null(strstr(failure.text, "one: another command is changing the container"));
	state_unlock(&first);
	assert_int_equal(state_open_locked(&second, root, "one", 0, &arena, &failure), 0);
	state_close(&second);
	state_close(&first);
}

static void test_as_engines_read_it(void **state)
{
	struct failure failure = { .text = "" };
	struct state read = STATE_NONE;
	struct process_ref self = process_ref_of(getpid());
	json_t *json;

	(void)state;
	container_put("c1", self, true);
	assert_int_equal(state_open(&read, root, "c1", &arena, &failure), 0);
	json = state_as_oci(&read, STATE_RUNNING);
	assert_string_equal(json_string_value(json_object_get(json, "ociVersion")), "1.2.0");
	assert_string_equal(json_string_value(json_object_get(json, "status")), "running");
	assert_string_equal(json_string_value(json_object_get(json, "bundle")), "/b");
	assert_int_equal(json_integer_value(json_object_get(json, "pid")), getpid());
	assert_true(json_is_object(json_object_get(json, "annotations")));
	json_decref(json);
	json = state_as_oci(&read, STATE_STOPPED);
	assert_int_equal(json_integer_value(json_object_get(json, "pid")), 0);
	json_decref(json);
	state_close(&read);
}

/* Opens c1, merges, and reads its configuration back. */
static void merge_and_read(const char *resources, struct container_config *config)
{
	struct failure failure = { .text = "" };
	struct state found = STATE_NONE;
	json_t *json = json_loads(resources, 0, NULL);

	assert_int_equal(state_open(&found, root, "c1", &arena, &failure), 0);
	assert_int_equal(state_save_resources(&found, json, &failure), 0);
	config_init(config);
	if (state_read_config(&found, config, &failure) != 0)
		fail_msg("%s", failure.text);
	json_decref(json);
	state_close(&found);
}

static void test_changed_limits_are_noted(void **state)
{
	static const char bundle[] =
		"{\"ociVersion\":\"1.0.2\",\"root\":{\"path\":\"/\"},\"process\":{\"cwd\":\"/\","
		"\"args\":[\"x\"],\"user\":{\"uid\":0,\"gid\":0}},\"linux\":{\"namespaces\":[{\"type\":"
		"\"pid\"},{\"type\":\"mount\"},{\"type\":\"network\"},{\"type\":\"ipc\"},"
		"{\"type\":\"uts\"}],\"resources\":{\"memory\":{\"limit\":100000000},"
		"\"pids\":{\"limit\":7}}}}";
	static const char options[] =
		"{\"terminal\":false,\"user\":{\"uid\":1,\"gid\":2},\"cwd\":\"/\",\"env\":[],"
		"\"resources\":{\"memory\":{\"limit\":-1}}}";
	struct container_config config;
	char path[128];

	(void)state;
	container_put("c1", process_ref_of(getpid()), true);
	file_put("c1", "config.json", bundle);
	merge_and_read("{\"memory\":{\"limit\":50000000},\"cpu\":{\"shares\":512}}", &config);
	assert_int_equal(config.resources.memory_limit, 50000000);
	assert_int_equal(config.resources.pids_limit, 7);
	assert_int_equal(config.resources.cpu_shares, 512);
	config_free(&config);
	/* the zeros of an engine ask for nothing */
	merge_and_read("{\"memory\":{\"limit\":0,\"swap\":null},\"cpu\":{\"quota\":0},\"pids\":{}}",
		       &config);
	assert_int_equal(config.resources.memory_limit, 50000000);
	config_free(&config);
	/* but of these, which only a 0 takes back */
	merge_and_read("{\"cpu\":{\"idle\":1,\"quota\":50000,\"burst\":1000}}", &config);
	assert_int_equal(config.resources.cpu_idle, 1);
	assert_int_equal(config.resources.cpu_burst, 1000);
	config_free(&config);
	merge_and_read("{\"cpu\":{\"idle\":0,\"burst\":0}}", &config);
	assert_int_equal(config.resources.cpu_idle, 0);
	assert_int_equal(config.resources.cpu_burst, 0);
	assert_int_equal(config.resources.cpu_quota, 50000);
	config_free(&config);
	snprintf(path, sizeof(path), "%s/c1/config.json", root);
	assert_int_equal(unlink(path), 0);
	file_put("c1", "process.json", options);
	merge_and_read("{\"pids\":{\"limit\":9}}", &config);
	assert_int_equal(config.process.uid, 1);
	assert_int_equal(config.resources.memory_limit, -1);
	assert_int_equal(config.resources.pids_limit, 9);
	config_free(&config);
}

/* A container of the pod "sandbox", by the annotations of one caller; alive as long as this test. */
static void member_put(const char *id, const char *type, const char *sandbox_id)
{
	struct process_ref own = process_ref_of(getpid());
	char text[1024];

	snprintf(text, sizeof(text),
		 "{\"version\":2,\"vm\":{},\"container\":{\"id\":\"%s\",\"process\":{\"pid\":%d,"
		 "\"start\":%llu},\"annotations\":{\"%s\":\"container\",\"%s\":\"sandbox\"}}}",
		 id, (int)own.pid, (unsigned long long)own.start, type, sandbox_id);
	file_put(id, STATE_FILE, text);
	file_put(id, STATUS_FILE, "");
	file_put(id, STARTED_FILE, "1");
}

static enum pod_role role_of(const char *text, const char *sandbox_id)
{
	json_t *json = json_loads(text, 0, NULL);
	const char *found;
	enum pod_role role = config_pod_role(json, &found);

	assert_non_null(json);
	if (sandbox_id)
		assert_string_equal(found, sandbox_id);
	else
		assert_null(found);
	json_decref(json);
	return role;
}

static void test_roles_in_a_pod(void **state)
{
	const char *none;

	(void)state;
	assert_int_equal(config_pod_role(NULL, &none), POD_NONE);
	assert_int_equal(role_of("{}", NULL), POD_NONE);
	assert_int_equal(role_of("{\"annotations\":{\"io.kubernetes.cri.container-type\":\"sandbox\"}}",
				 NULL), POD_SANDBOX);
	assert_int_equal(role_of("{\"annotations\":{\"io.kubernetes.cri-o.ContainerType\":\"sandbox\"}}",
				 NULL), POD_SANDBOX);
	assert_int_equal(role_of("{\"annotations\":{\"io.kubernetes.cri.container-type\":\"container\","
				 "\"io.kubernetes.cri.sandbox-id\":\"s\"}}", "s"), POD_MEMBER);
	/* of no pod that is named */
	assert_int_equal(role_of("{\"annotations\":{\"io.kubernetes.cri.container-type\":\"container\"}}",
				 NULL), POD_NONE);
	assert_int_equal(role_of("{\"annotations\":{\"io.container.manager\":\"libpod\"},"
				 "\"process\":{\"args\":[\"/catatonit\",\"-P\"]}}", NULL), POD_SANDBOX);
	assert_int_equal(role_of("{\"annotations\":{\"io.container.manager\":\"libpod\"},"
				 "\"process\":{\"args\":[\"/catatonit\",\"-P\",\"x\"]}}", NULL), POD_NONE);
	assert_int_equal(role_of("{\"process\":{\"args\":[\"/catatonit\",\"-P\"]}}", NULL), POD_NONE);
}

static void test_one_container_in_a_pod(void **state)
{
	struct container_config config;
	struct failure failure = { .text = "" };
	struct state own = STATE_NONE;

	(void)state;
	config_init(&config);
	config.json = json_loads("{\"annotations\":{\"io.kubernetes.cri.container-type\":\"container\","
				 "\"io.kubernetes.cri.sandbox-id\":\"sandbox\"}}", 0, NULL);
	own.root = root;
	own.id = "m2";
	member_put("m2", "io.kubernetes.cri.container-type", "io.kubernetes.cri.sandbox-id");
	assert_int_equal(pod_check_alone(&config, &own, &failure), 0);
	member_put("m1", "io.kubernetes.cri-o.ContainerType", "io.kubernetes.cri-o.SandboxID");
	assert_int_equal(pod_check_alone(&config, &own, &failure), -EBUSY);
	assert_non_null(strstr(failure.text, "m2: pod sandbox has the container m1 already"));
	/* of another pod, or none */
	json_object_set_new(json_object_get(config.json, "annotations"), "io.kubernetes.cri.sandbox-id",
			    json_string("other"));
	assert_int_equal(pod_check_alone(&config, &own, &failure), 0);
	json_object_clear(config.json);
	assert_int_equal(pod_check_alone(&config, &own, &failure), 0);
	config_free(&config);
}

static void test_pid_file(void **state)
{
	struct failure failure = { .text = "" };
	char path[128], text[16] = "";
	int fd;

	(void)state;
	snprintf(path, sizeof(path), "%s/pid", root);
	assert_int_equal(pid_file_write(NULL, 1, &failure), 0);
	assert_int_equal(pid_file_write(path, 4711, &failure), 0);
	assert_int_equal(pid_file_write(path, 12, &failure), 0);
	fd = open(path, O_RDONLY);
	assert_int_equal(read(fd, text, sizeof(text)), 2);
	assert_string_equal(text, "12");
	close(fd);
	snprintf(path, sizeof(path), "%s/.pid.new", root);
	assert_int_equal(access(path, F_OK), -1);
	/* what somebody has put in the way, to go on writing to it or to have us wait */
	fd = open(path, O_WRONLY | O_CREAT, 0666);
	snprintf(path, sizeof(path), "%s/pid", root);
	assert_int_equal(pid_file_write(path, 34, &failure), 0);
	assert_int_equal(write(fd, "1", 1), 1);
	close(fd);
	fd = open(path, O_RDONLY);
	assert_int_equal(read(fd, text, sizeof(text)), 2);
	assert_string_equal(text, "34");
	close(fd);
	snprintf(path, sizeof(path), "%s/.pid.new", root);
	assert_int_equal(mkfifo(path, 0666), 0);
	snprintf(path, sizeof(path), "%s/pid", root);
	alarm(10);
	assert_int_equal(pid_file_write(path, 56, &failure), 0);
	alarm(0);
	snprintf(path, sizeof(path), "%s/missing/pid", root);
	assert_int_equal(pid_file_write(path, 1, &failure), -ENOENT);
	assert_non_null(strstr(failure.text, "cannot write"));
}

static void test_signals_by_name(void **state)
{
	static const struct {
		const char *name;
		int number;
	} cases[] = {
		{ "TERM", SIGTERM }, { "SIGTERM", SIGTERM }, { "sigkill", SIGKILL }, { "9", 9 },
		{ "64", 64 }, { "1", 1 }, { "0", 0 }, { "65", -1 }, { "-1", -1 }, { "", -1 },
		{ "SIG", -1 }, { "NOSUCH", -1 }, { "9x", -1 }, { "RTMIN", 34 }, { "SIGRTMIN+2", 36 },
		{ "RTMAX", 64 }, { "rtmax-1", 63 }, { "RTMAX-31", -1 }, { "RTMIN-1", -1 },
		{ "RTMIN+31", -1 }, { "IOT", SIGABRT }, { "WINCH", SIGWINCH },
		{ "SIGIO", SIGIO }, { "io", SIGIO }, { "POLL", SIGPOLL }, { "SIGPOLL", SIGPOLL },
		{ "CLD", SIGCHLD }, { "SIGCHLD", SIGCHLD },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (signal_number(cases[i].name) != cases[i].number)
			fail_msg("%s: %d", cases[i].name, signal_number(cases[i].name));
	}
}

/* 0 when the default root is the one expected; in a process that does nothing else. */
static int default_root_is(const char *expected, bool in_user_namespace)
{
	if (in_user_namespace && unshare(CLONE_NEWUSER) < 0)
		return 77;
	return strcmp(state_default_root(&arena), expected) == 0 ? 0 : 1;
}

/* Root of a user namespace, as below podman of a user, cannot write /run. */
static void test_default_root(void **unused)
{
	const struct {
		const char *runtime_dir, *expected;
		bool in_user_namespace;
	} rows[] = {
		{ "/run/user/7", "/run/nacre", false },
		{ "/run/user/7", "/run/user/7/nacre", true },
		{ "not/absolute", "/run/nacre", true },
	};

	(void)unused;
	if (geteuid() != 0)
		skip();
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int status = 0;
		pid_t pid;

		setenv("XDG_RUNTIME_DIR", rows[i].runtime_dir, 1);
		pid = fork();
		if (pid == 0)
			_exit(default_root_is(rows[i].expected, rows[i].in_user_namespace));
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFEXITED(status));
		if (WEXITSTATUS(status) == 77)
			skip();
		assert_int_equal(WEXITSTATUS(status), 0);
	}
	unsetenv("XDG_RUNTIME_DIR");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_default_root),
		cmocka_unit_test(test_status_is_what_the_processes_say),
		cmocka_unit_test(test_creating_as_long_as_somebody_holds_the_lock),
		cmocka_unit_test(test_what_is_no_container),
		cmocka_unit_test(test_sweep_takes_only_what_nacre_made),
		cmocka_unit_test(test_damaged_state_can_be_removed),
		cmocka_unit_test(test_numbers_beyond_two_to_the_63),
		cmocka_unit_test(test_state_of_another_user),
		cmocka_unit_test(test_a_state_that_goes_meanwhile),
		cmocka_unit_test(test_one_verb_at_a_time),
		cmocka_unit_test(test_as_engines_read_it),
		cmocka_unit_test(test_changed_limits_are_noted),
		cmocka_unit_test(test_roles_in_a_pod),
		cmocka_unit_test(test_one_container_in_a_pod),
		cmocka_unit_test(test_pid_file),
		cmocka_unit_test(test_signals_by_name),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
