/* SPDX-License-Identifier: Apache-2.0 */
/* Quotas of the machine's file systems. */
/* EXPECT: default=EPERM bare=ENOSYS wide=ENOSYS crun=success */
#include "attack.h"

int main(void)
{
	char text[128] = "";
	int r = tried(syscall(SYS_quotactl, 0x800002 << 8 /* Q_QUOTAON */, "/dev/null", 0, text));

	/* past the permission, /dev/null is no disk */
	return r == ENOTBLK || r == ENODEV || r == EINVAL ? SUCCEEDED : r;
}
