/* SPDX-License-Identifier: Apache-2.0 */
/* SCSI commands and other requests of old (the overflow fixed with CVE-2021-3748). */
#include "guest/request.h"

void attack(void)
{
	bring_up(BLK, 2);
	for (uint32_t type = 0; type < 40; type++) {
		if (type == READ || type == WRITE_OUT || type == FLUSH || type == GET_ID ||
		    type == DISCARD || type == WRITE_ZEROES)
			continue;
		EXPECT(request(type, 0, 4096) == UNSUPP, "a request that does not exist");
	}
	EXPECT(request(SCSI_CMD | 0x80000000u, 0, 512) == UNSUPP, "with a barrier");
	EXPECT(request(FLUSH, 0, 512) == OK, "a flush");
}
