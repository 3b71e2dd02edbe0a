/* SPDX-License-Identifier: Apache-2.0 */
/* Opens a file of the whole file system by its handle: the "shocker" trick. */
/* EXPECT: default=EPERM bare=EPERM wide=EPERM crun=success */
#include "attack.h"

int main(void)
{
	struct {
		struct file_handle head;
		unsigned char id[128];
	} handle = { .head = { .handle_bytes = 128 } };
	int mount_id, r;

	if (name_to_handle_at(AT_FDCWD, "/tmp", &handle.head, &mount_id, 0) < 0) {
		/* no handles here: any will do to meet the permission */
		handle.head.handle_bytes = 8;
		handle.head.handle_type = 1;
	}
	r = tried(open_by_handle_at(open("/tmp", O_RDONLY), &handle.head, O_RDONLY));
	return r == ESTALE ? SUCCEEDED : r;
}
