/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names for fs.c: N_FILES files opened, looked at and closed, by the device in use or on the host, and
 * what a message takes over the way that a request goes.
 */
#ifndef NACRE_BENCH_FS_NAMES_H
#define NACRE_BENCH_FS_NAMES_H

#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "fs_driver.h"

#define ROUNDS  30
#define N_FILES 1000u

static double least(double a, double b)
{
	return a > 0 && a < b ? a : b;
}

static int compare_doubles(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* Of one figure of each round, which are sorted. */
static double median(double v[ROUNDS])
{
	qsort(v, ROUNDS, sizeof(v[0]), compare_doubles);
	return (v[ROUNDS / 2 - 1] + v[ROUNDS / 2]) / 2;
}

/* ---- the same way as a request's, with nothing done ---- */

static int echo_kick, echo_done, echo_socket[2];

static void *run_echo(void *arg)
{
	uint64_t n;
	uint8_t message[128];

	(void)arg;
	while (read(echo_kick, &n, sizeof(n)) == sizeof(n)) {
		struct pollfd p = {.fd = echo_socket[0], .events = POLLIN};

		MUST(send(echo_socket[0], message, sizeof(message), 0) == sizeof(message));
		MUST(poll(&p, 1, -1) == 1);
		MUST(recv(echo_socket[0], message, sizeof(message), 0) == sizeof(message));
		n = 1;
		MUST(write(echo_done, &n, sizeof(n)) == sizeof(n));
	}
	return NULL;
}

static void start_echo(void)
{
	pthread_t thread;

	echo_kick = eventfd(0, EFD_CLOEXEC);
	echo_done = eventfd(0, EFD_CLOEXEC);
	MUST(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, echo_socket) == 0);
	if (fork() == 0) {
		uint8_t message[128];

		close(echo_socket[0]);
		while (recv(echo_socket[1], message, sizeof(message), 0) > 0)
			(void)!send(echo_socket[1], message, sizeof(message), MSG_NOSIGNAL);
		_exit(0);
	}
	close(echo_socket[1]);
	MUST(pthread_create(&thread, NULL, run_echo, NULL) == 0);
}

/* Seconds for one message there and back. */
static double echo(void)
{
	double began = now_s();

	for (uint32_t i = 0; i < N_FILES; i++) {
		uint64_t n = 1;

		MUST(write(echo_kick, &n, sizeof(n)) == sizeof(n));
		MUST(read(echo_done, &n, sizeof(n)) == sizeof(n));
	}
	return (now_s() - began) / N_FILES;
}

/* ---- files ---- */

static void name_of(uint32_t i, char name[32])
{
	snprintf(name, 32, "n-%u", i);
}

/* Each step waits for its answer. */
static void open_stepwise(uint64_t root)
{
	char name[32];

	for (uint32_t i = 0; i < N_FILES; i++) {
		uint64_t node, fh;

		name_of(i, name);
		node = lookup(root, name).nodeid;
		fh = open_node(node, O_RDONLY).fh;
		getattr(node);
		release(node, fh);
		forget(node);
	}
}

/* As Linux opens, looks at and closes a file whose attributes it may believe. */
static void open_as_linux(uint64_t node)
{
	struct fuse_open_out file = open_node(node, O_RDONLY);

	if (!device.no_flush && !(file.open_flags & FOPEN_NOFLUSH)) {
		int err = flush(node, file.fh);

		MUST(err == 0 || err == -ENOSYS);
		device.no_flush = err == -ENOSYS;
	}
	release_behind(node, file.fh);
}

static void open_cold(uint64_t root)
{
	char name[32];

	for (uint32_t i = 0; i < N_FILES; i++) {
		struct fuse_entry_out entry;

		name_of(i, name);
		entry = lookup(root, name);
		MUST(entry.attr_valid);
		open_as_linux(entry.nodeid);
		forget(entry.nodeid);
	}
	wait_for_releases();
}

static void open_warm(const uint64_t node[N_FILES])
{
	for (uint32_t i = 0; i < N_FILES; i++)
		open_as_linux(node[i]);
	wait_for_releases();
}

/* Seconds for N_FILES. */
struct names_cost {
	double stepwise, cold, warm;
};

static void keep_least(struct names_cost *a, const struct names_cost *b)
{
	a->stepwise = least(a->stepwise, b->stepwise);
	a->cold = least(a->cold, b->cold);
	a->warm = least(a->warm, b->warm);
}

static struct names_cost measure_names(uint64_t root)
{
	static uint64_t node[N_FILES];
	double at[5];
	char name[32];

	at[0] = now_s();
	open_stepwise(root);
	at[1] = now_s();
	open_cold(root);
	at[2] = now_s();
	for (uint32_t i = 0; i < N_FILES; i++) {
		name_of(i, name);
		node[i] = lookup(root, name).nodeid;
	}
	at[3] = now_s();
	open_warm(node);
	at[4] = now_s();
	for (uint32_t i = 0; i < N_FILES; i++)
		forget(node[i]);
	return (struct names_cost){at[1] - at[0], at[2] - at[1], at[4] - at[3]};
}

static double host_names(const char *dir)
{
	double began = now_s();
	char name[32], path[4200];

	for (uint32_t i = 0; i < N_FILES; i++) {
		struct stat st;
		int fd;

		name_of(i, name);
		snprintf(path, sizeof(path), "%s/%s", dir, name);
		fd = open(path, O_RDONLY);
		MUST(fd >= 0 && fstat(fd, &st) == 0 && close(fd) == 0);
	}
	return now_s() - began;
}

#endif
