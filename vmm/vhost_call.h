/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One call of /dev/vhost-net or of a tap beside it: apart, so that tests can stand in the kernel's
 * place.
 */
#ifndef NACRE_VMM_VHOST_CALL_H
#define NACRE_VMM_VHOST_CALL_H

/* ioctl(2). 0 or -errno. */
int vhost_call(int fd, unsigned long request, void *arg);

#endif
