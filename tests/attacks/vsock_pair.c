/* SPDX-License-Identifier: Apache-2.0 */
/* A pair of sockets of AF_VSOCK. */
/* EXPECT: default=EPERM bare=EPERM wide=EPERM */
#include "attack.h"

int main(void)
{
	int pair[2];

	return tried(socketpair(AF_VSOCK, SOCK_STREAM, 0, pair));
}
