/* SPDX-License-Identifier: Apache-2.0 */
/* Feature bits that were not offered, or without VERSION_1. */
#include "guest/guest.h"

void attack(void)
{
	begin(RNG, 1ull << 28); /* indirect descriptors */
	EXPECT(!(get(RNG, STATUS) & S_FEATURES_OK), "a feature that was not offered");
	put(RNG, STATUS, S_ACK | S_DRIVER);
	put(RNG, DRIVER_FEATURES_SEL, 1);
	put(RNG, DRIVER_FEATURES, 0);
	put(RNG, STATUS, S_ACK | S_DRIVER | S_FEATURES_OK);
	EXPECT(!(get(RNG, STATUS) & S_FEATURES_OK), "a legacy driver");
	driver_ok(RNG);
	put(RNG, QUEUE_NOTIFY, 0);
	(void)needs_reset(VSOCK);
}
