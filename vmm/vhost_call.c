/* SPDX-License-Identifier: Apache-2.0 */
/* A call of the host's kernel. See vhost_call.h. */
#include "vhost_call.h"

#include <errno.h>
#include <sys/ioctl.h>

int vhost_call(int fd, unsigned long request, void *arg)
{
	/* musl declares an int; the kernel looks at 32 bits. */
#ifdef __GLIBC__
	return ioctl(fd, request, arg) < 0 ? -errno : 0;
#else
	return ioctl(fd, (int)request, arg) < 0 ? -errno : 0;
#endif
}
