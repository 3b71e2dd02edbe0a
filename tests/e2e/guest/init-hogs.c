/* SPDX-License-Identifier: Apache-2.0 */
/* In place of nacre-init: takes what there is of memory, processes and processor time, and never asks for its container. */
#include <string.h>
#include <sys/mman.h>
#include <sys/sysinfo.h>
#include <unistd.h>

int main(void)
{
	struct sysinfo info;
	size_t len;
	char *p;

	if (sysinfo(&info) != 0)
		return 1;
	/* not the last of it: the guest's kernel would end this program, and so itself */
	len = info.freeram * info.mem_unit / 10 * 8;
	p = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED)
		return 2;
	memset(p, 1, len);
	for (int i = 0; i < 200; i++) {
		if (fork() == 0) {
			for (;;)
				continue;
		}
	}
	for (;;)
		continue;
}
