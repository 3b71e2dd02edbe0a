/* SPDX-License-Identifier: Apache-2.0 */
/* Tables of the firmware. */
/* EXPECT: default=empty bare=empty */
#include <dirent.h>

#include "attack.h"

int main(void)
{
	DIR *dir = opendir("/sys/firmware");
	int n = 0;

	if (!dir)
		return errno;
	while (readdir(dir))
		n++;
	return n > 2 ? SUCCEEDED : EMPTY;
}
