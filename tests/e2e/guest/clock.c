/* SPDX-License-Identifier: Apache-2.0 */
/* Answers each line with the wall clock, in microseconds since the epoch. */
#include <stdio.h>
#include <time.h>

int main(void)
{
	char line[64];

	puts("ready");
	fflush(stdout);
	while (fgets(line, sizeof(line), stdin)) {
		struct timespec now;

		clock_gettime(CLOCK_REALTIME, &now);
		printf("%lld\n", (long long)now.tv_sec * 1000000 + now.tv_nsec / 1000);
		fflush(stdout);
	}
	return 0;
}
