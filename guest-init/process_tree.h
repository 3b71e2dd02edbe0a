/* SPDX-License-Identifier: Apache-2.0 */
/* A process and what came of it. */
#ifndef NACRE_INIT_PROCESS_TREE_H
#define NACRE_INIT_PROCESS_TREE_H

#include <sys/types.h>

/*
 * Kills `root`, a process that is the leader of a session of its own, with its descendants: every
 * process below it, and every one of its session, also if its parent is gone. What left the session
 * and lost its parents is none of its descendants any more.
 */
void process_tree_kill(pid_t root);

#endif
