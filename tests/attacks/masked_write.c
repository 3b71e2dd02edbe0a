/* SPDX-License-Identifier: Apache-2.0 */
/* Writes to a masked file, which may lead to what lies under it. */
/* EXPECT: default=contained bare=contained */
#include "attack.h"

int main(void)
{
	struct stat st;

	NEED(stat("/proc/timer_list", &st));
	return S_ISCHR(st.st_mode) && st.st_rdev == makedev(1, 3) ? CONTAINED : SUCCEEDED;
}
