/* SPDX-License-Identifier: Apache-2.0 */
/* Makes the read-only /proc/sys writable. */
/* EXPECT: default=EPERM bare=EPERM */
#include "attack.h"

int main(void)
{
	return tried(mount(NULL, "/proc/sys", NULL, MS_REMOUNT | MS_BIND, NULL));
}
