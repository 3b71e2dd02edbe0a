/* SPDX-License-Identifier: Apache-2.0 */
/*
 * virtio-net: a port that is a stream socket with passt. Each frame has its length before it, four
 * bytes in network order, and no virtio header; nothing is offloaded.
 *
 * The peer is a process of the caller's that parses what the guest sends: its lengths are checked like
 * a guest's. Frames are read many at a time into memory of ours, because their ends are not known
 * before, and copied to the guest from there.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "virtio_net_core.h"

#define LEN_BYTES 4u
#define IN_MAX	  (2u * (NET_FRAME_MAX + LEN_BYTES))

/* What was read and not passed on, and what of a frame was not written yet. */
static struct stream {
	uint8_t in[IN_MAX];
	size_t in_at, in_len;
	uint8_t out[NET_FRAME_MAX + LEN_BYTES];
	size_t out_at, out_len;
} streams[NET_MAX];

static struct stream *stream_of(const struct net_port *p)
{
	return &streams[p->net->index];
}

static uint32_t length_at(const uint8_t *b)
{
	return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

/* A whole frame that was read already: its length, or 0. -EPROTO: no length of a frame. */
static ssize_t next_frame(struct stream *s, const uint8_t **data)
{
	size_t have = s->in_len - s->in_at;
	uint32_t len;

	if (have < LEN_BYTES)
		return 0;
	len = length_at(s->in + s->in_at);
	if (len < NET_ETH_HDR || len > NET_FRAME_MAX - NET_HDR)
		return -EPROTO;
	if (have - LEN_BYTES < len)
		return 0;
	*data = s->in + s->in_at + LEN_BYTES;
	s->in_at += LEN_BYTES + len;
	return (ssize_t)(NET_HDR + len);
}

static ssize_t stream_receive(struct net_port *p, const struct iovec *iov, int n,
			      const uint8_t **data)
{
	struct stream *s = stream_of(p);
	ssize_t r = next_frame(s, data);

	(void)iov;
	(void)n;
	if (r)
		return r;
	/* The start of a frame moves to the front: there is room for a whole one behind it. */
	memmove(s->in, s->in + s->in_at, s->in_len - s->in_at);
	s->in_len -= s->in_at;
	s->in_at = 0;
	r = read(p->src.fd, s->in + s->in_len, sizeof(s->in) - s->in_len);
	if (r < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	if (r == 0)
		return -EPIPE;
	s->in_len += (size_t)r;
	return next_frame(s, data);
}

/* Keeps the part of a frame that was not written: [done, all) of length and frame. */
static void keep_rest(struct stream *s, const struct iovec *iov, int n, size_t done)
{
	s->out_at = s->out_len = 0;
	for (int i = 0; i < n; i++) {
		size_t skip = done < iov[i].iov_len ? done : iov[i].iov_len;

		done -= skip;
		memcpy(s->out + s->out_len, (const uint8_t *)iov[i].iov_base + skip,
		       iov[i].iov_len - skip);
		s->out_len += iov[i].iov_len - skip;
	}
}

static int stream_send(struct net_port *p, const struct iovec *iov, int n)
{
	struct stream *s = stream_of(p);
	struct iovec v[NET_QUEUE_SIZE + 1];
	uint8_t head[LEN_BYTES];
	size_t len = 0;
	ssize_t sent;

	for (int i = 1; i < n; i++) {
		v[i] = iov[i];
		len += iov[i].iov_len;
	}
	for (unsigned int i = 0; i < LEN_BYTES; i++)
		head[i] = (uint8_t)(len >> (24 - 8 * i));
	v[0] = (struct iovec){ head, sizeof(head) };
	sent = writev(p->src.fd, v, n);
	if (sent < 0)
		return errno == EAGAIN || errno == EINTR ? -EAGAIN : 0;
	if ((size_t)sent == len + LEN_BYTES)
		return 0;
	/* The frame is sent as far as its queue goes; nothing else is, before the rest of it is. */
	keep_rest(s, v, n, (size_t)sent);
	p->blocked = true;
	return 0;
}

static int stream_flush(struct net_port *p)
{
	struct stream *s = stream_of(p);
	ssize_t sent;

	if (s->out_at == s->out_len)
		return 0;
	sent = write(p->src.fd, s->out + s->out_at, s->out_len - s->out_at);
	if (sent > 0)
		s->out_at += (size_t)sent;
	return s->out_at == s->out_len ? 0 : -EAGAIN;
}

const struct net_port_ops net_stream_ops = {
	.reads_ahead = true,
	.receive = stream_receive,
	.send = stream_send,
	.flush = stream_flush,
};
