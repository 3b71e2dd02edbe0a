/* SPDX-License-Identifier: Apache-2.0 */
/* Threads of devices. See thread.h. */
#include "thread.h"

#include <pthread.h>
#include <signal.h>
#include <stddef.h>

#define STACK_SIZE ((size_t)128 * 1024)

int thread_start(void *(*run)(void *), void *arg)
{
	pthread_attr_t attr;
	sigset_t all, old;
	pthread_t thread;
	int r;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK_SIZE);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	/* No signal is a device's, SIGXFSZ (a write past RLIMIT_FSIZE: EFBIG then) least of all. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	r = pthread_create(&thread, &attr, run, arg);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	pthread_attr_destroy(&attr);
	return -r;
}
