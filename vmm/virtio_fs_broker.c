/* SPDX-License-Identifier: Apache-2.0 */
/*
 * virtio-fs: what comes from nacre-fsd. See virtio_fs_core.h and include/broker.h.
 *
 * nacre-fsd works inside a container's file tree and could be taken over by what it finds there, so
 * its replies are checked as a guest's requests are: length, tag, unique, and that a descriptor
 * comes exactly where one belongs. A reply to nothing ends the connection; one whose contents are
 * wrong is -EIO for the guest.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "log.h"
#include "virtio_fs_core.h"

/* Replies taken in one go, before other sources get their turn. */
#define REPLIES_PER_EVENT 64u

/* One reply as received. Device thread. */
static struct {
	struct broker_header broker;
	struct fuse_out_header hdr;
	_Alignas(8) uint8_t body[BROKER_MSG_MAX - sizeof(struct fuse_out_header)];
} reply;
static_assert(sizeof(reply) == sizeof(struct broker_header) + BROKER_MSG_MAX, "no holes");

struct fs_broker *fs_broker_of_node(uint64_t node_id)
{
	uint64_t n = node_id >> BROKER_NODE_SHIFT;
	struct fs_broker *b = n ? fs_broker_from((uint32_t)(n - 1)) : NULL;

	return b && b->container == n - 1 ? b : NULL;
}

struct fs_broker *fs_broker_from(uint32_t n)
{
	struct fs_broker *best = NULL;

	for (uint32_t i = 0; i < fs.n_brokers; i++) {
		struct fs_broker *b = &fs.broker[i];

		if (b->used && !b->dead && b->container >= n &&
		    (!best || b->container < best->container))
			best = b;
	}
	return best;
}

static bool donates(uint32_t opcode)
{
	return opcode == FUSE_OPEN || opcode == FUSE_CREATE || opcode == FUSE_TMPFILE;
}

/*
 * The descriptor did not arrive, because this process has no room for it: nacre-fsd must close its
 * own, and then the guest hears -ENFILE. (The lookup that a CREATE counted stays until the session
 * ends.)
 */
static void give_handle_back(struct fs_request *r, uint64_t node_id, uint64_t fh)
{
	struct {
		struct broker_header broker;
		struct fuse_in_header hdr;
		struct fuse_release_in in;
	} msg = {.hdr = {.len = sizeof(msg.hdr) + sizeof(msg.in),
			 .opcode = FUSE_RELEASE,
			 .unique = r->unique,
			 .nodeid = node_id},
		 .in = {.fh = fh}};

	r->error = -ENFILE;
	r->opcode = FUSE_RELEASE;
	r->msg_len = sizeof(msg);
	memcpy(r->msg, &msg, sizeof(msg));
	fs_broker_queue(r->broker, r);
}

/*
 * Takes the node and the answer to the open out of a reply, which has a struct fuse_entry_out before it but
 * for OPEN, and leaves what the guest is to see. False: the reply is too short or too long.
 */
static bool take_open(const struct fs_request *r, size_t body_len, uint64_t *node_id,
		      struct fuse_open_out *out)
{
	const size_t at = r->opcode == FUSE_OPEN ? 0 : sizeof(struct fuse_entry_out);
	struct fuse_open_out shown;

	if (body_len != at + sizeof(*out))
		return false;
	*node_id = r->node_id;
	if (at)
		memcpy(node_id, reply.body, sizeof(*node_id));
	memcpy(out, reply.body + at, sizeof(*out));
	shown = *out;
	shown.padding = 0;
	memcpy(reply.body + at, &shown, sizeof(shown));
	return true;
}

/*
 * A successful OPEN, CREATE or TMPFILE: keeps the descriptor. Takes fd. True: r is answered later.
 */
static bool take_donation(struct fs_request *r, size_t body_len, int fd, bool lost, int *error)
{
	struct fuse_open_out out;
	struct fs_file *file;
	uint64_t node_id;

	/* A descriptor, and more that were dropped: there is exactly one. */
	if (!take_open(r, body_len, &node_id, &out) || (fd >= 0 && lost)) {
		if (fd >= 0)
			close(fd);
		*error = -EIO;
		return false;
	}
	if ((r->open_flags & O_ACCMODE) != O_RDONLY)
		fs_kept_drop(node_id);
	if (fd >= 0)
		*error = fs_file_enter(r, node_id, &out, fd, &file);
	else
		*error = lost ? -ENFILE : -EIO;
	if (*error != -ENFILE)
		return false;
	give_handle_back(r, node_id, out.fh);
	return true;
}

