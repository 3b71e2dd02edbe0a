/* SPDX-License-Identifier: Apache-2.0 */
/* The broker's loop: one packet in, one packet out. */
#ifndef NACRE_FSD_SERVE_H
#define NACRE_FSD_SERVE_H

#include "request.h"

/* Answers requests until the VMM closes its end (0) or the socket fails (-errno). Confined. */
int serve(struct fsd *f, int socket_fd);

#endif
