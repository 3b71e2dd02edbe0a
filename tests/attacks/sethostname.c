/* SPDX-License-Identifier: Apache-2.0 */
/* Changes the host's name, to what it is. */
/* EXPECT: default=EPERM bare=EPERM wide=success crun=success */
#include "attack.h"

int main(void)
{
	char name[65] = "";

	NEED(gethostname(name, sizeof(name) - 1));
	return tried(syscall(SYS_sethostname, name, strlen(name)));
}
