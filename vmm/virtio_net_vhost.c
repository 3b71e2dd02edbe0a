/* SPDX-License-Identifier: Apache-2.0 */
/*
 * virtio-net: queues that the host's kernel serves (vhost-net, Linux drivers/vhost/net.c), where
 * nacre.conf asks for it. A worker of the kernel's reads the rings in guest memory and moves frames to and
 * from the tap; notifications and interrupts pass between it and KVM. Configuration, control queue and link
 * stay here.
 *
 * What the kernel is told was checked: memory is the guest's and nothing else's, rings lie in it. What
 * it then finds in the rings it checks itself: that is the surface that this adds.
 *
 * Threads: calls of vhost are made by the device's thread alone, with the lock held, as a vCPU's filter has
 * none. A vCPU that makes the device ready wakes that thread. One that resets it waits until the kernel has
 * let go of the rings, since the driver may use their memory for something else at once; it has left the
 * lock meanwhile, and what another vCPU does then belongs to a later generation of the device.
 */
#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <linux/vhost.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ring.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "mmio.h"
#include "vhost_call.h"
#include "virtio_net_core.h"

#define BIT(f) (UINT64_C(1) << (f))

/* Of a pair; as many queues as a vhost has (VHOST_NET_VQ_RX, VHOST_NET_VQ_TX). */
#define QUEUES 2u

/* Features of the rings, which the kernel has to know; others are the tap's. */
#define RING_FEATURES                                                                              \
	(BIT(VIRTIO_F_VERSION_1) | BIT(VIRTIO_RING_F_EVENT_IDX) | BIT(VIRTIO_NET_F_MRG_RXBUF))

/* ---- before the filter ---- */

int net_vhost_init(struct net *net, const struct net_options *o)
{
	struct net_vhost *v = &net->vhost;

	v->on = o->n_vhosts > 0;
	if (!v->on)
		return 0;
	if (o->n_vhosts != net->n_ports)
		return -EINVAL;
	for (unsigned int i = 0; i < o->n_vhosts; i++)
		v->fd[i] = o->vhost[i];
	v->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return v->wake_fd < 0 ? -errno : 0;
}

/* Guest memory is all that the kernel may reach by an address in a descriptor. */
static int tell_memory(int fd, const struct gmem *mem)
{
	union {
		struct vhost_memory table;
		unsigned char room[sizeof(struct vhost_memory) +
				   GMEM_REGIONS_MAX * sizeof(struct vhost_memory_region)];
	} memory = { .table = { .nregions = mem->n_regions } };

	for (unsigned int i = 0; i < mem->n_regions; i++)
		memory.table.regions[i] = (struct vhost_memory_region){
			.guest_phys_addr = mem->region[i].base,
			.memory_size = mem->region[i].size,
			.userspace_addr = (uintptr_t)mem->region[i].hva,
		};
	return vhost_call(fd, VHOST_SET_MEM_TABLE, &memory.table);
}

static int tell_eventfds(const struct virtio_dev *dev, int fd, unsigned int pair)
{
	int r = 0;

	for (unsigned int i = 0; i < QUEUES && !r; i++) {
		struct vhost_vring_file kick = { .index = i, .fd = dev->kick[QUEUES * pair + i].fd };
		struct vhost_vring_file call = { .index = i, .fd = dev->irq_fd };

		r = vhost_call(fd, VHOST_SET_VRING_KICK, &kick);
		if (!r)
			r = vhost_call(fd, VHOST_SET_VRING_CALL, &call);
	}
	return r;
}

static int prepare(const struct net *net, unsigned int pair)
{
	uint64_t features = 0;
	int fd = net->vhost.fd[pair];
	int r = vhost_call(fd, VHOST_SET_OWNER, NULL);

	if (!r)
		r = vhost_call(fd, VHOST_GET_FEATURES, &features);
	if (!r && RING_FEATURES & ~features)
		r = -EOPNOTSUPP;
	if (!r)
		r = tell_memory(fd, net->dev->mem);
	return r ? r : tell_eventfds(net->dev, fd, pair);
}

static void on_wake(void *ctx, uint32_t events)
{
	struct net *net = ctx;
	uint64_t count;

	(void)events;
	if (read(net->vhost.wake_fd, &count, sizeof(count)) < 0)
		return;
	pthread_mutex_lock(&net->dev->lock);
	net_vhost_follow(net);
	pthread_mutex_unlock(&net->dev->lock);
}

int net_vhost_listen(struct net *net)
{
	struct net_vhost *v = &net->vhost;
	int r = loop_add(&v->wake, v->wake_fd, EPOLLIN, on_wake, net);

	for (unsigned int i = 0; i < net->n_ports && !r; i++)
		r = prepare(net, i);
	/* The two places where a control queue can be; net_vhost_follow() listens to one of them. */
	if (!r && net->n_ports > 1)
		r = mmio_listen(net->dev, QUEUES, 1);
	if (!r && net->n_ports > 1)
		r = mmio_listen(net->dev, net->ops.n_queues - 1, 1);
	return r;
}

/* ---- rings ---- */

