/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Clients of a listening socket, also when this process may open no more descriptors, which is what a guest can
 * bring about: by files that it holds open. Device thread.
 */
#ifndef NACRE_VMM_CLIENT_ACCEPT_H
#define NACRE_VMM_CLIENT_ACCEPT_H

/* Before confinement, once for each listener. 0 or -errno. */
int client_accept_init(void);

/*
 * The next client's socket, O_CLOEXEC and O_NONBLOCK, which the caller owns. -EAGAIN: there is none, or it was
 * turned away for want of a descriptor: its connection is closed, so that it need not wait. Another -errno:
 * that could not be done either.
 */
int client_accept(int listener_fd);

#endif
