/* SPDX-License-Identifier: Apache-2.0 */
/* Takes the device filter off the container's own cgroup. */
/* EXPECT: default=EPERM bare=EINVAL wide=EINVAL */
#include <linux/bpf.h>

#include "attack.h"

int main(void)
{
	union bpf_attr attr = { .attach_type = BPF_CGROUP_DEVICE };
	int fd = open("/sys/fs/cgroup", O_RDONLY | O_DIRECTORY);

	NEED(fd);
	attr.target_fd = (uint32_t)fd;
	/* no capability is needed for this; what refuses is the way in which it was attached */
	return tried(syscall(SYS_bpf, BPF_PROG_DETACH, &attr, sizeof(attr)));
}
