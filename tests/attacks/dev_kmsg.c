/* SPDX-License-Identifier: Apache-2.0 */
/* The kernel's log. */
/* EXPECT: default=ENOENT bare=ENOENT wide=ENOENT */
#include "attack.h"

int main(void)
{
	return tried(open("/dev/kmsg", O_RDWR));
}
