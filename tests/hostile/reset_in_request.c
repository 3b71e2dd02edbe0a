/* SPDX-License-Identifier: Apache-2.0 */
/* A reset while a request is out with the broker, which answers late or never. */
#include "guest/guest.h"

void attack(void)
{
	for (unsigned int i = 0; i < 3; i++) {
		rings[1].avail.idx = 0;
		rings[1].used.idx = 0;
		fuse_init();
		fuse(3, FSD_ROOT, 40 + 16);	 /* never answered */
		put(FS, STATUS, 0);
		EXPECT(get(FS, STATUS) == 0, "a reset");
	}
	rings[1].avail.idx = 0;
	rings[1].used.idx = 0;
	fuse_init();
	fuse(1, FSD_ROOT, 40 + 5);
	EXPECT(used(1, 2), "no answer after a reset");
}
