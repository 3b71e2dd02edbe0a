/* SPDX-License-Identifier: Apache-2.0 */
/* Takes a network interface down. */
/* EXPECT: default=EPERM bare=EPERM wide=success */
#include <net/if.h>
#include <sys/ioctl.h>

#include "attack.h"

int main(void)
{
	struct ifreq ifr = { .ifr_name = "lo" };
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	NEED(fd);
	NEED(ioctl(fd, SIOCGIFFLAGS, &ifr));
	return tried(ioctl(fd, SIOCSIFFLAGS, &ifr));
}
