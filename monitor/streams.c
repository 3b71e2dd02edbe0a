/* SPDX-License-Identifier: Apache-2.0 */
/* Standard streams; see streams.h. */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stddef.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "streams.h"

#define PUMP_BUFFER ((size_t)64 * 1024)

struct pump {
	int from, to;
	int socket;	/* which of the two is the connection */
	bool close_own; /* at the end, put /dev/null in place of our own descriptor */
	bool is_output;
	char *buffer;
	sem_t begin; /* posted once the process runs */
};

static char buffers[3][PUMP_BUFFER];
static struct pump pumps[3];
static int n_pumps;
static atomic_int outputs_left;
static int done_fd = -1;
static int null_fd = -1;

/* The caller may have made its descriptors non-blocking: then EAGAIN means to wait. */
static void wait_for(int fd, short events)
{
	struct pollfd wait = { .fd = fd, .events = events };

	poll(&wait, 1, -1);
}

static bool write_all(int fd, const char *bytes, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, bytes, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN) {
			wait_for(fd, POLLOUT);
			continue;
		}
		if (n <= 0)
			return false;
		bytes += n;
		len -= (size_t)n;
	}
	return true;
}

/*
 * Waits until there is something to read. False when the other side of an input's connection is
 * gone: nobody will read what comes.
 */
static bool wait_for_input(const struct pump *pump)
{
	struct pollfd fds[2] = {
		{ .fd = pump->from, .events = POLLIN },
		{ .fd = pump->is_output ? -1 : pump->to },
	};

	while (poll(fds, 2, -1) < 0) {
		if (errno != EINTR)
			return true;
	}
	return !(fds[1].revents & (POLLHUP | POLLERR)) || fds[0].revents == 0;
}

/* Copies until end of file (true) or until nobody takes the bytes (false). */
static bool pump_copy(const struct pump *pump)
{
	for (;;) {
		ssize_t n;

		if (!wait_for_input(pump))
			return false;
		n = read(pump->from, pump->buffer, PUMP_BUFFER);
		if (n < 0 && (errno == EINTR || errno == EAGAIN))
			continue;
		if (n <= 0)
			return true;
		if (!write_all(pump->to, pump->buffer, (size_t)n))
			return false;
	}
}

static void *pump_main(void *arg)
{
	struct pump *pump = arg;
	const uint64_t one = 1;
	bool at_end;

	while (sem_wait(&pump->begin) < 0)
		;
	at_end = pump_copy(pump);
	/*
	 * End of file is passed on as a half-close. When our own side takes no more, the guest's
	 * writer gets EPIPE, as it would from a pipe.
	 */
	if (!pump->is_output && at_end)
		shutdown(pump->socket, SHUT_WR);
	else if (pump->is_output && !at_end)
		shutdown(pump->socket, SHUT_RDWR);
	if (pump->close_own)
		dup2(null_fd, pump->is_output ? pump->to : pump->from);
	if (pump->is_output && atomic_fetch_sub(&outputs_left, 1) == 1) {
		if (write(done_fd, &one, sizeof(one)) < 0)
			return NULL; /* cannot be: an eventfd takes a 1 */
	}
	return NULL;
}

static int pump_prepare(struct pump *pump)
{
	pthread_t thread;
	int err;

	if (sem_init(&pump->begin, 0, 0) < 0)
		return -errno;
	err = pthread_create(&thread, NULL, pump_main, pump);
	if (err)
		return -err;
	pthread_detach(thread);
	return 0;
}

int streams_prepare(const struct streams *streams)
{
	int err = 0;

	n_pumps = 2;
	null_fd = streams->null_fd;
	done_fd = eventfd(0, EFD_CLOEXEC);
	if (done_fd < 0)
		return -errno;
	pumps[0] = (struct pump){ .from = STDIN_FILENO, .to = streams->in_fd,
				  .socket = streams->in_fd };
	pumps[1] = (struct pump){ .from = streams->out_fd, .to = STDOUT_FILENO,
				  .socket = streams->out_fd, .is_output = true };
	if (streams->err_fd >= 0)
		pumps[n_pumps++] = (struct pump){ .from = streams->err_fd, .to = STDERR_FILENO,
						  .socket = streams->err_fd, .is_output = true };
	atomic_store(&outputs_left, n_pumps - 1);
	for (int i = 0; i < n_pumps && !err; i++) {
		pumps[i].buffer = buffers[i];
		pumps[i].close_own = !streams->is_tty && null_fd >= 0 &&
				     !(i == 2 && streams->keep_err);
		err = pump_prepare(&pumps[i]);
	}
	return err ? err : done_fd;
}

void streams_start(void)
{
	for (int i = 0; i < n_pumps; i++)
		sem_post(&pumps[i].begin);
}
