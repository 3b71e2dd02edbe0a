/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The program that the benchmarks run in a container or a guest. Its first system call, if reading the
 * clock is none, writes one byte, by which the caller knows that its first instruction has run.
 *
 *   probe           writes "+" and ends
 *   probe serve     writes "+" and carries out commands, a line each, until "end" or end of file
 *
 * Every answer is a line "ok …" or "error …". The caller takes the times, by its own clock: a guest's
 * is never believed. As process 1 (a guest whose init this is) it ends by a restart of the machine.
 *
 *   noop                          nothing: the way there and back
 *   end                           no answer, the program ends: a guest's console has no end of file
 *   clock                         CLOCK_MONOTONIC in ns, now and at the first instruction
 *   read FILE BLOCK               the whole file, read() by BLOCK bytes
 *   write FILE BYTES BLOCK        a file, written by BLOCK bytes, closed
 *   create|stat|unlink DIR N      files DIR/f0 to DIR/f(N-1)
 *   take BYTES                    reads as many bytes from stdin, answers with their sum
 *   give BYTES                    answers, then writes as many bytes to stdout
 *   net-take|net-give ADDRESS PORT BYTES    the same over a TCP connection that it makes
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/reboot.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#define BLOCK_MAX (1u << 20)
#define ARGS_MAX  5

static uint8_t block[BLOCK_MAX];
static uint64_t started_ns;

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static void leave(int status)
{
	if (getpid() == 1 && access("/proc/self", F_OK) != 0)
		reboot(RB_AUTOBOOT);
	_exit(status);
}

/* 0 or -errno; all of it. */
static int write_all(int fd, const void *data, size_t len)
{
	const uint8_t *p = data;

	while (len > 0) {
		ssize_t n = write(fd, p, len);

		if (n < 0)
			return -errno;
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

static void answer(const char *format, ...)
{
	char text[256];
	va_list ap;
	int len;

	va_start(ap, format);
	len = vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	if (write_all(1, text, (size_t)len) != 0)
		leave(1);
}

/* The end of a command that has nothing to say, or that failed. */
static void answer_result(int err)
{
	if (err)
		answer("error %s\n", strerror(-err));
	else
		answer("ok\n");
}

static uint64_t number(const char *text, uint64_t max)
{
	uint64_t n = strtoull(text, NULL, 10);

	return n > max ? max : n;
}

/* ---- files ---- */

static int read_file(const char *path, size_t size)
{
	int fd = open(path, O_RDONLY);
	ssize_t n;

	if (fd < 0)
		return -errno;
	while ((n = read(fd, block, size)) > 0)
		;
	close(fd);
	return n < 0 ? -errno : 0;
}

static int write_file(const char *path, uint64_t bytes, size_t size)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
	int err = 0;

	if (fd < 0)
		return -errno;
	for (uint64_t done = 0; done < bytes && !err; done += size)
		err = write_all(fd, block, bytes - done < size ? bytes - done : size);
	if (close(fd) != 0 && !err)
		err = -errno;
	return err;
}

static int do_names(const char *verb, const char *dir, uint64_t n)
{
	char path[512];

	for (uint64_t i = 0; i < n; i++) {
		struct stat st;
		int done;

		snprintf(path, sizeof(path), "%s/f%" PRIu64, dir, i);
		if (verb[0] == 'c') {
			done = open(path, O_WRONLY | O_CREAT | O_EXCL, 0644);
			if (done >= 0)
				close(done);
		} else {
			done = verb[0] == 's' ? stat(path, &st) : unlink(path);
		}
		if (done < 0)
			return -errno;
	}
	return 0;
}

/* ---- streams ---- */

/* Sums up `bytes` bytes, so that what is lost or changed on the way is seen. 0 or -errno. */
static int take(int fd, uint64_t bytes, uint64_t *sum)
{
	*sum = 0;
	while (bytes > 0) {
		ssize_t n = read(fd, block, bytes < BLOCK_MAX ? bytes : BLOCK_MAX);

		if (n <= 0)
			return n < 0 ? -errno : -EPIPE;
		for (ssize_t i = 0; i < n; i++)
			*sum += block[i];
		bytes -= (uint64_t)n;
	}
	return 0;
}

/* 0 to 250 over and over: its sum is known to the caller. */
#define PATTERN	    ((size_t)251)
#define PATTERN_LEN (BLOCK_MAX / PATTERN * PATTERN)

static void make_pattern(void)
{
	for (size_t i = 0; i < PATTERN_LEN; i++)
		block[i] = (uint8_t)(i % PATTERN);
}

/* Writes `bytes` bytes of the pattern. 0 or -errno. */
static int give(int fd, uint64_t bytes)
{
	int err = 0;

	for (uint64_t done = 0; done < bytes && !err; done += PATTERN_LEN)
		err = write_all(fd, block, bytes - done < PATTERN_LEN ? bytes - done : PATTERN_LEN);
	return err;
}

static int connect_to(const char *address, uint16_t port)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (inet_pton(AF_INET, address, &to.sin_addr) != 1)
		return -EINVAL;
	if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof(to)) != 0)
		return -errno;
	return fd;
}

