/* SPDX-License-Identifier: Apache-2.0 */
/* Names of containers. A name becomes a directory, so what it may hold is fixed here. */
#ifndef NACRE_RUNTIME_IDENT_H
#define NACRE_RUNTIME_IDENT_H

#include <stdbool.h>

#define IDENT_MAX	    200 /* leaves room in NAME_MAX for a suffix */
#define IDENT_GENERATED_LEN 12
#define IDENT_EXPECTED                                                                             \
	"invalid container ID: expected 1 to 200 of letters, digits and _ + . - (not \".\" or \"..\")"

bool ident_is_valid(const char *id);

/* Writes IDENT_GENERATED_LEN random hexadecimal digits and a NUL. Returns 0 or -errno. */
int ident_generate(char id[IDENT_GENERATED_LEN + 1]);

#endif
