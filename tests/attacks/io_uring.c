/* SPDX-License-Identifier: Apache-2.0 */
/* io_uring, which makes sockets and opens files past every filter: not there, under any profile. */
/* EXPECT: default=EPERM bare=ENOSYS wide=ENOSYS crun=success */
#include "attack.h"

int main(void)
{
	uint32_t params[32] = { 0 };

	return tried(syscall(SYS_io_uring_setup, 4, params));
}
