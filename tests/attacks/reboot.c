/* SPDX-License-Identifier: Apache-2.0 */
/* Reboots the machine; it says only that Ctrl-Alt-Del shall not. */
/* EXPECT: default=EPERM bare=EPERM crun=success */
#include "attack.h"

int main(void)
{
	return tried(syscall(SYS_reboot, 0xfee1dead, 672274793, 0 /* LINUX_REBOOT_CMD_CAD_OFF */, NULL));
}
