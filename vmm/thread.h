/* SPDX-License-Identifier: Apache-2.0 */
/* Threads of devices. Main thread, before it is confined. */
#ifndef NACRE_VMM_THREAD_H
#define NACRE_VMM_THREAD_H

/* Starts a thread with a small stack that takes no signal and is never joined. 0 or -errno. */
int thread_start(void *(*run)(void *), void *arg);

#endif
