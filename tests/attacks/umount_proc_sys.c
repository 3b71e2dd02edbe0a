/* SPDX-License-Identifier: Apache-2.0 */
/* Takes the read-only /proc/sys off the writable one. */
/* EXPECT: default=EPERM bare=EPERM */
#include "attack.h"

int main(void)
{
	return tried(umount2("/proc/sys", MNT_DETACH));
}
