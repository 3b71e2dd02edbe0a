/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Orders of `nacre` to a running VM (include/vmcontrol.h). One client at a time; the next waits in
 * the listener's queue.
 */
#ifndef NACRE_VMM_CONTROL_H
#define NACRE_VMM_CONTROL_H

/* Takes orders from clients of the listening socket. 0 or -errno. Main thread, before confinement. */
int control_init(int listener_fd);

#endif
