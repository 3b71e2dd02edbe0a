/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The connections to the host: a few AF_VSOCK streams are always open or opening, from guest ports
 * below 1024, which no container may bind (include/proto.h "Transport").
 */
#ifndef NACRE_INIT_LINK_H
#define NACRE_INIT_LINK_H

/* Opens the first connections and keeps their number up from then on. */
void link_start(void);

#endif
