/* SPDX-License-Identifier: Apache-2.0 */
/* Compiles seccomp profiles into the BPF programs that a plan carries; libseccomp does the work. */
#ifndef NACRE_RUNTIME_SECCOMP_COMPILE_H
#define NACRE_RUNTIME_SECCOMP_COMPILE_H

#include "failure.h"
#include "plan_buffer.h"
#include "seccomp_profile.h"

/*
 * Appends the base filter, which every container has, and then `profile` (NULL: unconfined). System
 * calls that libseccomp does not know are passed over. Returns 0, or -errno with the failure set.
 */
int seccomp_compile(const struct seccomp_profile *profile, struct plan_buffer *plan,
		    struct failure *failure);

#endif
