/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of vmm/kvm_apart.c and of clone3_run(): what a process beside does, and what the kernel keeps. */
/* SOURCES: vmm/kvm_apart.c */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <linux/sched.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clone3.h"
#include "vmm/kvm_apart.h"

struct seen {
	int pid, fd;
	bool is_aligned;
};

static void look(void *ctx)
{
	struct seen *seen = ctx;

	seen->pid = (int)syscall(SYS_getpid);
	seen->fd = (int)syscall(SYS_openat, AT_FDCWD, "/dev/null", O_RDONLY | O_CLOEXEC);
	seen->is_aligned = ((uintptr_t)__builtin_frame_address(0) & 15) == 0;
}

static void test_a_process_that_shares_all(void **state)
{
	static _Alignas(16) uint8_t stack[64 << 10];
	struct clone_args args = {
		.flags = CLONE_VM | CLONE_FILES | CLONE_VFORK,
		.stack = (uintptr_t)stack,
		.stack_size = sizeof(stack),
	};
	struct seen seen = { .fd = -1 };
	long pid = clone3_run(&args, look, &seen);
	int status = -1;

	(void)state;
	assert_true(pid > 0);
	assert_int_equal(seen.pid, pid);
	assert_int_not_equal(pid, getpid());
	assert_true(seen.is_aligned);
	/* what it opened is ours */
	assert_true(fcntl(seen.fd, F_GETFD) & FD_CLOEXEC);
	close(seen.fd);
	assert_int_equal(waitpid((pid_t)pid, &status, (int)__WCLONE), pid);
	assert_int_equal(status, 0);
}

static void test_a_process_that_cannot_be(void **state)
{
	struct clone_args args = { .flags = CLONE_SIGHAND };
	struct seen seen = { .fd = -1 };

	(void)state;
	assert_int_equal(clone3_run(&args, look, &seen), -EINVAL);
	assert_int_equal(seen.pid, 0);
}

/* Nobody waits for it, so there is none that somebody could wait for. */
static void assert_no_child(void)
{
	assert_int_equal(waitpid(-1, NULL, (int)__WALL), -1);
	assert_int_equal(errno, ECHILD);
}

static sem_t asked;

/* A descriptor that is no cgroup's: nothing is made, and no process is left. */
static void test_no_cgroup_to_create_in(void **state)
{
	int null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);

	(void)state;
	assert_int_equal(kvm_create_in(null_fd, null_fd, &asked), -EBADF);
	assert_no_child();
	close(null_fd);
}

/* What is no /dev/kvm makes no VM; where this process may fork into the topmost cgroup. */
static void test_no_vm(void **state)
{
	int null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	int hybrid_fd = open("/sys/fs/cgroup/unified", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int cgroup_fd = hybrid_fd >= 0 ? hybrid_fd :
					 open("/sys/fs/cgroup", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int r = kvm_create_in(null_fd, cgroup_fd, &asked);

	(void)state;
	close(null_fd);
	close(cgroup_fd);
	assert_no_child();
	if (r == -EBADF || r == -EACCES || r == -EBUSY || r == -EPERM || r == -EAGAIN ||
	    r == -EOPNOTSUPP || r == -ENOENT || r == -ENOSYS) {
		print_message("[  SKIPPED ] no cgroup v2 here to fork into: %s\n", strerror(-r));
		skip();
	}
	assert_int_equal(r, -ENOTTY);
}

static bool is_hung_up(int fd, int most_ms)
{
	struct pollfd wait = { .fd = fd, .events = 0 };

	return poll(&wait, 1, most_ms) == 1 && (wait.revents & POLLHUP);
}

/* Where the ring is mapped; 0: nowhere. */
static uintptr_t find_ring(void)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	unsigned long at = 0;
	char line[512];

	assert_non_null(maps);
	while (!at && fgets(line, sizeof(line), maps)) {
		if (strstr(line, "[io_uring]"))
			at = strtoul(line, NULL, 16);
	}
	(void)fclose(maps);
	return at;
}

static int begin(void)
{
	int fd = kvm_apart_begin();

	if (fd < 0) {
		print_message("[  SKIPPED ] io_uring: %s\n", strerror(-fd));
		skip();
	}
	return fd;
}

/* The kernel holds what was given as long as the memory is there, and by no descriptor. */
static void test_the_last_reference_is_the_kernels(void **state)
{
	uintptr_t ring;
	int ends[2], places[2], ring_fd = begin();

	(void)state;
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	assert_int_equal(pipe2(places, O_CLOEXEC), 0);
	assert_int_equal(syscall(SYS_io_uring_enter, ring_fd, 1, 0, 0, NULL, 0), -1);
	assert_int_equal(errno, EBADFD);
	assert_true(kvm_apart_end(ring_fd, ends[1], places[1]));
	close(ends[1]);
	close(places[1]);
	assert_int_equal(fcntl(ring_fd, F_GETFD), -1);
	ring = find_ring();
	assert_int_not_equal(ring, 0);
	assert_false(is_hung_up(ends[0], 50));
	assert_false(is_hung_up(places[0], 0));
	assert_int_equal(munmap((void *)ring, (size_t)sysconf(_SC_PAGESIZE)), 0);
	assert_true(is_hung_up(ends[0], 10000));
	assert_true(is_hung_up(places[0], 10000));
	close(ends[0]);
	close(places[0]);
}

/* What cannot be registered leaves no ring behind. */
static void test_no_descriptor_to_keep(void **state)
{
	int ring_fd = begin();

	(void)state;
	assert_false(kvm_apart_end(ring_fd, -2, STDIN_FILENO));
	assert_int_equal(fcntl(ring_fd, F_GETFD), -1);
	assert_int_equal(find_ring(), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_process_that_shares_all),
		cmocka_unit_test(test_a_process_that_cannot_be),
		cmocka_unit_test(test_no_cgroup_to_create_in),
		cmocka_unit_test(test_no_vm),
		cmocka_unit_test(test_the_last_reference_is_the_kernels),
		cmocka_unit_test(test_no_descriptor_to_keep),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
