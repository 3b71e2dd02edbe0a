/* SPDX-License-Identifier: Apache-2.0 */
/* The whole table of a container that lives: what `nacre layers` and `nacre run --layers` show. */
#ifndef NACRE_RUNTIME_LAYERS_SHOW_H
#define NACRE_RUNTIME_LAYERS_SHOW_H

#include "layers.h"

/*
 * Reads both sides; asks the guest, which has a bounded time to answer. `held`: the process waits for
 * its exec, which loads its seccomp filter.
 */
void layers_read(struct layers *layers, const struct state *state,
		 const struct container_config *config, bool held);

#endif
