/* SPDX-License-Identifier: Apache-2.0 */
/* Becomes the user that is root in the guest: no number in here stands for it. */
/* EXPECT: default=EINVAL wide=EINVAL */
#include "attack.h"

int main(void)
{
	/* 0 of the guest is not in the map, so every other number is tried at its edges. */
	static const uid_t ids[] = { 65536, 0x7fffffff, 0x80000000, 0xfffffffe };
	int last = EINVAL;

	for (unsigned int i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
		if (setresuid(ids[i], ids[i], ids[i]) == 0)
			return SUCCEEDED;
		last = errno;
	}
	return last;
}