/* A LOOKUP whose file is open already. Takes fd. 0 or -errno for the guest. */
static int take_ahead(struct fs_request *r, size_t body_len, int fd, bool lost)
{
	struct fuse_open_out out;
	struct fs_file *file;
	uint64_t node_id;
	int err;

	if (!take_open(r, body_len, &node_id, &out) || (fd >= 0) == lost ||
	    fs_broker_of_node(node_id) != r->broker) {
		if (fd >= 0)
			close(fd);
		return -EIO;
	}
	if (lost) {
		fs_kept_lost(r, node_id, out.fh);
		return 0;
	}
	err = fs_file_enter(r, node_id, &out, fd, &file);
	if (err == -ENFILE)
		fs_kept_lost(r, node_id, out.fh);
	else if (!err)
		fs_kept_add(file);
	return err == -ENFILE ? 0 : err;
}

/* SYNCFS of node 1 goes on to the next container. True while there is one. */
static bool sync_next(struct fs_request *r, int error)
{
	struct fs_broker *b = fs_broker_from(r->broker->container + 1);
	struct fs_packet *msg = (struct fs_packet *)(void *)r->msg;

	if (error && !r->error)
		r->error = error;
	if (!b)
		return false;
	msg->hdr.nodeid = broker_root_node(b->container);
	fs_broker_queue(b, r);
	return true;
}

/* The request that a packet of `len` bytes answers, or NULL: nobody asked. */
static struct fs_request *asked(const struct fs_broker *b, size_t len)
{
	struct fs_request *r;

	if (len < sizeof(reply.broker) + sizeof(reply.hdr) || len > sizeof(reply) ||
	    reply.hdr.len != len - sizeof(reply.broker) || reply.broker.tag >= BROKER_TAGS)
		return NULL;
	r = &fs.request[reply.broker.tag];
	return r->state == FS_SENT && r->broker == b && r->unique == reply.hdr.unique ? r : NULL;
}

/* Answers r with the reply and its descriptor (takes it, -1: none). */
static void on_reply(struct fs_request *r, int fd, bool lost_fd)
{
	struct virtio_dev *dev = r->dev;
	uint32_t queue = r->queue;
	size_t body_len = reply.hdr.len - sizeof(reply.hdr);
	int error = reply.hdr.error;

	r->state = FS_HELD;
	if (error > 0 || error <= -4096 || (error && body_len))
		error = -EIO;
	if (!fs_session_is_current(r))
		error = -EIO;
	if (!error && donates(r->opcode)) {
		if (take_donation(r, body_len, fd, lost_fd, &error))
			return;
	} else if (!error && r->open_ahead && body_len > sizeof(struct fuse_entry_out)) {
		error = take_ahead(r, body_len, fd, lost_fd);
		body_len = sizeof(struct fuse_entry_out);
	} else if (fd >= 0) {
		close(fd);
		error = error ? error : -EIO;
	}
	if (r->opcode == FUSE_SYNCFS && r->msg_len && sync_next(r, error))
		return;
	fs_request_complete(r, r->error ? r->error : error, reply.body, body_len);
	fs_interrupt(dev, queue);
}

/* Receives one packet into `reply`. Its length (any too large one if it is), 0 at the end, or
 * -errno. */
static ssize_t receive(int socket_fd, int *fd, bool *lost_fd)
{
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))];
	struct iovec iov = {.iov_base = &reply, .iov_len = sizeof(reply)};
	/* CMSG_LEN, not CMSG_SPACE: the padding behind one descriptor would hold a second one. */
	struct msghdr m = {.msg_iov = &iov,
			   .msg_iovlen = 1,
			   .msg_control = control,
			   .msg_controllen = CMSG_LEN(sizeof(int))};
	struct cmsghdr *c;
	ssize_t n = recvmsg(socket_fd, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

	*fd = -1;
	if (n < 0)
		return -errno;
	/* More descriptors than one, or no room for it in our table: the kernel has dropped them.
	 */
	*lost_fd = m.msg_flags & MSG_CTRUNC;
	c = CMSG_FIRSTHDR(&m);
	if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS &&
	    c->cmsg_len == CMSG_LEN(sizeof(int)))
		memcpy(fd, CMSG_DATA(c), sizeof(*fd));
	return m.msg_flags & MSG_TRUNC ? (ssize_t)sizeof(reply) + 1 : n;
}

