/* SPDX-License-Identifier: Apache-2.0 */
/*
 * virtio-net: the device. See virtio_net.h and virtio_net_core.h.
 *
 * Guarded by the device's lock; what comes from a vCPU is activate and reset.
 */
#include "virtio_net.h"

#include <errno.h>
#include <linux/if.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/virtio_ids.h>
#include <pthread.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "mmio.h"
#include "thread.h"
#include "virtio_net_core.h"

#define BIT(f) (UINT64_C(1) << (f))

static struct net nets[NET_MAX];
static unsigned int n_nets;
static void (*thread_ready)(int err);

/* ---- link and timer ---- */

static void set_link(struct net *net, bool up)
{
	__virtio16 status = up ? VIRTIO_NET_S_LINK_UP : 0;

	if (net->config.status == status)
		return;
	net->config.status = status;
	dev_config_changed(net->dev);
}

void net_port_lost(struct net_port *p)
{
	p->lost = true;
	loop_arm(&p->src, 0);
	set_link(p->net, false);
}

static void on_timer(void *ctx, uint32_t events)
{
	struct net *net = ctx;

	(void)events;
	pthread_mutex_lock(&net->dev->lock);
	net->timer_at_ns = 0;
	net->to_guest.waits = false;
	net_rx_expire(net);
	if (net->from_guest.waits) {
		net->from_guest.waits = false;
		for (unsigned int i = 0; i < net->n_active; i++)
			net_transmit(net, i);
	}
	pthread_mutex_unlock(&net->dev->lock);
}

void net_wake_in(struct net *net, int64_t ms)
{
	uint64_t at = net_now_ns() + (uint64_t)ms * 1000000;

	if (net->timer_at_ns && net->timer_at_ns <= at)
		return;
	net->timer_at_ns = at;
	loop_set_timer(ms, on_timer, net);
}

/* ---- ports ---- */

static void on_port(void *ctx, uint32_t events)
{
	struct net_port *p = ctx;
	struct net *net = p->net;

	pthread_mutex_lock(&net->dev->lock);
	if (events & EPOLLOUT && p->ops->flush(p) == 0) {
		unsigned int index = (unsigned int)(p - net->port);

		p->blocked = false;
		loop_arm(&p->src, p->starved ? 0u : EPOLLIN);
		for (unsigned int i = index; i < net->n_active; i += net->n_ports)
			net_transmit(net, i);
	}
	if (events & EPOLLIN && !p->lost)
		net_receive(p);
	else if (events & (EPOLLERR | EPOLLHUP) && !p->lost)
		net_port_lost(p);
	pthread_mutex_unlock(&net->dev->lock);
}

/* ---- the interface on the host ---- */

/* One message of the kernel about a link. */
static void on_link_message(struct net *net, uint16_t type, const struct ifinfomsg *info)
{
	if ((uint32_t)info->ifi_index != net->watch_index)
		return;
	if (type == RTM_DELLINK)
		set_link(net, false);
	else if (type == RTM_NEWLINK)
		set_link(net, (info->ifi_flags & (IFF_UP | IFF_RUNNING)) == (IFF_UP | IFF_RUNNING));
}

static void on_watch(void *ctx, uint32_t events)
{
	static _Thread_local uint8_t buf[16384];
	struct net *net = ctx;
	ssize_t n = read(net->watch.fd, buf, sizeof(buf));
	struct nlmsghdr head;
	struct ifinfomsg info;

	(void)events;
	pthread_mutex_lock(&net->dev->lock);
	/* ENOBUFS: something was missed; the next message tells how things are. */
	if (n < 0 && errno != EAGAIN && errno != EINTR && errno != ENOBUFS)
		loop_arm(&net->watch, 0);
	for (size_t at = 0; n > 0 && range_fits(at, sizeof(head), (size_t)n);) {
		memcpy(&head, buf + at, sizeof(head));
		if (head.nlmsg_len < sizeof(head) ||
		    !range_fits(at, head.nlmsg_len, (size_t)n))
			break;
		if (head.nlmsg_len >= sizeof(head) + sizeof(info)) {
			memcpy(&info, buf + at + sizeof(head), sizeof(info));
			on_link_message(net, head.nlmsg_type, &info);
		}
		at += NLMSG_ALIGN(head.nlmsg_len);
	}
	pthread_mutex_unlock(&net->dev->lock);
}

