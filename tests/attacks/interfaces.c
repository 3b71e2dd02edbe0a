/* SPDX-License-Identifier: Apache-2.0 */
/* Looks for a network interface of the host's. */
/* EXPECT: default=contained bare=contained wide=contained */
#include <net/if.h>

#include "attack.h"

int main(void)
{
	struct if_nameindex *all = if_nameindex();
	int found = 0;

	for (struct if_nameindex *i = all; i && i->if_name; i++)
		found |= strcmp(i->if_name, "lo") != 0;
	return found ? SUCCEEDED : CONTAINED;
}
