/* SPDX-License-Identifier: Apache-2.0 */
/* Places of VMs whose end is left to the kernel; see vm_ends.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "fd.h"
#include "vm_ends.h"

int vm_ends_take(const char *all)
{
	autoclose int dir_fd = open(all, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	autoclose int fd = dir_fd < 0 ? -1 :
					openat(dir_fd, ".ends",
					       O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
	unsigned int first;
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	/* from a random place on: the first ones are taken most */
	first = arc4random_uniform(VM_ENDS_MAX);
	for (unsigned int i = 0; i < VM_ENDS_MAX; i++) {
		struct flock place = {
			.l_type = F_WRLCK,
			.l_whence = SEEK_SET,
			.l_start = (first + i) % VM_ENDS_MAX,
			.l_len = 1,
		};

		if (fcntl(fd, F_OFD_SETLK, &place) == 0)
			return steal_fd(&fd);
		if (errno != EAGAIN && errno != EACCES)
			return -errno;
	}
	return -EAGAIN;
}
