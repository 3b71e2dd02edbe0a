/* SPDX-License-Identifier: Apache-2.0 */
/* virtio-blk: requests of any kind on a disk of 64 KiB, which keeps its size. */
/* SOURCES: vmm/virtio_blk.c vmm/thread.c vmm/mmio.c vmm/times.c vmm/dev.c vmm/virtq.c vmm/gmem.c */
#include <linux/virtio_blk.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "fuzz_device.h"
#include "vmm/virtio_blk.h"

#define DISK_BYTES 65536

static struct virtio_dev disk;
static struct guest guest;
static int fd;

static void make(void)
{
	struct blk_options o = { .bytes = DISK_BYTES, .n_queues = 2 };

	fd = o.fd = memfd_create("disk", MFD_CLOEXEC);
	CLAIM(fd >= 0 && ftruncate(fd, DISK_BYTES) == 0);
	CLAIM(virtio_blk_init(&disk, &o) == 0);
	guest_init(&guest, &disk);
	CLAIM(mmio_listen(&disk, 0, 2) == 0);
}

/* A request that is nearly right: descriptors 0 to 2 of a queue. */
static void request(struct guest *g, struct cursor *c)
{
	struct fake_driver *d = &g->queue[in8(c) & 1];
	struct virtio_blk_outhdr h = { .type = in8(c) & 15, .sector = in8(c) };
	uint8_t how = in8(c);

	if (d->size < 4)
		return;
	if (how & 1)
		h.sector = in64(c);
	fake_put(&g->mem, GUEST_DATA, &h, sizeof(h));
	fake_desc(d, 0, GUEST_DATA, how & 2 ? in8(c) : (uint32_t)sizeof(h), FAKE_NEXT, 1);
	fake_desc(d, 1, how & 4 ? guest_address(c) : GUEST_DATA + 0x1000,
		  how & 8 ? guest_length(c) : 512, FAKE_NEXT | (how & 16 ? FAKE_WRITE : 0), 2);
	fake_desc(d, 2, GUEST_DATA + 0x800, 1, FAKE_WRITE, 0);
	fake_offer(d, 0);
	driver_notify(g->dev, (uint32_t)(d - g->queue));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cursor c = cursor_over(data, size);
	struct stat st;

	if (!guest.dev)
		make();
	guest_run(&guest, &c, request);
	guest_reset(&guest);
	CLAIM(fstat(fd, &st) == 0 && st.st_size == DISK_BYTES);
	return 0;
}
