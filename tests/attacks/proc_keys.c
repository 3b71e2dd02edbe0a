/* SPDX-License-Identifier: Apache-2.0 */
/* Keys of all users. */
/* EXPECT: default=ENOENT bare=ENOENT wide=ENOENT crun=success */
#include "attack.h"

int main(void)
{
	return read_from("/proc/keys");
}
