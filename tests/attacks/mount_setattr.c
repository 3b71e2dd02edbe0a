/* SPDX-License-Identifier: Apache-2.0 */
/* Clears "read-only" with mount_setattr. */
/* EXPECT: default=EPERM bare=EPERM crun=success */
#include "attack.h"

int main(void)
{
	struct {
		uint64_t attr_set, attr_clr, propagation, userns_fd;
	} attr = { .attr_clr = 1 /* MOUNT_ATTR_RDONLY */ };

	return tried(syscall(SYS_mount_setattr, AT_FDCWD, "/proc", 0, &attr, sizeof(attr)));
}
