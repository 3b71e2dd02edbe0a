/* SPDX-License-Identifier: Apache-2.0 */
/* The same with threads, which count as well. */
/* EXPECT: wide=EAGAIN */
#include <pthread.h>

#include "attack.h"

static void *sleeper(void *unused)
{
	(void)unused;
	pause();
	return NULL;
}

int main(void)
{
	for (int i = 0; i < 200; i++) {
		pthread_t thread;
		int r = pthread_create(&thread, NULL, sleeper, NULL);

		if (r)
			return r;
	}
	return SUCCEEDED;
}
