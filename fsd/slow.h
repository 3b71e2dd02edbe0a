/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests that may wait for a disk or a server: FLUSH, FSYNC, FSYNCDIR, SYNCFS, FALLOCATE,
 * COPY_FILE_RANGE.
 *
 * One thread resolves names and owns every table; were it to wait for a slow disk, the whole
 * container would. So these requests, which need a descriptor and nothing else, go to threads of
 * their own, with duplicates of their descriptors, and are answered from there. A packet of the
 * socket is sent whole or not at all, so answers do not mix.
 */
#ifndef NACRE_FSD_SLOW_H
#define NACRE_FSD_SLOW_H

#include "request.h"

/* Jobs at once; one more is done by the thread that reads requests, which slows the sender down. */
#define SLOW_JOBS    16u
#define SLOW_THREADS 2u

struct slow_job {
	uint32_t opcode;
	int fd, to_fd; /* owned; -1: none */
	uint64_t offset, to_offset, len;
	int mode; /* FALLOCATE's mode; FSYNC: 1 for the data alone */
	enum broker_class class;
	uint32_t tag;
	uint64_t unique;
};

/*
 * Starts the threads; each calls confine() first of all. After the exports are known. 0 or -errno.
 */
int slow_start(struct fsd *f, int socket_fd, int (*confine)(void));

/*
 * Does what the job says, now or on another thread: then REQUEST_LATER. fd and to_fd stay the
 * caller's. Now: 0, *result filled in, or -errno.
 */
int slow_do(struct fsd *f, const struct request *r, const struct slow_job *job, uint64_t *result);

#endif
