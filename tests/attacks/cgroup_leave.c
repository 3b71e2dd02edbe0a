/* SPDX-License-Identifier: Apache-2.0 */
/* Moves itself to the highest cgroup it can see. */
/* EXPECT: default=EACCES bare=EACCES wide=contained crun=success */
#include "attack.h"

static void read_place(char *place, size_t room)
{
	FILE *f = fopen("/proc/self/cgroup", "re");

	NEED(f && fgets(place, (int)room, f) ? 0 : -1);
	fclose(f);
}

int main(void)
{
	char before[4096] = "", after[4096] = "";
	int result;

	read_place(before, sizeof(before));
	result = write_to("/sys/fs/cgroup/../cgroup/cgroup.procs", "0");
	if (result != SUCCEEDED)
		return result;
	/* in a cgroup namespace of its own that is where it was already */
	read_place(after, sizeof(after));
	return strcmp(before, after) ? SUCCEEDED : CONTAINED;
}