/* Takes a request back that the broker will not answer. NULL when r is none. */
static struct fs_request *take_back(struct fs_broker *b, struct fs_request *r)
{
	bool unanswered;

	pthread_mutex_lock(&fs.lock);
	unanswered = r->broker == b &&
		     (r->state == FS_SENT || r->state == FS_QUEUED || r->state == FS_WAITING);
	if (unanswered && r->state == FS_WAITING)
		fs_file_forget_release(r->file);
	if (unanswered)
		r->state = FS_HELD;
	pthread_mutex_unlock(&fs.lock);
	return unanswered ? r : NULL;
}

/* nacre-fsd is gone, or not to be talked to any more: nobody answers what it was asked. */
static void lose(struct fs_broker *b)
{
	int fd = b->src.fd;

	b->dead = true;
	loop_remove(&b->src);
	close(fd);
	pthread_mutex_lock(&fs.lock);
	b->to_send = (struct fs_list){0};
	/* What waited for room in this socket is answered now, what is of other containers goes on. */
	fs_unstall();
	pthread_mutex_unlock(&fs.lock);
	fs_files_reset(b, BROKER_CLASS_COUNT);
	for (uint32_t i = 0; i < BROKER_TAGS; i++) {
		struct fs_request *r = take_back(b, &fs.request[i]);

		if (!r)
			continue;

		struct virtio_dev *dev = r->dev;
		uint32_t queue = r->queue;

		fs_request_complete(r, -EIO, NULL, 0);
		fs_interrupt(dev, queue);
	}
	if (b->lost)
		b->lost(b->container);
}

static void on_broker(void *ctx, uint32_t events)
{
	struct fs_broker *b = ctx;

	for (uint32_t i = 0; i < REPLIES_PER_EVENT && (i == 0 || b->n_asked); i++) {
		bool lost_fd = false;
		int fd;
		ssize_t n = receive(b->src.fd, &fd, &lost_fd);
		struct fs_request *r;

		if (n == -EAGAIN || n == -EINTR)
			break;
		if (n <= 0) {
			lose(b);
			return;
		}
		r = asked(b, (size_t)n);
		if (!r) {
			if (fd >= 0)
				close(fd);
			log_guest("nacre-fsd of container %u: a reply to nothing", b->container);
			lose(b);
			return;
		}
		b->n_asked--;
		on_reply(r, fd, lost_fd);
	}
	if (!(events & EPOLLOUT))
		return;
	if (fs_broker_flush(b) == 0) {
		/* Who finds the socket full again arms it again. */
		loop_arm(&b->src, EPOLLIN);
		fs_kept_flush(b);
		pthread_mutex_lock(&fs.lock);
		fs_unstall();
		pthread_mutex_unlock(&fs.lock);
	}
}

int virtio_fs_add_broker(uint32_t container, int socket_fd, void (*lost)(uint32_t container))
{
	struct fs_broker *b = NULL;
	int r;

	for (uint32_t i = 0; i < FS_BROKERS_MAX && !b; i++) {
		if (!fs.broker[i].used || fs.broker[i].dead)
			b = &fs.broker[i];
	}
	if (!b || !fs.request || fs_broker_of_node(broker_root_node(container))) {
		close(socket_fd);
		return b && fs.request ? -EEXIST : -ENFILE;
	}
	*b = (struct fs_broker){
		.used = true, .container = container, .lost = lost, .slot = b->slot};
	if (fs.n_brokers <= (uint32_t)(b - fs.broker))
		fs.n_brokers = (uint32_t)(b - fs.broker) + 1;
	r = loop_add(&b->src, socket_fd, EPOLLIN, on_broker, b);
	if (r) {
		close(socket_fd);
		b->used = false;
	}
	return r;
}