/* ---- the control queue (§5.1.6.5) ---- */

unsigned int net_control_queue(const struct net *net)
{
	/* §5.1.2: behind the pairs that the device has, or behind the only one. */
	return net_has(net, VIRTIO_NET_F_MQ) ? net->ops.n_queues - 1 : 2;
}

static void use_pairs(struct net *net, unsigned int n)
{
	if (net->vhost.on) {
		net->n_active = n;
		net_vhost_follow(net);
		return;
	}
	for (unsigned int i = 0; i < net->n_ports; i++)
		net_rx_give_up(&net->rx[i]);
	net->n_active = n;
	for (unsigned int i = 0; i < n; i++)
		net_rx_refilled(net, i);
}

/* The command's answer. */
static uint8_t obey(struct net *net, const struct chain *c, const struct virtio_net_ctrl_hdr *h)
{
	struct le16 pairs;
	uint16_t n;

	if (h->class != VIRTIO_NET_CTRL_MQ || h->cmd != VIRTIO_NET_CTRL_MQ_VQ_PAIRS_SET ||
	    !net_has(net, VIRTIO_NET_F_MQ) || c->read_len != sizeof(*h) + sizeof(pairs) ||
	    chain_read(c, net->dev->mem, sizeof(*h), &pairs, sizeof(pairs)))
		return VIRTIO_NET_ERR;
	n = le16_get(pairs);
	if (n < VIRTIO_NET_CTRL_MQ_VQ_PAIRS_MIN || n > net->n_ports)
		return VIRTIO_NET_ERR;
	use_pairs(net, n);
	return VIRTIO_NET_OK;
}

static int serve_control(struct virtio_dev *dev, struct virtq *q, const struct chain *c)
{
	struct virtio_net_ctrl_hdr h;
	uint8_t ack;

	if (c->write_len < sizeof(ack) || chain_read(c, dev->mem, 0, &h, sizeof(h)))
		return -EPROTO;
	ack = obey(dev->ctx, c, &h);
	if (chain_write(c, dev->mem, 0, &ack, sizeof(ack)))
		return -EPROTO;
	return virtq_push(q, c->head, sizeof(ack));
}

/* ---- the device ---- */

void net_tell_features(struct net *net)
{
	if (!net->features_due)
		return;
	net->features_due = false;
	/* For a tap this is the device's, not the queue's. */
	if (net->port[0].ops->set_features)
		net->port[0].ops->set_features(&net->port[0], net->dev->driver_features);
}

static void notify(struct virtio_dev *dev, uint32_t q)
{
	struct net *net = dev->ctx;

	net_tell_features(net);
	if (q == net_control_queue(net)) {
		if (net_has(net, VIRTIO_NET_F_CTRL_VQ))
			dev_serve_queue(dev, q, serve_control);
		if (net->vhost.on)
			net_vhost_follow(net); /* it may need a reset now */
	} else if (!net->vhost.on && q / 2 < net->n_active) {
		if (q % 2)
			net_transmit(net, q / 2);
		else
			net_rx_refilled(net, q / 2);
	}
}

static void reset(struct virtio_dev *dev)
{
	struct net *net = dev->ctx;

	for (unsigned int i = 0; i < net->n_ports; i++)
		net_rx_reset(&net->rx[i]);
	net->n_active = 1;
	net->features_due = true;
	if (net->vhost.on)
		net_vhost_wait(net);
}

static void activate(struct virtio_dev *dev)
{
	struct net *net = dev->ctx;

	if (net->vhost.on)
		net_vhost_wake(net);
}

/* A template has the queue pairs that its driver asked for at the probe. */
static uint32_t own_state(const struct virtio_dev *dev)
{
	const struct net *net = dev->ctx;

	return net->n_active;
}

