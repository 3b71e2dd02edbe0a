/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Unit tests of the container's namespaces on the host: what a hook finds before the root file system
 * is "/", and what a process that was in the namespace has afterwards. Needs root.
 */
/* SOURCES: runtime/namespaces.c runtime/resolve.c runtime/exports.c runtime/overlay.c runtime/userns.c runtime/mount_points.c runtime/mounts_below.c runtime/net_socket.c */
/* SOURCES: runtime/spawn.c runtime/oom_score.c runtime/visit.c runtime/arena.c runtime/failure.c runtime/report.c runtime/config.c */
/* SOURCES: runtime/cpuset.c */
/* LIBS: -lmnl -ljansson -lcap */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <linux/sched.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "runtime/namespaces.h"

static char place[] = "/tmp/nacre-namespaces.XXXXXX";

struct fixture {
	struct container_config config;
	struct exports exports;
	struct namespaces namespaces;
	struct failure failure;
};

static void file_make(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT, 0644);

	assert_true(fd >= 0);
	close(fd);
}

static int set_up(void **state)
{
	(void)state;
	if (geteuid() != 0)
		return 0;
	if (!mkdtemp(place) || chdir(place) < 0 || mkdir("root", 0755) < 0 ||
	    mkdir("root/mnt", 0755) < 0 || mkdir("volume", 0755) < 0)
		return -1;
	file_make("root/inside");
	file_make("volume/shared");
	return 0;
}

static int tear_down(void **state)
{
	char command[64];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf %s", place);
	return geteuid() != 0 || chdir("/") < 0 ? 0 : system(command);
}

static void begin(struct fixture *f)
{
	struct config_mount *mount;

	*f = (struct fixture){ .exports = { .root_fd = -1 }, .namespaces = NAMESPACES_NONE };
	config_init(&f->config);
	f->config.root_path = arena_printf(&f->config.arena, "%s/root", place);
	f->config.namespaces = CLONE_NEWNS | CLONE_NEWNET;
	mount = config_add_mount(&f->config.arena, &f->config.mounts);
	mount->destination = "/mnt";
	mount->type = "bind";
	mount->data = "";
	mount->named = "mounts[0]";
	mount->source = arena_printf(&f->config.arena, "%s/volume", place);
	mount->is_bind = true;
	assert_int_equal(exports_open(&f->exports, &f->config, &f->failure), 0);
	assert_int_equal(namespaces_make(&f->namespaces, &f->exports, &f->config, &f->failure), 0);
}

static void end(struct fixture *f)
{
	namespaces_close(&f->namespaces);
	exports_close(&f->exports);
	config_free(&f->config);
}

/* A process that is in the mount namespace, and looks for a path when it is asked to. */
struct inside {
	pid_t pid;
	int ask, answer;
};

static void inside_begin(struct inside *inside, int mount_ns)
{
	int ask[2], answer[2];
	char path[128];

	assert_int_equal(pipe(ask), 0);
	assert_int_equal(pipe(answer), 0);
	inside->pid = fork();
	if (inside->pid == 0) {
		char found = setns(mount_ns, CLONE_NEWNS) == 0 ? 'i' : 'e';

		close(ask[1]);
		if (write(answer[1], &found, 1) != 1)
			_exit(1);
		while (read(ask[0], path, sizeof(path)) == (ssize_t)sizeof(path)) {
			found = access(path, F_OK) == 0 ? 'y' : 'n';
			if (write(answer[1], &found, 1) != 1)
				_exit(1);
		}
		_exit(0);
	}
	close(ask[0]);
	close(answer[1]);
	inside->ask = ask[1];
	inside->answer = answer[0];
	assert_int_equal(read(inside->answer, path, 1), 1);
	assert_int_equal(path[0], 'i');
}

static bool sees(struct inside *inside, const char *path)
{
	char padded[128] = "";
	char found = '?';

	snprintf(padded, sizeof(padded), "%s", path);
	assert_int_equal(write(inside->ask, padded, sizeof(padded)), sizeof(padded));
	assert_int_equal(read(inside->answer, &found, 1), 1);
	return found == 'y';
}

static void inside_end(struct inside *inside)
{
	close(inside->ask);
	close(inside->answer);
	waitpid(inside->pid, NULL, 0);
}

static void test_before_and_after_the_pivot(void **state)
{
	struct inside inside;
	struct fixture f;
	char path[128];

	(void)state;
	if (geteuid() != 0)
		skip();
	begin(&f);
	inside_begin(&inside, f.namespaces.mount_ns);

	/* hooks: the host's files, and the volume in the root file system on its own path */
	snprintf(path, sizeof(path), "%s/root/inside", place);
	assert_true(sees(&inside, path));
	snprintf(path, sizeof(path), "%s/root/mnt/shared", place);
	assert_true(sees(&inside, path));
	assert_int_equal(access(path, F_OK), -1); /* not on the host */
	assert_true(sees(&inside, "/proc/self"));

	/* who was in it before is in the root file system now, and nothing else is left */
	assert_int_equal(namespaces_pivot(&f.namespaces, &f.failure), 0);
	assert_true(sees(&inside, "/inside"));
	assert_true(sees(&inside, "/mnt/shared"));
	assert_false(sees(&inside, "/proc/self"));
	assert_false(sees(&inside, place));
	assert_false(sees(&inside, "/../tmp"));
	inside_end(&inside);
	end(&f);
}

static bool same_file(int a, const char *b)
{
	struct stat first, second;

	return fstat(a, &first) == 0 && stat(b, &second) == 0 && first.st_ino == second.st_ino;
}

static void test_networks(void **state)
{
	struct fixture f;

	(void)state;
	if (geteuid() != 0)
		skip();
	begin(&f);
	assert_true(f.namespaces.net_ns >= 0);
	assert_false(same_file(f.namespaces.net_ns, "/proc/self/ns/net"));
	assert_false(same_file(f.namespaces.mount_ns, "/proc/self/ns/mnt"));
	end(&f);

	/* the host's own is nobody's to join */
	begin(&f);
	namespaces_close(&f.namespaces);
	f.config.net_ns_path = "/proc/self/ns/net";
	assert_true(namespaces_make(&f.namespaces, &f.exports, &f.config, &f.failure) < 0);
	assert_true(f.failure.text[0] != '\0');
	end(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_before_and_after_the_pivot),
		cmocka_unit_test(test_networks),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
