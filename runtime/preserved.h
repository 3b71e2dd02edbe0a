/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Descriptors of the caller that the process is given beside its standard ones: --preserve-fds, and
 * those of socket activation (sd_listen_fds(3)). The process has a pipe or a socket pair in the place
 * of each; nacre-init and nacre-monitor copy what passes. So only byte streams will do: everything else
 * is refused by name.
 */
#ifndef NACRE_RUNTIME_PRESERVED_H
#define NACRE_RUNTIME_PRESERVED_H

#include <stdint.h>

#include "config.h"
#include "failure.h"
#include "plan.h"
#include "plan_buffer.h"
#include "proto.h"

struct preserved {
	size_t n;
	int fds[PROTO_PRESERVED_MAX]; /* the caller's, from 3 on; -1 once closed */
	enum plan_fd_kind kinds[PROTO_PRESERVED_MAX];
};

/*
 * Looks at `asked` descriptors from 3 on, beside the LISTEN_FDS of the environment that are for this
 * process, which come first. config->preserved points to *preserved afterwards, and LISTEN_FDS is in the
 * process' environment. Returns 0, or -errno with the failure set.
 */
int preserved_take(struct preserved *preserved, uint64_t asked, struct container_config *config,
		   struct failure *failure);

/* Appends a PLAN_FD for each; NULL stands for none. */
void preserved_add_to_plan(const struct preserved *preserved, struct plan_buffer *plan);

/* Closes them: the monitor has its own. */
void preserved_close(struct preserved *preserved);

#endif
