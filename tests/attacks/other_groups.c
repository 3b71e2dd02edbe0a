/* SPDX-License-Identifier: Apache-2.0 */
/* Sets supplementary groups, that of root in the guest among them. */
/* EXPECT: default=EINVAL wide=EINVAL */
#include <grp.h>

#include "attack.h"

int main(void)
{
	gid_t groups[] = { 0, 65536 };

	return tried(setgroups(2, groups));
}
