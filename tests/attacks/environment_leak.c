/* SPDX-License-Identifier: Apache-2.0 */
/* Secrets of the runtime in the environment of process 1. */
/* EXPECT: default=contained bare=contained wide=contained */
#include "attack.h"

int main(void)
{
	char text[8192];
	int fd = open("/proc/1/environ", O_RDONLY);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

	NEED(n);
	for (ssize_t i = 0; i + 5 < n; i++) {
		if (!memcmp(text + i, "NACRE", 5) || !memcmp(text + i, "SECRET", 6))
			return SUCCEEDED;
	}
	return CONTAINED;
}
