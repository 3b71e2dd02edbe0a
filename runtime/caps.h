/* SPDX-License-Identifier: Apache-2.0 */
/* Names of capabilities. */
#ifndef NACRE_RUNTIME_CAPS_H
#define NACRE_RUNTIME_CAPS_H

#include <stdint.h>

/* The number of a capability ("CAP_KILL"), or -1 for a name that libcap does not know. */
int caps_number(const char *name);

/* The 14 capabilities that Docker keeps. */
uint64_t caps_default(void);

#endif
