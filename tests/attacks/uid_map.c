/* SPDX-License-Identifier: Apache-2.0 */
/* Widens its user namespace by writing the map again. */
/* EXPECT: default=EPERM bare=EPERM wide=EPERM */
#include "attack.h"

int main(void)
{
	return write_to("/proc/self/uid_map", "0 0 4294967295\n");
}
