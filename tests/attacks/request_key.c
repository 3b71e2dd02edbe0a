/* SPDX-License-Identifier: Apache-2.0 */
/* Makes the kernel run a helper of the machine's. */
/* EXPECT: default=EPERM bare=ENOSYS wide=ENOSYS crun=success */
#include "attack.h"

int main(void)
{
	int r = tried(syscall(SYS_request_key, "user", "attack", NULL, 0));

	return r == ENOKEY ? SUCCEEDED : r;
}
