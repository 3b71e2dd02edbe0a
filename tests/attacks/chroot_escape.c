/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Out of a chroot by a directory that stays open, and on upwards: the root of the mount
 * namespace is the end.
 */
/* EXPECT: default=contained wide=contained bare=EPERM */
#include "attack.h"

int main(void)
{
	int out = open("/", O_RDONLY | O_DIRECTORY);
	struct stat before, after;

	NEED(stat("/", &before));
	if (chroot("/dev") < 0)
		return errno;
	NEED(fchdir(out));
	for (int i = 0; i < 64; i++)
		NEED(chdir(".."));
	NEED(chroot("."));
	NEED(stat("/", &after));
	return after.st_ino == before.st_ino && after.st_dev == before.st_dev ? CONTAINED : SUCCEEDED;
}
