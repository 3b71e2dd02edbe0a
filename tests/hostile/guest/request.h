/* SPDX-License-Identifier: Apache-2.0 */
/* Requests of virtio-blk: header in buffer[0], data in buffer[1], status in buffer[2]. §5.2.6. */
#ifndef HOSTILE_REQUEST_H
#define HOSTILE_REQUEST_H

#include "guest.h"

#define DISK_SECTORS 128u

enum request { READ = 0, WRITE_OUT = 1, SCSI_CMD = 2, FLUSH = 4, GET_ID = 8, DISCARD = 11,
	       WRITE_ZEROES = 13 };
enum { OK = 0, IOERR = 1, UNSUPP = 2, NO_ANSWER = 0xff };

/* Descriptors 0 to 2 of queue 0; the status. */
static inline uint8_t request(uint32_t type, uint64_t sector, uint32_t len)
{
	volatile uint32_t *h = (volatile uint32_t *)buffer[0];
	uint16_t before = rings[0].used.idx;
	bool reads = type == READ || type == GET_ID || type == SCSI_CMD;

	h[0] = type;
	h[1] = 0;
	h[2] = (uint32_t)sector;
	h[3] = (uint32_t)(sector >> 32);
	buffer[2][0] = NO_ANSWER;
	describe(0, 0, (uintptr_t)buffer[0], 16, NEXT, 1);
	describe(0, 1, (uintptr_t)buffer[1], len, NEXT | (reads ? WRITE : 0), 2);
	describe(0, 2, (uintptr_t)buffer[2], 1, WRITE, 0);
	offer(BLK, 0, 0, 0);
	return used(0, (uint16_t)(before + 1)) ? *(volatile uint8_t *)buffer[2] : NO_ANSWER;
}

#endif
