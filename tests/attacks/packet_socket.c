/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads and writes raw frames: only those of the container's own network, and CAP_NET_RAW is of
 * Docker's 14.
 */
/* EXPECT: default=success bare=EPERM wide=success crun=success */
#include "attack.h"

int main(void)
{
	return tried(socket(AF_PACKET, SOCK_RAW, 0));
}
