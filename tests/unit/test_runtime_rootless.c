/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of an ordinary user's containers: ids of config.json, and who may join the namespace. Needs root. */
/* SOURCES: runtime/rootless.c runtime/rootless_maps.c runtime/subid.c runtime/size.c runtime/arena.c runtime/failure.c runtime/report.c */
/* LIBS: -ljansson */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "runtime/rootless.h"
#include "runtime/rootless_maps.h"

#define USER 65533

static void write_file(const char *name, const char *text)
{
	FILE *out = fopen(name, "we");

	assert_non_null(out);
	fputs(text, out);
	fclose(out);
}

/* One mapping of uids and of gids, translated by "uids" and "gids". */
static int translate(struct config_id_map uid, struct config_id_map gid, struct container_config *config,
		     struct failure *failure)
{
	static struct config_id_map maps[2];

	maps[0] = uid;
	maps[1] = gid;
	*config = (struct container_config){ .uid_maps = { maps, 1, 1 }, .gid_maps = { maps + 1, 1, 1 } };
	*failure = (struct failure){ .text = "" };
	return rootless_maps_translate(config, "uids", "gids", failure);
}

static void test_host_ids(void **state)
{
	const struct config_id_map own_gid = { 0, 1001, 1 };
	static const struct {
		struct config_id_map map;
		uint32_t inside;
	} good[] = {
		{ { 0, 1000, 1 }, 0 },
		{ { 1, 200000, 65536 }, 1 },
		{ { 5, 265535, 1 }, 65536 },
		{ { 0, 200001, 65535 }, 2 },
		{ { 0, 300000, 10 }, 65537 },
	};
	static const struct config_id_map bad[] = {
		{ 0, 0, 1 },	       { 0, 999, 2 },	  { 0, 1000, 2 },	{ 0, 199999, 1 },
		{ 0, 200001, 65536 },  { 0, 265536, 1 },  { 0, 300010, 1 },	{ 0, 4294967295, 1 },
	};
	struct container_config config;
	struct failure failure;

	(void)state;
	write_file("uids", "         0       1000          1\n         1     200000      65536\n"
			   "     65537     300000         10\n");
	write_file("gids", "0 1001 1\n");
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_int_equal(translate(good[i].map, own_gid, &config, &failure), 0);
		assert_int_equal(config.uid_maps.v[0].host, good[i].inside);
		assert_int_equal(config.uid_maps.v[0].container, good[i].map.container);
		assert_int_equal(config.uid_maps.v[0].size, good[i].map.size);
		assert_int_equal(config.gid_maps.v[0].host, 0);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(translate(bad[i], own_gid, &config, &failure), -EINVAL);
	assert_string_equal(failure.text, "linux.uidMappings[0]: hostID 4294967295, size 1: expected your "
			    "own id or ids that /etc/subuid gives you (by newuidmap, package uidmap)");
	assert_int_equal(translate((struct config_id_map){ 0, 1000, 1 },
				   (struct config_id_map){ 0, 1000, 1 }, &config, &failure), -EINVAL);
	assert_non_null(strstr(failure.text, "linux.gidMappings[0]: hostID 1000, size 1"));
	assert_non_null(strstr(failure.text, "/etc/subgid"));
}

static bool become_user(void)
{
	const gid_t none = USER;

	return setgroups(1, &none) == 0 && setresgid(USER, USER, USER) == 0 &&
	       setresuid(USER, USER, USER) == 0 && prctl(PR_SET_DUMPABLE, 1) == 0;
}

/* A process of a user's in the namespaces that `create` makes; tells on `out` that it is. */
static pid_t start_inside(int out)
{
	struct failure failure = { .text = "" };
	pid_t pid = fork();

	if (pid != 0)
		return pid;
	if (!become_user() || rootless_enter(&failure) != 0 || write(out, "+", 1) != 1)
		_exit(1);
	pause();
	_exit(0);
}

/* As that user, from outside: 0 when it is root of the namespace of `pid` by then. */
static int join(pid_t pid)
{
	struct failure failure = { .text = "" };
	struct stat own, its;
	char path[64];
	pid_t child = fork();
	int status;

	if (child == 0) {
		snprintf(path, sizeof(path), "/proc/%d/ns/user", (int)pid);
		if (!become_user() || rootless_join(pid, &failure) != 0 || geteuid() != 0 ||
		    stat("/proc/self/ns/user", &own) < 0 || stat(path, &its) < 0)
			_exit(1);
		_exit(own.st_ino == its.st_ino ? 0 : 2);
	}
	return waitpid(child, &status, 0) == child && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void test_join(void **state)
{
	int ends[2];
	char byte = 0;
	pid_t pid;

	(void)state;
	if (geteuid() != 0)
		skip();
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	pid = start_inside(ends[1]);
	close(ends[1]);
	assert_true(pid > 0);
	if (read(ends[0], &byte, 1) == 1)
		assert_int_equal(join(pid), 0);
	close(ends[0]);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	if (!byte) /* a host without user namespaces for users */
		skip();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_host_ids),
		cmocka_unit_test(test_join),
	};
	char dir[] = "/tmp/nacre-rootless.XXXXXX";
	int failed;

	if (!mkdtemp(dir) || chdir(dir) < 0)
		return 1;
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	unlink("uids");
	unlink("gids");
	if (chdir("/") == 0)
		rmdir(dir);
	return failed;
}
