/* SPDX-License-Identifier: Apache-2.0 */
/* Sectors past the end, and sums that wrap; the disk keeps its size (run.c looks). */
#include "guest/request.h"

void attack(void)
{
	static const struct {
		uint64_t sector;
		uint32_t len;
	} bad[] = {
		{ DISK_SECTORS, 512 }, { DISK_SECTORS - 1, 1024 }, { ~0ull, 512 },
		{ ~0ull / 512, 512 }, { ~0ull / 512 + 1, 512 }, { 0, 511 }, { 0, 1 },
	};

	bring_up(BLK, 2);
	for (unsigned int i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		EXPECT(request(READ, bad[i].sector, bad[i].len) == IOERR, "a bad read");
		EXPECT(request(WRITE_OUT, bad[i].sector, bad[i].len) == IOERR, "a bad write");
		EXPECT(request(DISCARD, bad[i].sector, bad[i].len) == IOERR, "a bad discard");
	}
	EXPECT(request(READ, DISK_SECTORS - 1, 512) == OK, "the last sector");
	EXPECT(request(WRITE_OUT, DISK_SECTORS - 1, 512) == OK, "the last sector, written");
}
