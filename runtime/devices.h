/* SPDX-License-Identifier: Apache-2.0 */
/* Device numbers that mean the same in a guest as on the host. */
#ifndef NACRE_RUNTIME_DEVICES_H
#define NACRE_RUNTIME_DEVICES_H

#include <stdbool.h>
#include <stdint.h>

/* True for the default devices of OCI runtime-spec 1.2 config-linux.md "Default Devices". */
bool device_is_in_guest(char kind, uint32_t major, uint32_t minor);

/*
 * True when a rule of linux.resources.devices that allows a device needs nothing but what every
 * container has: the default devices, ptys, /dev/net/tun, and mknod (not use) of any. -1 is "all".
 */
bool device_rule_is_default(char kind, int64_t major, int64_t minor, const char *access);

#endif
