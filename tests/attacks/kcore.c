/* SPDX-License-Identifier: Apache-2.0 */
/* All memory of the machine, as a file. */
/* EXPECT: default=ENOENT bare=ENOENT wide=ENOENT crun=success */
#include "attack.h"

int main(void)
{
	return read_from("/proc/kcore");
}
