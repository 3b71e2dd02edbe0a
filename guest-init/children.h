/* SPDX-License-Identifier: Apache-2.0 */
/* Reaping: PID 1 is the parent of whatever loses its own. */
#ifndef NACRE_INIT_CHILDREN_H
#define NACRE_INIT_CHILDREN_H

/* Blocks SIGCHLD and has the loop reap every child that ends, from now on. 0 or -errno. */
int children_watch(void);

#endif
