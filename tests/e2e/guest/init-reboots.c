/* SPDX-License-Identifier: Apache-2.0 */
/* In place of nacre-init: a guest that resets itself. */
#include <sys/reboot.h>
#include <unistd.h>

int main(void)
{
	reboot(RB_AUTOBOOT);
	for (;;)
		pause();
}
