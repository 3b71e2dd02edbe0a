/* SPDX-License-Identifier: Apache-2.0 */
/* The same head twice in flight (CVE-2026-45782); the broker does not answer GETATTR. */
#include "guest/guest.h"

void attack(void)
{
	fuse_init();
	fuse(3, FSD_ROOT, 40 + 16);
	offer(FS, 1, 1, 0);
	EXPECT(needs_reset(FS), "a head that is in flight was taken again");
}
