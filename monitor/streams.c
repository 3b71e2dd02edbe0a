/* SPDX-License-Identifier: Apache-2.0 */
/* Streams; see streams.h. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "proto.h"
#include "streams.h"

/*
 * How long our standard error stays after the process has closed its own, where our lines go there, too:
 * should the VM have ended instead, the line that says so comes by then, and so does our end.
 */
#define LINE_WAIT_MS 3000

#define PUMP_BUFFER ((size_t)64 * 1024)

struct pump {
	int from, to;
	int socket;	/* which of the two is the connection */
	bool close_own; /* at the end, put /dev/null in place of our own descriptor */
	bool close_late; /* the same, once a line of ours would have been written */
	bool half_close_own; /* at the end of an output, shut our own socket down for writing */
	struct pump *other; /* of a descriptor of both directions: who ends last closes it */
	atomic_bool ended;
	bool is_output;
	char *buffer;
	sem_t begin; /* posted once the process runs */
};

static struct pump pumps[3 + 2 * PROTO_PRESERVED_MAX];
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

/* Is the process' end closed for good, and not for writing alone? */
static bool is_gone(int socket)
{
	struct pollfd now = { .fd = socket };

	return poll(&now, 1, 0) > 0 && (now.revents & (POLLHUP | POLLERR));
}

static void close_own(struct pump *pump)
{
	int own = pump->is_output ? pump->to : pump->from;

	if (pump->half_close_own && !is_gone(pump->socket))
		shutdown(own, SHUT_WR);
	/* of two that end at the same time both may find the other's end: it does no harm */
	atomic_store(&pump->ended, true);
	if (pump->close_own && (!pump->other || atomic_load(&pump->other->ended)))
		dup2(null_fd, own);
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
	close_own(pump);
	if (pump->is_output && atomic_fetch_sub(&outputs_left, 1) == 1) {
		if (write(done_fd, &one, sizeof(one)) < 0)
			return NULL; /* cannot be: an eventfd takes a 1 */
	}
	if (pump->close_late) {
		poll(NULL, 0, LINE_WAIT_MS);
		dup2(null_fd, pump->to);
	}
	return NULL;
}

static int pump_prepare(struct pump *pump)
{
	pthread_t thread;
	int err;

	pump->buffer = malloc(PUMP_BUFFER);
	if (!pump->buffer)
		return -ENOMEM;
	if (sem_init(&pump->begin, 0, 0) < 0)
		return -errno;
	err = pthread_create(&thread, NULL, pump_main, pump);
	if (err)
		return -err;
	pthread_detach(thread);
	return 0;
}

/* The next pump, without a thread yet. */
static struct pump *pump_add(int from, int to, bool is_output)
{
	struct pump *pump = &pumps[n_pumps++];

	*pump = (struct pump){ .from = from, .to = to, .socket = is_output ? from : to,
			       .is_output = is_output };
	return pump;
}

static void add_standard(const struct streams *streams)
{
	bool close_own = !streams->is_tty && null_fd >= 0;

	pump_add(STDIN_FILENO, streams->in_fd, false)->close_own = close_own;
	pump_add(streams->out_fd, STDOUT_FILENO, true)->close_own = close_own;
	if (streams->err_fd >= 0) {
		struct pump *err = pump_add(streams->err_fd, STDERR_FILENO, true);

		err->close_own = close_own && !streams->err_has_lines;
		err->close_late = close_own && streams->err_has_lines;
	}
}

static void add_preserved(int own, int connection)
{
	int mode = fcntl(own, F_GETFL) & O_ACCMODE;
	struct pump *in = NULL, *out = NULL;

	if (mode != O_WRONLY)
		in = pump_add(own, connection, false);
	if (mode != O_RDONLY)
		out = pump_add(connection, own, true);
	if (in)
		in->close_own = null_fd >= 0;
	if (out)
		out->close_own = null_fd >= 0;
	if (in && out) {
		in->other = out;
		out->other = in;
		out->half_close_own = true;
	}
}

int streams_prepare(const struct streams *streams)
{
	int n_outputs = 0, err = 0;

	n_pumps = 0;
	null_fd = streams->null_fd;
	done_fd = eventfd(0, EFD_CLOEXEC);
	if (done_fd < 0)
		return -errno;
	add_standard(streams);
	for (int i = 0; i < streams->n_preserved; i++)
		add_preserved(streams->preserved_fds[i], streams->preserved_links[i]);
	for (int i = 0; i < n_pumps; i++)
		n_outputs += pumps[i].is_output;
	atomic_store(&outputs_left, n_outputs);
	for (int i = 0; i < n_pumps && !err; i++)
		err = pump_prepare(&pumps[i]);
	return err ? err : done_fd;
}

void streams_start(void)
{
	for (int i = 0; i < n_pumps; i++)
		sem_post(&pumps[i].begin);
}
