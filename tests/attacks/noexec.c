/* SPDX-License-Identifier: Apache-2.0 */
/* Runs a program from a file system that is mounted noexec. */
/* EXPECT: default=EACCES bare=EACCES wide=EACCES */
#include "attack.h"

int main(void)
{
	if (getenv("AGAIN"))
		return SUCCEEDED;
	copy_self("/dev/shm/again", 0755);
	setenv("AGAIN", "1", 1);
	execl("/dev/shm/again", "again", NULL);
	return errno;
}
