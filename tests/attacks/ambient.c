/* SPDX-License-Identifier: Apache-2.0 */
/* Raises a capability into the ambient set. */
/* EXPECT: default=EPERM bare=EPERM */
#include "attack.h"

int main(void)
{
	return tried(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, 21 /* CAP_SYS_ADMIN */, 0, 0));
}
