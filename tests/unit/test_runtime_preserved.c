/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of --preserve-fds and LISTEN_FDS: what is taken, as what, and what is refused. */
/* SOURCES: runtime/preserved.c runtime/preserved_plan.c runtime/plan_buffer.c runtime/process_options.c */
/* SOURCES: runtime/options.c runtime/size.c runtime/cpuset.c runtime/config.c runtime/config_defaults.c runtime/caps.c */
/* SOURCES: runtime/arena.c runtime/failure.c runtime/report.c runtime/seccomp_default.c */
/* LIBS: -ljansson -lcap */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "runtime/preserved.h"

/* In a child, whose descriptors from 3 on are `fds`: what is refused, or the kinds as digits. */
static void take(const int *fds, int n, uint64_t asked, const char *listen, char *seen, size_t size)
{
	int pipes[2], status;
	ssize_t len;
	pid_t pid;

	assert_int_equal(pipe(pipes), 0);
	pid = fork();
	if (pid == 0) {
		struct container_config config;
		struct preserved preserved;
		struct failure failure = { .text = "" };
		int high[PROTO_PRESERVED_MAX + 2];
		FILE *out;

		for (int i = 0; i < n; i++)
			high[i] = fcntl(fds[i], F_DUPFD, 100);
		out = fdopen(fcntl(pipes[1], F_DUPFD_CLOEXEC, 90), "w");
		for (int fd = 3; fd < 90; fd++)
			close(fd);
		for (int i = 0; i < n; i++)
			dup2(high[i], 3 + i);
		config_init(&config);
		if (listen)
			setenv("LISTEN_FDS", listen, 1);
		if (preserved_take(&preserved, asked, &config, &failure) != 0)
			fprintf(out, "%s", failure.text);
		for (size_t i = 0; i < preserved.n && !failure.text[0]; i++)
			fprintf(out, "%d", preserved.kinds[i]);
		for (size_t i = 0; i < config.process.env.n; i++)
			fprintf(out, " %s", config.process.env.v[i]);
		fflush(out);
		_exit(0);
	}
	close(pipes[1]);
	len = read(pipes[0], seen, size - 1);
	seen[len > 0 ? len : 0] = 0;
	close(pipes[0]);
	waitpid(pid, &status, 0);
	assert_int_equal(status, 0);
}

static void expect(const int *fds, int n, uint64_t asked, const char *listen, const char *wanted)
{
	char seen[1024];

	take(fds, n, asked, listen, seen, sizeof(seen));
	if (!strstr(seen, wanted))
		fail_msg("expected %s, seen %s", wanted, seen);
}

static void test_streams(void **state)
{
	int pipes[2], pair[2], fds[4];

	(void)state;
	assert_int_equal(pipe(pipes), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	fds[0] = pipes[0];
	fds[1] = pipes[1];
	fds[2] = pair[0];
	fds[3] = open("/dev/null", O_WRONLY);
	expect(fds, 4, 4, NULL, "1232");
	expect(fds, 4, 2, NULL, "12");
	expect(fds, 4, 1, "2", "123 LISTEN_FDS=2");
	expect(fds, 4, 0, "2", "12 LISTEN_FDS=2");
	expect(fds, 4, 0, "x", "");
	setenv("LISTEN_PID", "1", 1); /* for somebody else */
	expect(fds, 4, 1, "2", "1");
	unsetenv("LISTEN_PID");
	expect(fds, 4, 17, NULL, "17 descriptors: expected at most 16");
	expect(fds, 4, 16, "99999999999999999999", "33 descriptors: expected at most 16");
	expect(fds, 4, 5, NULL, "--preserve-fds: descriptor 7 is not open: expected a pipe");
}

static void test_refusals(void **state)
{
	char path[] = "/tmp/nacre-preserved.XXXXXX";
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	int regular = mkstemp(path), listening = socket(AF_UNIX, SOCK_STREAM, 0);
	const struct {
		int fd;
		const char *what;
	} cases[] = {
		{ regular, "a regular file" },
		{ open("/", O_RDONLY | O_DIRECTORY), "a directory" },
		{ open("/dev/null", O_PATH), "a path" },
		{ socket(AF_UNIX, SOCK_DGRAM, 0), "a socket of datagrams" },
		{ socket(AF_UNIX, SOCK_SEQPACKET, 0), "a socket of datagrams" },
		{ listening, "a listening socket" },
		{ eventfd(0, 0), "of a kind that is no stream" },
	};

	(void)state;
	unlink(path);
	strcpy(name.sun_path, path);
	assert_int_equal(bind(listening, (struct sockaddr *)&name, sizeof(name)), 0);
	assert_int_equal(listen(listening, 1), 0);
	unlink(path);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char wanted[128];

		snprintf(wanted, sizeof(wanted), "--preserve-fds: descriptor 3 is %s: expected",
			 cases[i].what);
		expect(&cases[i].fd, 1, 1, NULL, wanted);
	}
	expect(&listening, 1, 0, "1", "LISTEN_FDS: descriptor 3 is a listening socket: expected");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_streams),
		cmocka_unit_test(test_refusals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
