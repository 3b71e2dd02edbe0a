/* SPDX-License-Identifier: Apache-2.0 */
/*
 * virtio-net, inside. virtio_net.c is the device: queues, configuration, the control queue.
 * virtio_net_rx.c and virtio_net_tx.c move frames between a queue and a port, virtio_net_tap.c and
 * virtio_net_stream.c are the two kinds of port.
 *
 * Everything here is guarded by the device's lock and runs on its thread, but for reset, which comes
 * from a vCPU with the lock held.
 */
#ifndef NACRE_VMM_VIRTIO_NET_CORE_H
#define NACRE_VMM_VIRTIO_NET_CORE_H

#include <assert.h>
#include <linux/virtio_net.h>
#include <sys/types.h>

#include "bytes.h"
#include "virtio_net.h"

/* §5.1.6: with VIRTIO_F_VERSION_1 the header always has num_buffers. */
typedef struct virtio_net_hdr_v1 net_header;
#define NET_HDR sizeof(net_header)
static_assert(NET_HDR == 12, "virtio 1.2 §5.1.6");
static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "headers and configuration are read as they lie");

#define NET_ETH_HDR 14u
/* The longest frame with its header: 64 KiB that are segmented later, Ethernet, a VLAN tag. */
#define NET_FRAME_MAX (65536u + 64u)
/* Descriptors of each queue. */
#define NET_QUEUE_SIZE 256u
/* Frames of one event, so that nothing else on the thread has to wait long. */
#define NET_BATCH 64u

struct net;

struct net_port {
	const struct net_port_ops *ops;
	struct net *net;
	struct loop_source src;
	bool blocked; /* the last frame of the guest did not fit: waits for EPOLLOUT */
	bool starved; /* there is no room in the guest: does not wait for EPOLLIN */
	bool lost;    /* the other end is gone for good */
};

struct net_port_ops {
	uint64_t features; /* VIRTIO_NET_F_* that this kind of port can serve */
	bool reads_ahead;  /* receive() may have frames when there is no EPOLLIN */
	/*
	 * The next frame. Either it is read into iov, header first, or *data points to it, without a
	 * header, until the next call. Its length, header counted; 0 when there is none; -errno when
	 * the port is of no use any more.
	 */
	ssize_t (*receive)(struct net_port *p, const struct iovec *iov, int n,
			   const uint8_t **data);
	/*
	 * A frame of the guest, its header (checked, ours) in iov[0]. 0: sent, or lost as frames may
	 * be; -EAGAIN: there is no room now.
	 */
	int (*send)(struct net_port *p, const struct iovec *iov, int n);
	/* The port has room again. 0, or -EAGAIN when what it kept still does not fit. */
	int (*flush)(struct net_port *p);
	/* The driver accepted these features. May be NULL. */
	void (*set_features)(struct net_port *p, uint64_t features);
};

extern const struct net_port_ops net_tap_ops, net_stream_ops;

/* Tokens of one kind, for one direction; may be overdrawn by one frame. */
struct net_bucket {
	uint64_t rate; /* per second; 0: no limit */
	int64_t tokens;
	uint64_t stamp_ns;
};

struct net_limit {
	struct net_bucket bytes, frames;
	bool waits; /* something stopped for it: the timer goes on with it */
};

void net_limit_init(struct net_limit *l, const struct net_rate *rate);
/* 0 when a frame may pass, else milliseconds until one may. */
int64_t net_limit_wait(struct net_limit *l);
void net_limit_charge(struct net_limit *l, size_t bytes);

#define NET_WINDOW_PIECES 512u

/*
 * Receive buffers that were popped and not returned yet, in order: the next frame is read straight
 * into them.
 */
struct net_window {
	uint32_t n_chains, n_pieces;
	uint64_t bytes;
	bool full; /* the driver's next chain has more pieces than there is room for */
	struct {
		uint16_t head, n_pieces;
		uint32_t bytes;
	} chain[NET_QUEUE_SIZE];
	struct chain_piece piece[NET_WINDOW_PIECES];
};

/* A receive queue. */
struct net_rx {
	struct net_window window;
	/*
	 * A frame that is longer than the window: of frame_len bytes, header counted, those from
	 * tail_at on are at tail. It waits for more buffers, but not for ever.
	 */
	uint64_t frame_len, tail_at;
	const uint8_t *tail;
	uint64_t held_since_ns;
	uint8_t bounce[NET_FRAME_MAX];
};

/* Queues that the host's kernel serves: virtio_net_vhost.c. */
struct net_vhost {
	bool on;
	int fd[NET_PAIRS_MAX];
	bool served[NET_PAIRS_MAX];   /* the kernel has the pair's rings */
	bool detached[NET_PAIRS_MAX]; /* the tap's queue gets no frames */
	bool runs;
	uint32_t generation; /* of the device, for which it runs */
	uint32_t n_stops;    /* a futex: counts */
	struct loop_source wake;
	int wake_fd;
};

struct net {
	unsigned int index;
	struct virtio_dev *dev;
	struct virtio_dev_ops ops;
	struct virtio_net_config config;
	unsigned int n_ports, n_active; /* n_active: queue pairs that the driver uses */
	struct net_port port[NET_PAIRS_MAX];
	struct net_rx rx[NET_PAIRS_MAX];
	struct net_limit to_guest, from_guest;
	uint64_t timer_at_ns; /* when the thread's timer is due; 0: it is not set */
	bool features_due; /* the ports have not heard of the driver's features yet */
	struct net_vhost vhost;
	struct loop_source watch;
	int watch_fd;
	uint32_t watch_index;
};

static inline bool net_has(const struct net *net, unsigned int feature)
{
	return net->dev->driver_features >> feature & 1;
}

uint64_t net_now_ns(void);

/* The thread's timer is due in so many milliseconds, or earlier. */
void net_wake_in(struct net *net, int64_t ms);

/* The other end of a port is gone: the guest sees the link go down. */
void net_port_lost(struct net_port *p);

/* Takes frames from a port to its queue, as long as there are frames, buffers and tokens. */
void net_receive(struct net_port *p);
/* The driver added buffers to receive queue i. */
void net_rx_refilled(struct net *net, unsigned int i);
/* Gives up on frames that have waited too long. */
void net_rx_expire(struct net *net);
/* Drops the frame that waits for buffers. */
void net_rx_give_up(struct net_rx *rx);
/* Forgets buffers and frames: the queues are reset. */
void net_rx_reset(struct net_rx *rx);

/* Serves transmit queue i. */
void net_transmit(struct net *net, unsigned int i);

/* The number of the control queue, by what the driver accepted. */
unsigned int net_control_queue(const struct net *net);
/* Tells the ports what the driver accepted, if they do not know yet. */
void net_tell_features(struct net *net);

/* Device with vhost-net, when it is made. 0 or -errno. */
int net_vhost_init(struct net *net, const struct net_options *o);
/*
 * Hands vhost-net its memory and eventfds, and takes what is left to the calling thread's loop. The
 * device's thread, before its filter. 0 or -errno.
 */
int net_vhost_listen(struct net *net);
/* Has the kernel serve the queues that are in use, and no other. */
void net_vhost_follow(struct net *net);
/* The driver is ready: has the device's thread follow. vCPU thread. */
void net_vhost_wake(struct net *net);
/* The driver reset the device: returns when the kernel has let go of its rings. vCPU thread. */
void net_vhost_wait(struct net *net);

#endif
