/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of tmpcopyup: what of an image's directory comes into the tmpfs, and what does not. */
/* SOURCES: guest-init/copy_up.c */
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
#include <unistd.h>

#include <cmocka.h>

#include "guest-init/copy_up.h"

static char place[] = "/tmp/nacre-copy-up.XXXXXX";

static int set_up(void **state)
{
	(void)state;
	strcpy(strrchr(place, '.'), ".XXXXXX");
	if (!mkdtemp(place) || chdir(place) < 0 || mkdir("from", 0751) < 0 || mkdir("to", 0700) < 0)
		return -1;
	return 0;
}

static int tear_down(void **state)
{
	char command[64];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf %s", place);
	return chdir("/") < 0 ? -1 : system(command);
}

static int copy(void)
{
	int from = open("from", O_PATH | O_DIRECTORY);
	int to = open("to", O_RDONLY | O_DIRECTORY);
	int r = copy_up(from, to);

	close(from);
	close(to);
	return r;
}

static void file_make(const char *path, const char *text, mode_t mode)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	assert_int_equal(fchmod(fd, mode), 0);
	close(fd);
}

static void assert_mode(const char *path, mode_t mode)
{
	struct stat st;

	assert_int_equal(lstat(path, &st), 0);
	assert_int_equal(st.st_mode, mode);
}

static void test_every_kind(void **state)
{
	const struct timespec times[2] = { { .tv_sec = 1000 }, { .tv_sec = 2000, .tv_nsec = 7 } };
	char text[32] = "";
	struct stat st;
	int fd;

	(void)state;
	assert_int_equal(mkdir("from/dir", 0700), 0);
	assert_int_equal(chmod("from/dir", 01777), 0);
	file_make("from/dir/file", "hello", 04755);
	assert_int_equal(utimensat(AT_FDCWD, "from/dir/file", times, 0), 0);
	assert_int_equal(symlink("/etc/passwd", "from/link"), 0);
	assert_int_equal(symlink("/etc", "from/dirlink"), 0);
	assert_int_equal(mkfifo("from/pipe", 0640), 0);
	if (geteuid() == 0) {
		assert_int_equal(mknod("from/null", S_IFCHR | 0666, 0x103), 0);
		assert_int_equal(lchown("from/link", 12, 34), 0);
		assert_int_equal(chown("from/dir/file", 56, 78), 0);
		assert_int_equal(chmod("from/dir/file", 04755), 0);
		assert_int_equal(chmod("from", 0751), 0);
	}
	assert_int_equal(copy(), 0);
	assert_mode("to", S_IFDIR | 0751);
	assert_mode("to/dir", S_IFDIR | 01777);
	assert_mode("to/dir/file", S_IFREG | 04755);
	assert_mode("to/pipe", S_IFIFO | 0640);
	assert_mode("to/link", S_IFLNK | 0777);
	assert_mode("to/dirlink", S_IFLNK | 0777);
	assert_int_equal(lstat("to/null", &st), -1);
	assert_int_equal(lstat("to/dir/file", &st), 0);
	assert_int_equal(st.st_mtim.tv_sec, 2000);
	assert_int_equal(st.st_mtim.tv_nsec, 7);
	if (geteuid() == 0) {
		assert_int_equal(st.st_uid, 56);
		assert_int_equal(st.st_gid, 78);
		assert_int_equal(lstat("to/link", &st), 0);
		assert_int_equal(st.st_uid, 12);
	}
	fd = open("to/dir/file", O_RDONLY);
	assert_int_equal(read(fd, text, sizeof(text)), 5);
	assert_string_equal(text, "hello");
	close(fd);
}

static void test_depth_is_bounded(void **state)
{
	int fd = open("from", O_RDONLY | O_DIRECTORY);

	(void)state;
	for (int i = 0; i < 80; i++) {
		int below;

		assert_int_equal(mkdirat(fd, "d", 0700), 0);
		below = openat(fd, "d", O_RDONLY | O_DIRECTORY);
		close(fd);
		fd = below;
	}
	close(fd);
	assert_int_equal(copy(), -ELOOP);
}

static void test_what_is_there_is_not_written_over(void **state)
{
	(void)state;
	file_make("from/file", "image", 0644);
	file_make("victim", "safe", 0644);
	assert_int_equal(symlink("../victim", "to/file"), 0);
	assert_int_equal(copy(), -EEXIST);
	assert_mode("victim", S_IFREG | 0644);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_every_kind, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_depth_is_bounded, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_what_is_there_is_not_written_over, set_up,
						tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
