/* SPDX-License-Identifier: Apache-2.0 */
/* Tells the host each time that the kernel killed in a container for want of memory. */
#ifndef NACRE_INIT_OOM_H
#define NACRE_INIT_OOM_H

#include "session_impl.h"

/*
 * Watches memory.events of the container that the session made: from STARTED on, whenever the kernel
 * has killed there, OOM is sent. What cannot be watched is only told with EXITED.
 */
void oom_watch(struct session *s);

#endif
