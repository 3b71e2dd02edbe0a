/* SPDX-License-Identifier: Apache-2.0 */
/* What the VMM is given open; see inputs.h. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "fd.h"
#include "inputs.h"

int inputs_open_kvm(struct failure *failure)
{
	int fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);

	if (fd >= 0)
		return fd;
	switch (errno) {
	case ENOENT:
	case ENODEV:
	case ENXIO:
		return failure_set(failure, -errno,
				   "/dev/kvm: there is no KVM here: expected a processor with "
				   "virtualisation, enabled, and the module kvm_intel or kvm_amd");
	case EACCES:
	case EPERM:
		return failure_set(failure, -errno,
				   "/dev/kvm: no permission: expected read and write access, as "
				   "members of its group (kvm) have");
	default:
		return failure_set(failure, -errno, "/dev/kvm: cannot open: %s", strerror(errno));
	}
}

static int file_open(const char *path, const char *what, struct failure *failure)
{
	autoclose int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return failure_set(failure, -errno, "%s: expected %s: %s", path, what,
				   strerror(errno));
	if (!S_ISREG(st.st_mode))
		return failure_set(failure, -EINVAL, "%s: expected %s, a regular file", path, what);
	return steal_fd(&fd);
}

int inputs_open_kernel(const char *path, struct failure *failure)
{
	return file_open(path, "the guest's kernel", failure);
}

int inputs_open_init(const char *path, struct failure *failure)
{
	return file_open(path, "the guest's first program", failure);
}

int inputs_open_console_log(const char *path, struct failure *failure)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOCTTY, 0600);

	if (fd < 0)
		return failure_set(failure, -errno, "--console-log: %s: expected a file to write: "
				   "%s", path, strerror(errno));
	return fd;
}
