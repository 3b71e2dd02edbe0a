/* SPDX-License-Identifier: Apache-2.0 */
/* Writes a file larger than its limit, without the signal that would end it. */
/* EXPECT: bare=EFBIG */
#include "attack.h"

int main(void)
{
	int fd = open("/tmp/large", O_WRONLY | O_CREAT, 0600), r;

	NEED(fd);
	NEED(signal(SIGXFSZ, SIG_IGN) == SIG_ERR ? -1 : 0);
	r = tried(pwrite(fd, "x", 1, 2 << 20));
	unlink("/tmp/large");
	return r;
}
