/* SPDX-License-Identifier: Apache-2.0 */
/* Upwards out of a volume. */
/* EXPECT: default=ENOENT wide=ENOENT */
#include "attack.h"

int main(void)
{
	return read_from("/v/../canary");
}
