/* SPDX-License-Identifier: Apache-2.0 */
/* Writes a parameter that belongs to the container's own network, and so to its root. */
/* EXPECT: default=EACCES bare=EACCES wide=success crun=success */
#include "attack.h"

int main(void)
{
	return write_same("/proc/sys/net/ipv4/ip_forward");
}