static int start_ring(const struct net *net, unsigned int pair, unsigned int index)
{
	const struct virtq *q = &net->dev->queue[QUEUES * pair + index];
	struct vhost_vring_state num = { .index = index, .num = q->size };
	struct vhost_vring_state base = { .index = index };
	struct vhost_vring_addr addr = { .index = index };
	struct vhost_vring_file tap = { .index = index, .fd = net->port[pair].src.fd };
	struct virtq_rings rings;
	int fd = net->vhost.fd[pair];
	int r = virtq_find(q, net->dev->mem, &rings);

	if (r)
		return r;
	addr.desc_user_addr = (uintptr_t)rings.desc;
	addr.avail_user_addr = (uintptr_t)rings.avail;
	addr.used_user_addr = (uintptr_t)rings.used;
	r = vhost_call(fd, VHOST_SET_VRING_NUM, &num);
	if (!r)
		r = vhost_call(fd, VHOST_SET_VRING_BASE, &base);
	if (!r)
		r = vhost_call(fd, VHOST_SET_VRING_ADDR, &addr);
	return r ? r : vhost_call(fd, VHOST_NET_SET_BACKEND, &tap);
}

/* Returns when the kernel does nothing more with the pair's rings. */
static void stop_pair(struct net *net, unsigned int pair)
{
	for (unsigned int i = 0; i < QUEUES; i++) {
		struct vhost_vring_file none = { .index = i, .fd = -1 };

		/* It cannot fail for a vhost that is ours. */
		(void)vhost_call(net->vhost.fd[pair], VHOST_NET_SET_BACKEND, &none);
	}
	net->vhost.served[pair] = false;
}

/* Has the kernel look at both rings: for what the driver notified of while it did not. */
static int kick_pair(const struct net *net, unsigned int pair)
{
	uint64_t one = 1;

	for (unsigned int i = 0; i < QUEUES; i++) {
		if (write(net->dev->kick[QUEUES * pair + i].fd, &one, sizeof(one)) < 0)
			return -errno;
	}
	return 0;
}

static int start_pair(struct net *net, unsigned int pair)
{
	const struct virtio_dev *dev = net->dev;
	uint64_t features = dev->driver_features & RING_FEATURES;
	int r = vhost_call(net->vhost.fd[pair], VHOST_SET_FEATURES, &features);

	net->vhost.served[pair] = true;
	for (unsigned int i = 0; i < QUEUES && !r; i++)
		r = start_ring(net, pair, i);
	return r ? r : kick_pair(net, pair);
}

/*
 * A queue of the tap that nobody reads gets no frames: the kernel spreads them over the others. vhost
 * gave up on it when it looked meanwhile.
 */
static void attach(struct net *net, unsigned int pair, bool on)
{
	struct ifreq ifr = { .ifr_flags = on ? IFF_ATTACH_QUEUE : IFF_DETACH_QUEUE };

	if (net->n_ports == 1 || net->vhost.detached[pair] == !on)
		return;
	/* Of a tap that is gone it makes no difference: the link is down. */
	if (vhost_call(net->port[pair].src.fd, TUNSETQUEUE, &ifr) != 0)
		return;
	net->vhost.detached[pair] = !on;
	if (on && net->vhost.served[pair])
		(void)kick_pair(net, pair);
}

/* ---- following the driver ---- */

static void stop(struct net *net)
{
	struct net_vhost *v = &net->vhost;

	for (unsigned int i = 0; i < net->n_ports; i++) {
		if (v->served[i])
			stop_pair(net, i);
	}
	v->runs = false;
	__atomic_fetch_add(&v->n_stops, 1, __ATOMIC_SEQ_CST);
	syscall(SYS_futex, &v->n_stops, FUTEX_WAKE_PRIVATE, INT_MAX);
}

/* True for a pair that the driver uses and has made both rings of. */
static bool is_used(const struct net *net, unsigned int pair)
{
	const struct virtq *q = &net->dev->queue[(size_t)QUEUES * pair];

	return pair < net->n_active && q[0].ready && q[1].ready;
}

/*
 * A pair that the driver leaves stays the kernel's until the reset, without frames: a driver that takes it
 * up again goes on in the rings where it was.
 */
static int run(struct net *net)
{
	struct net_vhost *v = &net->vhost;
	int r = 0;

	v->runs = true;
	v->generation = net->dev->generation;
	for (unsigned int i = 0; i < net->n_ports && !r; i++) {
		attach(net, i, is_used(net, i));
		if (!v->served[i] && is_used(net, i))
			r = start_pair(net, i);
	}
	return r;
}

/* Whether what runs belongs to a life of the device that is over. */
static bool is_over(const struct net *net)
{
	return net->vhost.runs && net->vhost.generation != net->dev->generation;
}

void net_vhost_follow(struct net *net)
{
	struct net_vhost *v = &net->vhost;

	if (is_over(net) || (v->runs && !dev_is_live(net->dev)))
		stop(net);
	if (!dev_is_live(net->dev))
		return;
	net_tell_features(net);
	if (net->n_ports > 1) /* without MQ the control queue is where the second pair begins */
		loop_arm(&net->dev->kick[QUEUES].src,
			 net_control_queue(net) == QUEUES ? EPOLLIN | EPOLLET : 0u);
	if (run(net)) {
		stop(net);
		dev_needs_reset(net->dev, UINT32_MAX, "vhost-net refuses a ring");
	}
}

void net_vhost_wake(struct net *net)
{
	uint64_t one = 1;

	if (write(net->vhost.wake_fd, &one, sizeof(one)) < 0)
		return; /* EAGAIN: it is awake */
}

void net_vhost_wait(struct net *net)
{
	struct net_vhost *v = &net->vhost;

	net_vhost_wake(net);
	while (is_over(net)) {
		uint32_t seen = __atomic_load_n(&v->n_stops, __ATOMIC_SEQ_CST);

		pthread_mutex_unlock(&net->dev->lock);
		syscall(SYS_futex, &v->n_stops, FUTEX_WAIT_PRIVATE, seen, NULL);
		pthread_mutex_lock(&net->dev->lock);
	}
}
