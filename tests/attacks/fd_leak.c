/* SPDX-License-Identifier: Apache-2.0 */
/* A descriptor of the runtime that was left open (CVE-2024-21626, CVE-2016-9962). */
/* EXPECT: default=contained bare=contained wide=contained */
#include "attack.h"

int main(void)
{
	for (int fd = 3; fd < 1024; fd++) {
		if (fcntl(fd, F_GETFD) >= 0)
			return SUCCEEDED;
	}
	return CONTAINED;
}
