/* SPDX-License-Identifier: Apache-2.0 */
/* Configuration space past its end, in every width. */
#include "guest/guest.h"

void attack(void)
{
	volatile uint8_t *config = (volatile uint8_t *)0xd0000100ul; /* vsock: 8 bytes */
	uint64_t sum = 0;

	EXPECT(get(VSOCK, CONFIG) == 3, "the guest's CID");
	for (unsigned int i = 8; i < 0xf00; i += 251)
		sum += config[i];
	sum += *(volatile uint32_t *)(config + 6);
	sum += *(volatile uint64_t *)(config + 4);
	sum += *(volatile uint16_t *)(config + 7);
	sum += *(volatile uint64_t *)(config + 0xef8);
	EXPECT(sum == 0, "bytes behind the configuration");
	*(volatile uint64_t *)config = ~0ull;
	*(volatile uint8_t *)(config + 0xeff) = 1;
	EXPECT(get(VSOCK, CONFIG) == 3, "the configuration was written");
}
