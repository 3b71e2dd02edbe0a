/* SPDX-License-Identifier: Apache-2.0 */
/* The environment of a process as it was asked for. */
#ifndef NACRE_RUNTIME_ENVIRONMENT_H
#define NACRE_RUNTIME_ENVIRONMENT_H

#include "arena.h"

/*
 * Leaves one setting of each variable, the last, as runc and crun do: of two, getenv() would find the
 * first. An empty HOME is none, so that the image's /etc/passwd says. The order stays.
 */
void environment_settle(struct string_list *env, struct arena *arena);

#endif
