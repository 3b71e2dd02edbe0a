/* SPDX-License-Identifier: Apache-2.0 */
/* Magic SysRq: would crash or reboot the machine; it asks for help. */
/* EXPECT: default=ENOENT bare=ENOENT wide=ENOENT crun=success */
#include "attack.h"

int main(void)
{
	return write_to("/proc/sysrq-trigger", "h");
}
