/* SPDX-License-Identifier: Apache-2.0 */
/*
 * virtio-console without multiport: queue 0 (to the guest) is never used, queue 1 is output.
 *
 * The kernel's own driver loses what was logged before it came up; that part is taken from the log in
 * memory (klog.h) when the first output comes.
 *
 * Bytes go to a file that the user named, as they are: who reads it knows that a guest wrote it. At
 * most CONSOLE_LOG_MAX bytes are kept, so that a guest cannot fill the disk.
 */
#include "virtio_console.h"

#include <linux/virtio_ids.h>
#include <stddef.h>
#include <unistd.h>

#include "klog.h"

#define QUEUE_OUT 1u

static struct {
	int fd;
	uint32_t kept;
	bool started;
} console;

static void keep_bytes(const void *p, size_t n)
{
	static const char cut[] = "\n[console log is full]\n";

	if (n > CONSOLE_LOG_MAX - console.kept)
		n = CONSOLE_LOG_MAX - console.kept;
	if (n == 0 || write(console.fd, p, n) < 0)
		return;
	console.kept += (uint32_t)n;
	if (console.kept == CONSOLE_LOG_MAX && write(console.fd, cut, sizeof(cut) - 1) < 0)
		return;
}

static void keep_early_log(const struct virtio_dev *dev)
{
	static uint8_t early[32 * 1024];

	if (!console.started)
		keep_bytes(early, klog_read(dev->mem, early, sizeof(early)));
	console.started = true;
}

static void keep(const struct virtio_dev *dev, const struct chain *c)
{
	char buf[512];
	uint64_t n;

	for (uint64_t off = 0; off < c->read_len && console.kept < CONSOLE_LOG_MAX; off += n) {
		n = c->read_len - off < sizeof(buf) ? c->read_len - off : sizeof(buf);
		if (chain_read(c, dev->mem, off, buf, n))
			return;
		keep_bytes(buf, n);
	}
}

static int serve(struct virtio_dev *dev, struct virtq *q, const struct chain *c)
{
	keep_early_log(dev);
	keep(dev, c);
	return virtq_push(q, c->head, 0);
}

static void notify(struct virtio_dev *dev, uint32_t qi)
{
	if (qi == QUEUE_OUT)
		dev_serve_queue(dev, qi, serve);
}

void virtio_console_init(struct virtio_dev *dev, int out_fd)
{
	static const struct virtio_dev_ops ops = {
		.name = "virtio-console",
		.device_id = VIRTIO_ID_CONSOLE,
		.n_queues = 2,
		.queue_size_max = 64,
		.notify = notify,
	};

	console.fd = out_fd;
	console.kept = 0;
	console.started = false;
	*dev = (struct virtio_dev){ .ops = &ops };
}
