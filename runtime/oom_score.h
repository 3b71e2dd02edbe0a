/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How soon the host's kernel takes a container's helpers when its memory is short (config.md "Linux
 * process", oomScoreAdj; proc(5) /proc/PID/oom_score_adj).
 */
#ifndef NACRE_RUNTIME_OOM_SCORE_H
#define NACRE_RUNTIME_OOM_SCORE_H

#include "config.h"

/*
 * A process that is given no score has the caller's, as with runc, if that is above 0; a lower one protects
 * the caller on the host, and means nothing inside.
 */
void oom_score_inherit(struct config_process *process);

/* The score to start a helper with, by what the configuration asks; NULL: the caller's will do. */
const char *oom_score_of(const struct config_process *process, struct arena *arena);

/*
 * In a child that will be a helper: takes the score. One above 0 is taken so that it may be 0 again for a
 * moment (monitor/witness.h): the floor, which whoever has CAP_SYS_RESOURCE sets with the score, is 0. Who
 * may not lower it stays as he is, as with runc. CAP_SYS_RESOURCE is not effective afterwards.
 */
void oom_score_take(const char *score);

/* Opens a process's own score, to be read and written. -1 when that is not allowed. */
int oom_score_open(pid_t pid);

#endif
