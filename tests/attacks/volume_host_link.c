/* SPDX-License-Identifier: Apache-2.0 */
/* Follows a link on the host that leads out of the volume: it leads somewhere in here instead. */
/* EXPECT: default=ENOENT wide=ENOENT */
#include "attack.h"

int main(void)
{
	return read_from("/v/hostlink");
}
