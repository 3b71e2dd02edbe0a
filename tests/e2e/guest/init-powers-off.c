/* SPDX-License-Identifier: Apache-2.0 */
/* In place of nacre-init: a guest that powers itself off. */
#include <sys/reboot.h>
#include <unistd.h>

int main(void)
{
	reboot(RB_POWER_OFF);
	for (;;)
		pause();
}
