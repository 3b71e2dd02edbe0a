/* SPDX-License-Identifier: Apache-2.0 */
/* The VMM's listening socket. Its path may be longer than sun_path: it is reached by descriptor. */
#ifndef NACRE_RUNTIME_LISTENER_H
#define NACRE_RUNTIME_LISTENER_H

#include "failure.h"

/* Makes and binds `name` in a directory. A descriptor, or -errno with the failure set. */
int listener_create(int dir_fd, const char *name, struct failure *failure);

/* Connects to it; succeeds before anyone accepts. A descriptor, or -errno with the failure set. */
int listener_connect(int dir_fd, const char *name, struct failure *failure);

#endif
