/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vhost-net: the host's kernel serves the queues of a VM's network devices (vmm/virtio_net_vhost.c). Off
 * unless nacre.conf says otherwise; see net.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "fd.h"
#include "net.h"

#define DEVICE "/dev/vhost-net"

int net_vhost_check(const struct net *net, struct failure *failure)
{
	const struct net_limits *l = &net->limits;

	if (net->passt)
		return failure_set(failure, -EINVAL, "vhost_net = on: expected off with --net "
				   "passt, whose frames come over a socket");
	if (l->to_guest_bytes || l->to_guest_frames || l->from_guest_bytes || l->from_guest_frames)
		return failure_set(failure, -EINVAL, "vhost_net = on: expected off with "
				   "net_to_guest_* and net_from_guest_*: the kernel's queues keep "
				   "no rate");
	return 0;
}

/* One for each tap of an interface. */
static int interface_open(struct net_interface *interface, struct failure *failure)
{
	while (interface->n_vhosts < interface->n_taps) {
		int fd = open(DEVICE, O_RDWR | O_CLOEXEC);
		bool missing = fd < 0 && (errno == ENOENT || errno == ENODEV);

		if (fd < 0)
			return failure_set(failure, -errno, "vhost_net = on: " DEVICE ": %s%s",
					   strerror(errno), missing ? " (modprobe vhost_net)" : "");
		interface->vhosts[interface->n_vhosts++] = fd;
	}
	return 0;
}

int net_vhost_open(struct net *net, struct failure *failure)
{
	int err = 0;

	for (unsigned int i = 0; i < net->n && !err; i++)
		err = interface_open(&net->interface[i], failure);
	return err;
}
