/* SPDX-License-Identifier: Apache-2.0 */
/* Looks for nacre-init and the guest's own file systems in the mounts. */
/* EXPECT: default=contained bare=contained wide=contained */
#include "attack.h"

int main(void)
{
	char line[4096];
	FILE *f = fopen("/proc/self/mountinfo", "re");

	NEED(f ? 0 : -1);
	while (fgets(line, sizeof(line), f)) {
		if (strstr(line, "/run/nacre") || strstr(line, " rootfs "))
			return SUCCEEDED;
	}
	return access("/run/nacre", F_OK) && access("/init", F_OK) ? CONTAINED : SUCCEEDED;
}
