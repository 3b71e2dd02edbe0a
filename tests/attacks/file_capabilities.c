/* SPDX-License-Identifier: Apache-2.0 */
/* A program with capabilities of its file, started by a user. */
/* EXPECT: default=contained wide=success crun=success */
#include <sys/xattr.h>

#include "attack.h"

int main(void)
{
	/* VFS_CAP_REVISION_2 with "effective", CAP_NET_RAW permitted */
	uint32_t cap[5] = { 0x02000001, 1 << 13, 0, 0, 0 };

	if (getuid() == 1000)
		return socket(AF_PACKET, SOCK_RAW, 0) >= 0 ? SUCCEEDED : CONTAINED;
	copy_self("/tmp/filecaps", 0755);
	NEED(setxattr("/tmp/filecaps", "security.capability", cap, sizeof(cap), 0));
	become_user();
	execl("/tmp/filecaps", "filecaps", NULL);
	return UNABLE;
}
