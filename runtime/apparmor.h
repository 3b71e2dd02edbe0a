/* SPDX-License-Identifier: Apache-2.0 */
/* AppArmor: a profile that config.json names becomes that of the monitor, where the host has it. */
#ifndef NACRE_RUNTIME_APPARMOR_H
#define NACRE_RUNTIME_APPARMOR_H

/*
 * `profile` if it can be set on this host; else NULL, with a warning when one was asked for: it is
 * never an error: engines on Debian and Ubuntu always name one. NULL for NULL.
 */
const char *apparmor_profile_here(const char *profile);

#endif
