/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The filters of the default profile, compiled when nacre was built: for libseccomp to make them at each
 * start took 7 virtual milliseconds. tools/mkseccomp.c makes the table.
 */
#ifndef NACRE_RUNTIME_SECCOMP_BUILTIN_H
#define NACRE_RUNTIME_SECCOMP_BUILTIN_H

#include <stdbool.h>

#include "plan_buffer.h"
#include "seccomp_profile.h"

/*
 * Appends what seccomp_compile() would append, if `profile` (NULL: unconfined) is the default one for
 * the default capabilities. False, and nothing appended, if it is another.
 */
bool seccomp_add_builtin(const struct seccomp_profile *profile, struct plan_buffer *plan);

#endif
