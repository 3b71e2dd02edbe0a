/* SPDX-License-Identifier: Apache-2.0 */
/* A working directory outside the container, and upwards from there (CVE-2024-21626). */
/* EXPECT: default=contained bare=contained wide=contained */
#include "attack.h"

int main(void)
{
	char cwd[4096] = "";

	NEED(readlink("/proc/1/cwd", cwd, sizeof(cwd) - 1));
	return cwd[0] == '/' && strcmp(cwd, "(unreachable)") ? CONTAINED : SUCCEEDED;
}
