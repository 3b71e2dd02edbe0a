/* SPDX-License-Identifier: Apache-2.0 */
/* The same, from a file. */
/* EXPECT: default=EPERM bare=ENOSYS wide=ENOSYS crun=success */
#include "attack.h"

int main(void)
{
	int r = tried(syscall(SYS_kexec_file_load, -1, -1, 0, NULL, 4 /* KEXEC_FILE_NO_INITRAMFS */));

	return r == EBADF ? SUCCEEDED : r;
}
