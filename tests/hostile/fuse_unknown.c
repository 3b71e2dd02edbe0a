/* SPDX-License-Identifier: Apache-2.0 */
/* Unknown opcodes, node ids and handles that were never given out. */
#include "guest/guest.h"

void attack(void)
{
	static const uint64_t nodes[] = { 0, 2, 0xffffffffffffffffull, 9ull << 48, 0x7fffull << 48 };
	uint16_t n = 1;

	fuse_init();
	for (unsigned int i = 0; i < 5; i++) {
		fuse(3, nodes[i], 56);
		EXPECT(used(1, ++n) && fuse_error() == -116, "a node that was never given out");
	}
	fuse(0xffffffff, 1, 56);
	EXPECT(used(1, ++n) && fuse_error() == -38, "an unknown opcode");
	*(volatile uint64_t *)(buffer[0] + 40) = 16384;	/* READ of a handle */
	fuse(15, FSD_ROOT, 40 + 40);
	EXPECT(used(1, ++n) && fuse_error() < 0, "a handle that was never given out");
}
