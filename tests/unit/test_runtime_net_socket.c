/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Unit tests of work in a network namespace: it is done there, nacre itself stays where it is, and may
 * have come from a namespace to which nobody could go back. Needs root.
 */
/* SOURCES: runtime/net_socket.c runtime/visit.c runtime/failure.c */
/* LIBS: -lmnl */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <linux/rtnetlink.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "runtime/net_socket.h"

static ino_t inode_of(const char *path)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	return st.st_ino;
}

static int note_inode(void *ctx)
{
	struct stat st;

	if (stat("/proc/thread-self/ns/net", &st) < 0)
		return -errno;
	*(ino_t *)ctx = st.st_ino;
	return 42;
}

static int open_socket(void *ctx)
{
	*(struct mnl_socket **)ctx = net_socket_open();
	return 0;
}

static int count_link(const struct nlmsghdr *head, void *ctx)
{
	(void)head;
	++*(int *)ctx;
	return MNL_CB_OK;
}

static void test_work_is_done_there(void **unused)
{
	struct failure failure = { .text = "" };
	ino_t own = inode_of("/proc/self/ns/net"), there = 0;
	struct mnl_socket *socket = NULL;
	struct stat made;
	int links = 0, fd = net_namespace_make(&failure);

	(void)unused;
	assert_string_equal(failure.text, "");
	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &made), 0);
	assert_true(made.st_ino != own);
	assert_int_equal(net_within(fd, note_inode, &there, &failure), 42);
	assert_true(there == made.st_ino);
	assert_true(inode_of("/proc/self/ns/net") == own);
	/* a socket of that namespace serves the thread that stayed: there is lo, and it is down */
	assert_int_equal(net_within(fd, open_socket, &socket, &failure), 0);
	assert_non_null(socket);
	assert_int_equal(net_dump(socket, RTM_GETLINK, AF_UNSPEC, count_link, &links), 0);
	assert_true(links >= 1);
	mnl_socket_close(socket);
	close(fd);
}

static void test_what_is_no_namespace(void **unused)
{
	struct failure failure = { .text = "" };
	int fd = open("/dev/null", O_RDONLY);
	ino_t there = 0;

	(void)unused;
	assert_true(net_within(fd, note_inode, &there, &failure) < 0);
	assert_true(there == 0);
	assert_non_null(strstr(failure.text, "cannot enter the network namespace"));
	close(fd);
}

static void test_paths(void **unused)
{
	static const struct {
		const char *path, *says;
	} cases[] = {
		{ "/no/such/ns", "/no/such/ns: expected a network namespace: No such file or directory" },
		{ "/dev/null/ns", "/dev/null/ns: expected a network namespace: Not a directory" },
		{ "/dev/null", "/dev/null: expected a network namespace" },
		{ "/proc/self/ns/mnt", "/proc/self/ns/mnt: expected a network namespace" },
		{ "/proc/self/ns/net", "expected a namespace of the container's own" },
	};

	(void)unused;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct failure failure = { .text = "" };

		assert_true(net_namespace_open(cases[i].path, &failure) < 0);
		assert_non_null(strstr(failure.text, cases[i].says));
	}
}

/* As podman of an ordinary user has it: root of a user namespace, in a network namespace of the host's. */
static int below_a_user_namespace(void)
{
	struct failure failure = { .text = "" };
	ino_t there = 0;
	int fd;

	if (unshare(CLONE_NEWUSER) < 0)
		return errno == EPERM || errno == ENOSPC ? 77 : 1;
	fd = net_namespace_make(&failure);
	if (fd < 0)
		return 2;
	return net_within(fd, note_inode, &there, &failure) == 42 ? 0 : 3;
}

static void test_nobody_goes_back(void **unused)
{
	int status = 0;
	pid_t pid = fork();

	(void)unused;
	if (pid == 0)
		_exit(below_a_user_namespace());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == 77)
		skip();
	assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_work_is_done_there),
		cmocka_unit_test(test_what_is_no_namespace),
		cmocka_unit_test(test_paths),
		cmocka_unit_test(test_nobody_goes_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
