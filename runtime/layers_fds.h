/* SPDX-License-Identifier: Apache-2.0 */
/* The VMM's table of descriptors, against what a VMM is expected to hold. */
#ifndef NACRE_RUNTIME_LAYERS_FDS_H
#define NACRE_RUNTIME_LAYERS_FDS_H

#include <sys/types.h>

struct layers_fds {
	unsigned int n;
	unsigned int n_vm, n_vcpu, n_vhost;
	unsigned int n_inherited; /* would survive an exec, but for 0 to 2 */
	char unexpected[160];	  /* the first that is none of the expected; "" if all are */
};

/* Reads /proc/PID/fd and fdinfo. 0 or -errno. */
int layers_fds_read(pid_t pid, struct layers_fds *fds);

#endif
