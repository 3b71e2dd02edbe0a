/* SPDX-License-Identifier: Apache-2.0 */
/* The command line of nacre-fsd; docs/architecture.md lists the options. */
#ifndef NACRE_FSD_ARGS_H
#define NACRE_FSD_ARGS_H

#include "export.h"

struct args {
	int socket_fd;
	uint32_t container;
	int user_ns_fd, mount_ns_fd; /* -1: not given */
	int confined_fd;             /* file for struct confined_record, -1: none */
	int alive_fd;                /* only kept: it closes as we end, -1: none */
	uint32_t n_exports;          /* [0] is --root */
	struct export export[EXPORT_MAX];
};

/* Fills *a, or returns one line that says what is wrong. Before confinement. */
const char *args_parse(struct args *a, int argc, char **argv);

#endif
