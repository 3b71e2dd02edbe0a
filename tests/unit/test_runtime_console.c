/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of --console-socket: what the caller receives, and what the terminal is. */
/* SOURCES: runtime/console.c runtime/listener.c runtime/path_split.c runtime/failure.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <termios.h>
#include <unistd.h>

#include <cmocka.h>

#include "runtime/console.h"
#include "runtime/listener.h"

static char place[] = "/tmp/nacre-console.XXXXXX";
static char path[64];

static int set_up(void **state)
{
	(void)state;
	if (!mkdtemp(place))
		return -1;
	snprintf(path, sizeof(path), "%s/socket", place);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	unlink(path);
	return rmdir(place);
}

static int listen_there(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	strcpy(address.sun_path, path);
	assert_int_equal(bind(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(fd, 1), 0);
	return fd;
}

/* What a caller does: one message with one descriptor. */
static int receive(int fd, char *name, size_t room)
{
	union {
		char bytes[CMSG_SPACE(4 * sizeof(int))];
		struct cmsghdr align;
	} control;
	struct iovec payload = { .iov_base = name, .iov_len = room - 1 };
	struct msghdr message = { .msg_iov = &payload, .msg_iovlen = 1, .msg_control = &control,
				  .msg_controllen = sizeof(control) };
	ssize_t n = recvmsg(fd, &message, 0);
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);
	int master;

	assert_true(n > 0);
	name[n] = '\0';
	assert_non_null(header);
	assert_int_equal(header->cmsg_type, SCM_RIGHTS);
	assert_int_equal(header->cmsg_len, CMSG_LEN(sizeof(int)));
	memcpy(&master, CMSG_DATA(header), sizeof(master));
	return master;
}

static void on_alarm(int signo)
{
	(void)signo;
}

/* A taken-over peer that accepts nobody: connect(2) would wait for it without end. */
static void test_nobody_accepts(void **state)
{
	int listener = listen_there(), dir_fd = open(place, O_PATH | O_DIRECTORY | O_CLOEXEC);
	const struct sigaction handled = { .sa_handler = on_alarm, .sa_flags = SA_RESTART };
	struct sigaction old;
	int fds[8], n = 0, fd;

	(void)state;
	alarm(30);
	do
		fd = fds[n] = listener_connect_within(dir_fd, "socket", SOCK_STREAM, 100);
	while (fd >= 0 && ++n < 8);
	alarm(0);
	assert_in_range(n, 1, 7);
	assert_int_equal(fd, -ETIMEDOUT);
	/* nor does a signal, as of a job that is stopped and goes on, end the wait */
	sigaction(SIGALRM, &handled, &old);
	setitimer(ITIMER_REAL, &(struct itimerval){ .it_value = { .tv_usec = 20000 } }, NULL);
	assert_int_equal(listener_connect_within(dir_fd, "socket", SOCK_STREAM, 200), -ETIMEDOUT);
	sigaction(SIGALRM, &old, NULL);
	/* what one sends later is waited for as before */
	while (n > 0) {
		struct timeval wait = { .tv_sec = 1 };
		socklen_t len = sizeof(wait);

		assert_int_equal(getsockopt(fds[--n], SOL_SOCKET, SO_SNDTIMEO, &wait, &len), 0);
		assert_int_equal(wait.tv_sec, 0);
		assert_int_equal(wait.tv_usec, 0);
		close(fds[n]);
	}
	close(dir_fd);
	close(listener);
	unlink(path);
}

static void test_the_master_is_sent(void **state)
{
	struct failure failure = { .text = "" };
	struct console console = CONSOLE_NONE;
	int listener = listen_there();
	struct winsize size;
	char name[64], bytes[8] = "";
	int connection, master;

	(void)state;
	assert_int_equal(console_open(&console, path, 24, 80, &failure), 0);
	assert_int_equal(console_send(&console, &failure), 0);
	connection = accept(listener, NULL, NULL);
	master = receive(connection, name, sizeof(name));
	assert_memory_equal(name, "/dev/pts/", 9);

	/* its size is the monitor's, both ways */
	assert_int_equal(ioctl(console.slave_fd, TIOCGWINSZ, &size), 0);
	assert_int_equal(size.ws_row, 24);
	assert_int_equal(size.ws_col, 80);
	size.ws_row = 50;
	assert_int_equal(ioctl(master, TIOCSWINSZ, &size), 0);
	assert_int_equal(ioctl(console.slave_fd, TIOCGWINSZ, &size), 0);
	assert_int_equal(size.ws_row, 50);

	/* it is raw: the guest's terminal makes lines, signals and carriage returns */
	assert_int_equal(write(master, "a\x03\r", 3), 3);
	assert_int_equal(read(console.slave_fd, bytes, sizeof(bytes)), 3);
	assert_memory_equal(bytes, "a\x03\r", 3);
	assert_int_equal(write(console.slave_fd, "x\n", 2), 2);
	assert_int_equal(read(master, bytes, sizeof(bytes)), 2);
	assert_memory_equal(bytes, "x\n", 2);

	/* nothing of ours holds the caller's connection */
	console_close(&console);
	assert_int_equal(read(connection, bytes, sizeof(bytes)), 0);
	close(master);
	close(connection);
	close(listener);
	unlink(path);
}

static void test_nobody_listens(void **state)
{
	struct failure failure = { .text = "" };
	struct console console = CONSOLE_NONE;

	(void)state;
	assert_int_equal(console_open(&console, path, 0, 0, &failure), -ENOENT);
	assert_non_null(strstr(failure.text, "expected a socket that somebody listens on"));
	console_close(&console);
	failure.text[0] = '\0';
	assert_int_equal(console_open(&console, "/", 0, 0, &failure), -EISDIR);
	console_close(&console);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_master_is_sent),
		cmocka_unit_test(test_nobody_accepts),
		cmocka_unit_test(test_nobody_listens),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
