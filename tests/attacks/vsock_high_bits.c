/* SPDX-License-Identifier: Apache-2.0 */
/* The same, with bits set that the kernel cuts off. */
/* EXPECT: default=EPERM bare=EPERM wide=EPERM crun=success */
#include "attack.h"

int main(void)
{
	return tried(syscall(SYS_socket, UINT64_C(1) << 32 | AF_VSOCK, SOCK_STREAM, 0));
}
