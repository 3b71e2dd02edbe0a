/* SPDX-License-Identifier: Apache-2.0 */
/* What the VMM is given open: /dev/kvm, the guest's kernel, nacre-init. */
#ifndef NACRE_RUNTIME_INPUTS_H
#define NACRE_RUNTIME_INPUTS_H

#include "failure.h"

/* Each returns a descriptor, or -errno with a failure that names the file and what was expected. */
int inputs_open_kvm(struct failure *failure);
int inputs_open_kernel(const char *path, struct failure *failure);
int inputs_open_init(const char *path, struct failure *failure);
/* Makes or empties the file of --console-log. */
int inputs_open_console_log(const char *path, struct failure *failure);

#endif
