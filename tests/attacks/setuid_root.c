/* SPDX-License-Identifier: Apache-2.0 */
/* A set-user-id program of root, started by a user. */
/* EXPECT: default=contained bare=contained wide=success crun=success */
#include "attack.h"

int main(void)
{
	if (geteuid() == 0 && getuid() == 1000)
		return SUCCEEDED;
	if (getuid() == 1000)
		return CONTAINED;
	if (getuid() == 0) {
		copy_self("/tmp/setuid", 04755);
		if (setresuid(1000, 1000, 1000) < 0) {
			/* bare: no capability to change the user, and so none to gain */
			return CONTAINED;
		}
	}
	execl("/tmp/setuid", "setuid", NULL);
	return UNABLE;
}
