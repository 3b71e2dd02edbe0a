/* SPDX-License-Identifier: Apache-2.0 */
/* SOURCES: guest-init/rootpath.c guest-init/exec_path.c guest-init/home.c guest-init/report.c */
/* Unit tests of what nacre-init looks up in a hostile image: mount targets, commands, homes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "guest-init/exec_path.h"
#include "guest-init/home.h"
#include "guest-init/rootpath.h"

static char base[] = "/tmp/nacre-test-paths-XXXXXX";
static int root = -1;

static void put(const char *path, const char *text, mode_t mode)
{
	int fd = open(path, O_CREAT | O_WRONLY | O_TRUNC, mode);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	fchmod(fd, mode);
	close(fd);
}

static int set_up(void **state)
{
	(void)state;
	if (!mkdtemp(base) || chdir(base) < 0)
		return -1;
	mkdir("root", 0755);
	mkdir("outside", 0755);
	mkdir("root/etc", 0755);
	mkdir("root/real", 0755);
	put("root/etc/file", "x", 0644);
	if (symlink("/real", "root/abs") || symlink("../../../../real", "root/up") ||
	    symlink("../outside", "root/out") || symlink("/outside/new", "root/dangling") ||
	    symlink("loop2", "root/loop1") || symlink("loop1", "root/loop2") ||
	    symlink("gone", "root/real/hop") || symlink("/proc/self/root", "root/magic"))
		return -1;
	root = open("root", O_PATH | O_DIRECTORY | O_CLOEXEC);
	return root < 0 ? -1 : 0;
}

static int tear_down(void **state)
{
	char command[128];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf %s", base);
	return system(command);
}

/* Is what was found the same object as `path` below the base directory? */
static void same(int fd, const char *path)
{
	struct stat a, b;

	if (fd < 0)
		fail_msg("%s: %s", path, strerror(-fd));
	assert_int_equal(fstat(fd, &a), 0);
	assert_int_equal(stat(path, &b), 0);
	assert_true(a.st_dev == b.st_dev && a.st_ino == b.st_ino);
	close(fd);
}

/* Bug of others, number 13: an image whose links lead out of it (CVE-2025-24965). */
static void test_bug13_stays_inside(void **state)
{
	(void)state;
	same(rootpath_open(root, "/"), "root");
	same(rootpath_open(root, ""), "root");
	same(rootpath_open(root, "/../../.."), "root");
	same(rootpath_open(root, "/abs"), "root/real");
	same(rootpath_open(root, "/up"), "root/real");
	same(rootpath_open(root, "up/../etc/file"), "root/etc/file");
	assert_int_equal(rootpath_open(root, "/out"), -ENOENT);
	assert_int_equal(rootpath_open(root, "/loop1"), -ELOOP);
	assert_int_equal(rootpath_open(root, "/etc/file/x"), -ENOTDIR);
	same(rootpath_make(root, "/../../abs", false, NULL), "root/real");
}

static void test_makes_inside(void **state)
{
	bool existed = true;

	(void)state;
	same(rootpath_make(root, "/a/b//c/", false, &existed), "root/a/b/c");
	assert_false(existed);
	same(rootpath_make(root, "/a/b/c", false, &existed), "root/a/b/c");
	assert_true(existed);
	same(rootpath_make(root, "/up/made/file", true, &existed), "root/real/made/file");
	assert_false(existed);
	/* A link to nowhere is followed, inside, and what it names is made there. */
	same(rootpath_make(root, "/dangling/sub", false, &existed), "root/outside/new/sub");
	assert_int_equal(access("outside/new", F_OK), -1);
	same(rootpath_make(root, "/out/x", false, &existed), "root/outside/x");
	assert_int_equal(access("outside/x", F_OK), -1);
	same(rootpath_make(root, "/real/hop", true, &existed), "root/real/gone");
	assert_int_equal(rootpath_make(root, "/loop1/x", false, NULL), -ELOOP);
	assert_int_equal(rootpath_make(root, "/etc/file/x", false, NULL), -ENOTDIR);
	/* A magic link of procfs would leave the root. There is no procfs here: it is made. */
	same(rootpath_make(root, "/magic/x", false, NULL), "root/proc/self/root/x");
}

