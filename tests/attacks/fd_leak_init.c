/* SPDX-License-Identifier: Apache-2.0 */
/* The same, among the descriptors of process 1. */
/* EXPECT: default=contained bare=contained wide=contained */
#include "attack.h"

int main(void)
{
	char path[64], to[256] = "";

	for (int fd = 0; fd < 1024; fd++) {
		snprintf(path, sizeof(path), "/proc/1/fd/%d", fd);
		if (readlink(path, to, sizeof(to) - 1) >= 0 && fd > 2 && strncmp(to, "/attacks", 8))
			return SUCCEEDED;
	}
	return CONTAINED;
}
