/* SPDX-License-Identifier: Apache-2.0 */
/* Takes the cover off a masked file. */
/* EXPECT: default=EPERM bare=EPERM */
#include "attack.h"

int main(void)
{
	return tried(umount2("/proc/timer_list", MNT_DETACH));
}
