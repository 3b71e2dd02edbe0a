/* SPDX-License-Identifier: Apache-2.0 */
/* Fills /dev, which is a tmpfs of 64 MiB, with memory that is charged to the container. */
/* EXPECT: default=ENOSPC wide=ENOSPC */
#include "attack.h"

int main(void)
{
	static char mib[1 << 20];
	int fd = open("/dev/fill", O_WRONLY | O_CREAT | O_EXCL, 0600), r = SUCCEEDED;

	NEED(fd);
	for (int i = 0; i < 256 && r == SUCCEEDED; i++)
		r = tried(write(fd, mib, sizeof(mib)));
	unlink("/dev/fill");
	return r;
}
