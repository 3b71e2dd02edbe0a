/* SPDX-License-Identifier: Apache-2.0 */
/* A step of the set-up that must not fail, of programs that are no unit tests. */
#ifndef NACRE_TESTS_MUST_H
#define NACRE_TESTS_MUST_H

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MUST(cond)                                                                                 \
	do {                                                                                       \
		if (!(cond)) {                                                                     \
			fprintf(stderr, "%s:%d: %s: %s\n", __FILE__, __LINE__, #cond,              \
				strerror(errno));                                                  \
			exit(2);                                                                   \
		}                                                                                  \
	} while (0)

#endif
