/* SPDX-License-Identifier: Apache-2.0 */
/* In place of nacre-init: writes 8 MiB to the kernel's log, and ends, which is a panic. */
#include <fcntl.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

int main(void)
{
	char line[512];
	int fd;

	mkdir("/dev", 0755);
	mkdir("/proc", 0755);
	mount("dev", "/dev", "devtmpfs", 0, 0);
	mount("proc", "/proc", "proc", 0, 0);
	/* without the limit that the kernel sets to each process */
	fd = open("/proc/sys/kernel/printk_devkmsg", O_WRONLY);
	if (write(fd, "on\n", 3) != 3)
		return 4;
	fd = open("/dev/kmsg", O_WRONLY);
	memset(line, 'x', sizeof(line));
	memcpy(line, "<1>flood ", 9);
	for (int i = 0; i < 16384; i++) {
		if (write(fd, line, sizeof(line)) < 0)
			break;
	}
	return 3;
}