static void transfer_over_net(bool gives, const char *address, const char *port, uint64_t bytes)
{
	uint64_t sum = 0;
	int fd, err;

	make_pattern();
	fd = connect_to(address, (uint16_t)number(port, UINT16_MAX));
	err = fd < 0 ? fd : gives ? give(fd, bytes) : take(fd, bytes, &sum);

	/* The caller's side closes when it has all. */
	if (!err && gives && (shutdown(fd, SHUT_WR) != 0 || read(fd, block, 1) != 0))
		err = -EPIPE;
	if (fd >= 0)
		close(fd);
	if (err || gives)
		answer_result(err);
	else
		answer("ok %" PRIu64 "\n", sum);
}

/* ---- commands ---- */

static void take_from_stdin(uint64_t bytes)
{
	uint64_t sum;
	int err = take(0, bytes, &sum);

	if (err)
		answer_result(err);
	else
		answer("ok %" PRIu64 "\n", sum);
}

static void carry_out(int n, char **arg)
{
	const char *verb = arg[0];

	if (n == 1 && strcmp(verb, "noop") == 0)
		answer_result(0);
	else if (n == 1 && strcmp(verb, "end") == 0)
		leave(0);
	else if (n == 1 && strcmp(verb, "clock") == 0)
		answer("ok %" PRIu64 " %" PRIu64 "\n", now_ns(), started_ns);
	else if (n == 3 && strcmp(verb, "read") == 0)
		answer_result(read_file(arg[1], number(arg[2], BLOCK_MAX)));
	else if (n == 4 && strcmp(verb, "write") == 0)
		answer_result(write_file(arg[1], number(arg[2], UINT64_MAX),
					 number(arg[3], BLOCK_MAX)));
	else if (n == 3 && (strcmp(verb, "create") == 0 || strcmp(verb, "stat") == 0 ||
			    strcmp(verb, "unlink") == 0))
		answer_result(do_names(verb, arg[1], number(arg[2], UINT64_MAX)));
	else if (n == 2 && strcmp(verb, "take") == 0)
		take_from_stdin(number(arg[1], UINT64_MAX));
	else if (n == 2 && strcmp(verb, "give") == 0) {
		make_pattern();
		answer_result(0);
		if (give(1, number(arg[1], UINT64_MAX)) != 0)
			leave(1);
	} else if (n == 4 && strncmp(verb, "net-", 4) == 0)
		transfer_over_net(strcmp(verb, "net-give") == 0, arg[1], arg[2],
				  number(arg[3], UINT64_MAX));
	else
		answer("error unknown command\n");
}

/* One line from stdin, read byte by byte: what follows it may be data. False at the end of file. */
static bool read_line(char *line, size_t size)
{
	size_t len = 0;

	while (len < size - 1 && read(0, &line[len], 1) == 1) {
		if (line[len] == '\n') {
			line[len] = '\0';
			return true;
		}
		len++;
	}
	return false;
}

static void serve(void)
{
	char line[1024], *arg[ARGS_MAX + 1], *rest;

	while (read_line(line, sizeof(line))) {
		int n = 0;

		for (char *word = strtok_r(line, " ", &rest); word && n < ARGS_MAX;
		     word = strtok_r(NULL, " ", &rest))
			arg[n++] = word;
		if (n > 0)
			carry_out(n, arg);
	}
}

int main(int argc, char **argv)
{
	bool serves = argc > 1 && strcmp(argv[1], "serve") == 0;
	struct termios raw;

	started_ns = now_ns();
	/* A guest's console, where that is how one talks to it. No start that is timed comes here. */
	if (serves && tcgetattr(0, &raw) == 0) {
		cfmakeraw(&raw);
		tcsetattr(0, TCSANOW, &raw);
	}
	if (write(1, "+", 1) != 1)
		leave(1);
	if (serves)
		serve();
	leave(0);
}
