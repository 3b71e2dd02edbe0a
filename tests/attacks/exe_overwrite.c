/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Overwrites the runtime through /proc/PID/exe (CVE-2019-5736): process 1 is of the image, and
 * no file of the runtime is in sight.
 */
/* EXPECT: default=contained bare=contained wide=contained */
#include <dirent.h>

#include "attack.h"

int main(void)
{
	char exe[4096] = "";
	struct stat st;
	DIR *dir = opendir("/proc");
	struct dirent *e;

	NEED(dir ? 0 : -1);
	while ((e = readdir(dir))) {
		char path[300];

		snprintf(path, sizeof(path), "/proc/%s/exe", e->d_name);
		if (e->d_name[0] < '0' || e->d_name[0] > '9' ||
		    readlink(path, exe, sizeof(exe) - 1) < 0)
			continue;
		/* what runs here must be a file that the container itself has */
		if (strstr(exe, "nacre-init") || stat(exe, &st) < 0)
			return SUCCEEDED;
		memset(exe, 0, sizeof(exe));
	}
	return CONTAINED;
}
