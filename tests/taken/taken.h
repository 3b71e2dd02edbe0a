/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A helper that was taken over: what can it still do? Each trick runs in a process of its own that
 * has gone through the helper's production stages of confinement, called from the helper's own object
 * files. A trick tells whether it got what it wanted; being killed for the attempt is a refusal too.
 */
#ifndef NACRE_TEST_TAKEN_H
#define NACRE_TEST_TAKEN_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* What a trick may use: made before confinement. */
struct world {
	int file_fd;   /* a regular file, open for reading and writing: like a donation */
	int socket_fd; /* one end of a UNIX socket pair */
	int vm_fd;     /* a KVM machine, or -1 without /dev/kvm */
	pid_t victim;  /* a process of the same uid, outside */
	const char *secret; /* path of a file outside of what the helper may reach */
};

struct trick {
	const char *name;
	bool (*succeeds)(const struct world *w); /* true: the helper got what it must not get */
	bool by_filter_alone; /* nothing but the seccomp filter stands against it */
};

/* The stages of one kind of thread; `with_filter` false leaves the last one, seccomp, out. */
struct kind {
	const char *name;
	void (*confine)(const struct world *w, int kind, bool with_filter);
	bool filter_needed; /* other layers do not stand alone: only tried with all */
};

/* Tricks that are nobody's to do: taken_tricks.c. */
extern const struct trick taken_tricks[];
extern const size_t n_taken_tricks;

/* Nobody's but nacre-fsd's. */
extern const struct trick taken_send_descriptor;

/* An unprivileged id that nothing else uses. */
#define TAKEN_UID 1893456789u

/* A user namespace whose map is "0 UID 1", or "BASE 0 COUNT" with base. Exits on errors. */
int taken_user_ns(const char *uid_map, const char *gid_map);

/*
 * Tries all tricks, and those in `more`, from every kind of thread with and without its filter. Prints
 * a line for each kind. The exit status: 0 if everything was refused.
 */
int taken_run(const char *program, const struct kind *kinds, int n_kinds, const struct trick *more,
	      size_t n_more, unsigned long clone_flags);

#endif
