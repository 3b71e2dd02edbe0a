/* SPDX-License-Identifier: Apache-2.0 */
/* The same where the device is allowed. */
/* EXPECT: wide=success */
#include "attack.h"

int main(void)
{
	return tried(open("/dev/fuse", O_RDWR));
}