static void test_long_names(void **state)
{
	char path[5000];

	(void)state;
	memset(path, 'a', sizeof(path));
	path[0] = '/';
	path[sizeof(path) - 1] = 0;
	assert_int_equal(rootpath_make(root, path, false, NULL), -ENAMETOOLONG);
	path[257] = 0; /* a component of 256 bytes */
	assert_int_equal(rootpath_make(root, path, false, NULL), -ENAMETOOLONG);
	path[256] = 0; /* of 255 */
	close(rootpath_make(root, path, false, NULL));
	assert_int_equal(faccessat(root, path + 1, F_OK, 0), 0);
}

static void find(const char *name, const char *search, const char *want)
{
	char out[PATH_MAX];
	struct report r;

	if (exec_path_find(name, search, out, &r) < 0)
		fail_msg("%s in %s: %s", name, search, r.text);
	assert_string_equal(out, want);
}

static void find_fails(const char *name, const char *search, int code, const char *text)
{
	char out[PATH_MAX];
	struct report r;

	assert_true(exec_path_find(name, search, out, &r) < 0);
	assert_string_equal(r.text, text);
	assert_int_equal(r.code, code);
}

static void test_commands(void **state)
{
	static char huge[2 * PATH_MAX];

	(void)state;
	mkdir("p1", 0755);
	mkdir("p2", 0755);
	mkdir("p1/dir", 0755);
	put("p1/plain", "", 0644);
	put("p2/plain", "", 0755);
	put("p2/tool", "", 0755);
	put("tool", "", 0755);
	put("p1/only-plain", "", 0644);
	mkdir("p2/dir2", 0755);
	find("tool", "p1:p2", "p2/tool");
	find("plain", "p1:p2", "p2/plain"); /* one that may not be executed is passed over */
	find("tool", "p1::p2", "./tool");   /* an empty entry is the current directory */
	find("tool", ":p2", "./tool");
	find("tool", "p1:", "./tool");
	find("p2/tool", NULL, "p2/tool");
	find_fails("tool", NULL, 127, "exec: \"tool\": executable file not found in $PATH");
	find_fails("tool", "", 127, "exec: \"tool\": executable file not found in $PATH");
	find_fails("", "p2", 127, "exec: \"\": executable file not found in $PATH");
	find_fails("dir2", "p2", 127, "exec: \"dir2\": executable file not found in $PATH");
	find_fails("only-plain", "p1:p2", 126, "exec: \"only-plain\": permission denied");
	find_fails("./none", "p2", 127, "exec \"./none\": no such file or directory");
	find_fails("./p1", "p2", 126, "exec: \"./p1\": is a directory");
	find_fails("p1/plain", "p2", 126, "exec: \"p1/plain\": permission denied");
	find_fails("p1/plain/x", "p2", 127, "exec \"p1/plain/x\": not a directory");
	memset(huge, 'x', sizeof(huge) - 1);
	find_fails("tool", huge, 127, "exec: \"tool\": executable file not found in $PATH");
}

static void test_homes(void **state)
{
	char home[PATH_MAX];

	(void)state;
	put("passwd",
	    "root:x:0:0:r:/root:/bin/sh\nshort:x:7\nbad:x:8:8::relative:/bin/sh\n"
	    "u:x:10:10:::\nv:x:100:1:g:/home/v\n::::::\n\nw:x:1:1::/w:/bin/sh",
	    0644);
	home_find("passwd", 0, home);
	assert_string_equal(home, "/root");
	home_find("passwd", 100, home);
	assert_string_equal(home, "/home/v");
	home_find("passwd", 1, home);
	assert_string_equal(home, "/w");
	home_find("passwd", 7, home);
	assert_string_equal(home, "/");
	home_find("passwd", 8, home);
	assert_string_equal(home, "/");
	home_find("passwd", 10, home);
	assert_string_equal(home, "/");
	home_find("passwd", 12345, home);
	assert_string_equal(home, "/");
	/* Not a file: must not hang. */
	assert_int_equal(mkfifo("fifo", 0644), 0);
	home_find("fifo", 0, home);
	assert_string_equal(home, "/");
	home_find("root", 0, home);
	assert_string_equal(home, "/");
	home_find("/dev/zero", 0, home);
	assert_string_equal(home, "/");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bug13_stays_inside), cmocka_unit_test(test_makes_inside),
		cmocka_unit_test(test_long_names),   cmocka_unit_test(test_commands),
		cmocka_unit_test(test_homes),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
