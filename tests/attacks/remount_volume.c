/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Makes a read-only volume writable: the mount may give way to who has CAP_SYS_ADMIN here, the
 * host does not.
 */
/* EXPECT: default=EPERM bare=EPERM wide=EROFS */
#include "attack.h"

int main(void)
{
	int fd;

	if (mount(NULL, "/attacks", NULL, MS_REMOUNT | MS_BIND | MS_NODEV, NULL) < 0)
		return errno;
	fd = open("/attacks/made", O_WRONLY | O_CREAT, 0644);
	if (fd >= 0)
		unlink("/attacks/made");
	return tried(fd);
}
