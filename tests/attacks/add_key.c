/* SPDX-License-Identifier: Apache-2.0 */
/* The kernel's keyrings, which belong to no namespace. */
/* EXPECT: default=EPERM bare=ENOSYS wide=ENOSYS crun=success */
#include "attack.h"

int main(void)
{
	return tried(syscall(SYS_add_key, "user", "attack", "x", 1, -3 /* KEY_SPEC_SESSION_KEYRING */));
}
