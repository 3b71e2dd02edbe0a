/* SPDX-License-Identifier: Apache-2.0 */
/* A socket of AF_VSOCK by the x32 ABI. */
/* EXPECT: default=SIGSYS bare=SIGSYS wide=SIGSYS */
#include "attack.h"

int main(void)
{
	return tried(syscall(0x40000000 | SYS_socket, AF_VSOCK, SOCK_STREAM, 0));
}
