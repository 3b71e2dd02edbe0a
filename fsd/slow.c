/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests that may wait for a disk or a server. See slow.h.
 *
 * The threads touch nothing of struct fsd but exports and proc_fd, which do not change any more.
 */
#include "slow.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* A C library may take the threads' own variables from it: glibc, with which the tests are built. */
#define SLOW_STACK ((size_t)64 * 1024)

static struct {
	pthread_mutex_t lock;
	pthread_cond_t work;
	struct slow_job job[SLOW_JOBS]; /* a ring: [first, first + n) modulo SLOW_JOBS */
	unsigned int first, n;
	unsigned int n_running;
	bool started;
	int socket_fd;
	struct fsd *fsd;
	int (*confine)(void);
} slow = {.lock = PTHREAD_MUTEX_INITIALIZER, .work = PTHREAD_COND_INITIALIZER, .socket_fd = -1};

static int sync_export(struct fsd *f, uint32_t e)
{
	struct stat st;
	int path_fd = f->exports.export[e].fd;
	int fd, err;

	if (fstat(path_fd, &st) < 0)
		return -errno;
	fd = open_through_proc(f, path_fd, st.st_mode & S_IFMT, O_RDONLY);
	if (fd < 0)
		return fd;
	err = syncfs(fd) < 0 ? -errno : 0;
	close(fd);
	return err;
}

static int sync_class(struct fsd *f, enum broker_class class)
{
	int err = 0;

	for (uint32_t e = 0; e < f->exports.n_exports; e++) {
		int one = 0;

		if (export_class((uint16_t)e) == class && !f->exports.export[e].read_only)
			one = sync_export(f, e);
		if (!err)
			err = one;
	}
	return err;
}

/* What close() of one of several descriptors of a file reports. */
static int flush(int fd)
{
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);

	return copy < 0 || close(copy) < 0 ? -errno : 0;
}

static int run(struct fsd *f, const struct slow_job *j, uint64_t *result)
{
	off_t from = (off_t)j->offset, to = (off_t)j->to_offset;
	ssize_t n;

	switch (j->opcode) {
	case FUSE_FLUSH:
		return flush(j->fd);
	case FUSE_FSYNC:
	case FUSE_FSYNCDIR:
		return (j->mode ? fdatasync(j->fd) : fsync(j->fd)) < 0 ? -errno : 0;
	case FUSE_FALLOCATE:
		return fallocate(j->fd, j->mode, from, (off_t)j->len) < 0 ? -errno : 0;
	case FUSE_SYNCFS:
		return sync_class(f, j->class);
	case FUSE_COPY_FILE_RANGE:
		n = copy_file_range(j->fd, &from, j->to_fd, &to, (size_t)j->len, 0);
		*result = n < 0 ? 0 : (uint64_t)n;
		return n < 0 ? -errno : 0;
	default:
		return -ENOSYS;
	}
}

static void answer(const struct slow_job *j, int err, uint64_t result)
{
	struct {
		struct broker_header broker;
		struct fuse_out_header hdr;
		struct fuse_write_out out;
	} p = {.broker = {.tag = j->tag, .class = (uint16_t)j->class},
	       .hdr = {.error = err, .unique = j->unique},
	       .out = {.size = (uint32_t)result}};

	struct iovec iov = {.iov_base = &p};
	const struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1};

	p.hdr.len = sizeof(p.hdr);
	if (!err && j->opcode == FUSE_COPY_FILE_RANGE)
		p.hdr.len += sizeof(p.out);
	iov.iov_len = sizeof(p.broker) + p.hdr.len;
	/* If the VMM is gone the thread that reads will notice. */
	while (sendmsg(slow.socket_fd, &m, MSG_NOSIGNAL) < 0 && errno == EINTR)
		;
}

static void close_job(const struct slow_job *j)
{
	if (j->fd >= 0)
		close(j->fd);
	if (j->to_fd >= 0)
		close(j->to_fd);
}

static void *work(void *arg)
{
	(void)arg;
	if (slow.confine())
		abort();
	for (;;) {
		struct slow_job j;
		uint64_t result = 0;
		int err;

		pthread_mutex_lock(&slow.lock);
		while (!slow.n)
			pthread_cond_wait(&slow.work, &slow.lock);
		j = slow.job[slow.first];
		slow.first = (slow.first + 1) % SLOW_JOBS;
		slow.n--;
		slow.n_running++;
		pthread_mutex_unlock(&slow.lock);
		err = run(slow.fsd, &j, &result);
		close_job(&j);
		pthread_mutex_lock(&slow.lock);
		slow.n_running--;
		pthread_mutex_unlock(&slow.lock);
		answer(&j, err, result);
	}
	return NULL;
}

int slow_start(struct fsd *f, int socket_fd, int (*confine)(void))
{
	pthread_attr_t attr;
	sigset_t all, old;
	int r = 0;

	slow.fsd = f;
	slow.socket_fd = socket_fd;
	slow.confine = confine;
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, SLOW_STACK);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	for (unsigned int i = 0; i < SLOW_THREADS && !r; i++) {
		pthread_t thread;

		r = pthread_create(&thread, &attr, work, NULL);
	}
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	pthread_attr_destroy(&attr);
	slow.started = r == 0;
	return -r;
}

/* A duplicate for the thread, or -1 when there is none to make. False: no descriptor is free. */
static bool duplicate(int fd, int *copy)
{
	*copy = fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, 0);
	return fd < 0 || *copy >= 0;
}

/* True when a thread has the job. */
static bool hand_over(const struct request *r, const struct slow_job *job)
{
	struct slow_job j = *job;
	bool room;

	j.tag = r->tag;
	j.unique = r->hdr.unique;
	j.class = r->class;
	/* Only this thread adds jobs, so room that is there stays. */
	pthread_mutex_lock(&slow.lock);
	room = slow.n + slow.n_running < SLOW_JOBS;
	pthread_mutex_unlock(&slow.lock);
	if (!room || !duplicate(job->fd, &j.fd))
		return false;
	if (!duplicate(job->to_fd, &j.to_fd)) {
		close(j.fd);
		return false;
	}
	pthread_mutex_lock(&slow.lock);
	slow.job[(slow.first + slow.n) % SLOW_JOBS] = j;
	slow.n++;
	pthread_cond_signal(&slow.work);
	pthread_mutex_unlock(&slow.lock);
	return true;
}

int slow_do(struct fsd *f, const struct request *r, const struct slow_job *job, uint64_t *result)
{
	struct slow_job j = *job;

	if (slow.started && hand_over(r, job))
		return REQUEST_LATER;
	j.class = r->class;
	return run(f, &j, result);
}
