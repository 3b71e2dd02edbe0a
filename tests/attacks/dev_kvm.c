/* SPDX-License-Identifier: Apache-2.0 */
/* Nested virtualisation: /dev/kvm. */
/* EXPECT: default=ENOENT bare=ENOENT wide=ENOENT */
#include "attack.h"

int main(void)
{
	return tried(open("/dev/kvm", O_RDWR));
}
