/* SPDX-License-Identifier: Apache-2.0 */
/*
 * virtio-vsock (virtio 1.2 §5.10), in process: no vhost module is needed.
 *
 * The guest connects to PROTO_VSOCK_PORT of the host from a port below 1024; each such connection is
 * joined to one connection that was accepted on the listening UNIX socket and has spoken, oldest with
 * oldest, and
 * bytes pass both ways with the credits of §5.10.6.3. Everything else the guest asks for is answered
 * with a reset. The device understands nothing of what passes.
 */
#ifndef NACRE_VMM_VIRTIO_VSOCK_H
#define NACRE_VMM_VIRTIO_VSOCK_H

#include "dev.h"

struct virtio_vsock_callbacks {
	void (*guest_connected)(void); /* the guest's first connection was accepted */
	void (*clients_gone)(void);    /* the last UNIX connection was closed by its peer */
	/*
	 * If not NULL: the guest has sent something, which stays where it is; nothing of the guest is ever
	 * served (template.h).
	 */
	void (*guest_calls)(void);
};

/*
 * Fills *dev and takes listener_fd. All memory is mapped here. The callbacks come on the device
 * thread. 0 or -errno. Main thread, before confinement.
 */
int virtio_vsock_init(struct virtio_dev *dev, int listener_fd,
		      const struct virtio_vsock_callbacks *callbacks);

/* UNIX connections whose peers still live. Device thread. */
unsigned int virtio_vsock_clients(void);

#endif
