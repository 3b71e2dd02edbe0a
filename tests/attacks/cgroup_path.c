/* SPDX-License-Identifier: Apache-2.0 */
/* Where its cgroup lies among those of the machine. */
/* EXPECT: default=contained bare=contained wide=contained */
#include "attack.h"

int main(void)
{
	char text[256] = "";
	int fd = open("/proc/self/cgroup", O_RDONLY);

	NEED(fd);
	NEED(read(fd, text, sizeof(text) - 1));
	return strcmp(text, "0::/\n") == 0 ? CONTAINED : SUCCEEDED;
}
