/* SPDX-License-Identifier: Apache-2.0 */
/* Starts a program as root, which gets all that the bounding set leaves. */
/* EXPECT: default=contained bare=contained */
#include "attack.h"

int main(void)
{
	if (getenv("AGAIN"))
		return prctl(PR_CAPBSET_READ, 21 /* CAP_SYS_ADMIN */) == 1 ? SUCCEEDED : CONTAINED;
	setenv("AGAIN", "1", 1);
	execl("/proc/self/exe", "again", NULL);
	return UNABLE;
}