static int set_own_state(struct virtio_dev *dev, uint32_t n_active)
{
	struct net *net = dev->ctx;

	if (n_active < 1 || n_active > net->n_ports)
		return -EINVAL;
	net->n_active = n_active;
	return 0;
}

static void init_ports(struct net *net, const struct net_options *o)
{
	net->n_ports = o->n_taps ? o->n_taps : 1;
	for (unsigned int i = 0; i < net->n_ports; i++) {
		net->port[i].net = net;
		net->port[i].ops = o->n_taps ? &net_tap_ops : &net_stream_ops;
		net->port[i].src.fd = o->n_taps ? o->tap[i] : o->stream;
		net->port[i].starved = true;
	}
}

static void init_ops(struct net *net)
{
	bool many = net->n_ports > 1;

	net->ops = (struct virtio_dev_ops){
		.name = "virtio-net",
		.device_id = VIRTIO_ID_NET,
		.features = net->port[0].ops->features | BIT(VIRTIO_NET_F_MAC) |
			    BIT(VIRTIO_NET_F_STATUS) | BIT(VIRTIO_NET_F_MTU) |
			    BIT(VIRTIO_NET_F_MRG_RXBUF),
		.n_queues = 2 * net->n_ports + many,
		.queue_size_max = NET_QUEUE_SIZE,
		.config = &net->config,
		.config_len = sizeof(net->config),
		.own_threads = true,
		.in_kernel = net->vhost.on,
		.activate = activate,
		.reset = reset,
		.own_state = own_state,
		.set_own_state = set_own_state,
		.notify = notify,
	};
	if (many)
		net->ops.features |= BIT(VIRTIO_NET_F_CTRL_VQ) | BIT(VIRTIO_NET_F_MQ);
}

int virtio_net_init(struct virtio_dev *dev, const struct net_options *o)
{
	struct net *net = &nets[n_nets];
	int r;

	if (n_nets == NET_MAX || o->n_taps > NET_PAIRS_MAX)
		return -EINVAL;
	net->index = n_nets++;
	net->dev = dev;
	net->n_active = 1;
	net->features_due = true;
	net->watch_fd = o->watch;
	net->watch_index = o->watch_index;
	init_ports(net, o);
	r = net_vhost_init(net, o);
	if (r)
		return r;
	init_ops(net);
	memcpy(net->config.mac, o->mac, sizeof(net->config.mac));
	net->config.status = VIRTIO_NET_S_LINK_UP;
	net->config.mtu = o->mtu;
	net->config.max_virtqueue_pairs = (__virtio16)net->n_ports;
	net_limit_init(&net->to_guest, &o->to_guest);
	net_limit_init(&net->from_guest, &o->from_guest);
	*dev = (struct virtio_dev){ .ops = &net->ops, .ctx = net };
	return 0;
}

/* Queues and ports, but for those that the kernel serves. 0 or -errno. */
static int listen_queues(struct net *net)
{
	int r = mmio_listen(net->dev, 0, net->ops.n_queues);

	for (unsigned int k = 0; k < net->n_ports && !r; k++) {
		struct net_port *p = &net->port[k];

		r = loop_add(&p->src, p->src.fd, 0, on_port, p);
	}
	return r;
}

int virtio_net_listen(unsigned int i)
{
	struct net *net = &nets[i];
	int r = net->vhost.on ? net_vhost_listen(net) : listen_queues(net);

	if (!r && net->watch_fd >= 0)
		r = loop_add(&net->watch, net->watch_fd, EPOLLIN, on_watch, net);
	return r;
}

static void *serve_device(void *arg)
{
	const struct net *net = arg;
	int r = loop_init();

	thread_ready(r ? r : virtio_net_listen(net->index));
	loop_run();
	return NULL;
}

int virtio_net_start_threads(void (*ready)(int err))
{
	int r = 0;

	thread_ready = ready;
	for (unsigned int i = 0; i < n_nets && !r; i++)
		r = thread_start(serve_device, &nets[i]);
	return r;
}
