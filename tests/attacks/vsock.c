/* SPDX-License-Identifier: Apache-2.0 */
/* A socket to the machine around the guest. */
/* EXPECT: default=EPERM bare=EPERM wide=EPERM crun=success */
#include "attack.h"

int main(void)
{
	return tried(socket(AF_VSOCK, SOCK_STREAM, 0));
}
