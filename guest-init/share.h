/* SPDX-License-Identifier: Apache-2.0 */
/* The virtio-fs devices: include/broker.h. */
#ifndef NACRE_INIT_SHARE_H
#define NACRE_INIT_SHARE_H

/*
 * Mounts the device with this tag on the directory `path`. Does not wait for the host: that is left
 * to the first process that looks inside. 0 or -errno.
 */
int share_mount(const char *tag, const char *path);

#endif
