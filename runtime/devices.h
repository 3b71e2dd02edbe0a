/* SPDX-License-Identifier: Apache-2.0 */
/* Device numbers that mean the same in a guest as on the host. */
#ifndef NACRE_RUNTIME_DEVICES_H
#define NACRE_RUNTIME_DEVICES_H

#include <stdbool.h>
#include <stdint.h>

/*
 * True for the default devices of OCI runtime-spec 1.2 config-linux.md "Default Devices" and for those
 * that the guest's kernel makes besides: /dev/net/tun and /dev/fuse.
 */
bool device_is_in_guest(char kind, uint32_t major, uint32_t minor);

#endif
