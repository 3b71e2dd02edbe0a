/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the kernel's log, with its addresses. */
/* EXPECT: default=EPERM bare=EPERM wide=EPERM crun=success */
#include "attack.h"

int main(void)
{
	char buf[64];

	return tried(syscall(SYS_syslog, 3 /* SYSLOG_ACTION_READ_ALL */, buf, sizeof(buf)));
}
