/* SPDX-License-Identifier: Apache-2.0 */
/* virtio-rng and virtio-console, with the transport below them, and the log of the kernel. */
/* SOURCES: vmm/virtio_rng.c vmm/virtio_console.c vmm/klog.c vmm/mmio.c vmm/times.c vmm/dev.c vmm/virtq.c */
/* SOURCES: vmm/gmem.c */
#include <sys/mman.h>
#include <sys/stat.h>

#include "fuzz_device.h"
#include "vmm/arch/arch.h"
#include "vmm/klog.h"
#include "vmm/virtio_console.h"
#include "vmm/virtio_rng.h"

static struct virtio_dev rng, console;
static struct guest guest[2];
static int console_fd;

uint64_t arch_klog_base(void)
{
	return FAKE_BASE + 0xc000;
}

uint32_t arch_klog_size(void)
{
	return 0x1000;
}

static void make(void)
{
	console_fd = memfd_create("console", MFD_CLOEXEC);
	virtio_rng_init(&rng);
	virtio_console_init(&console, console_fd);
	guest_init(&guest[0], &rng);
	guest_init(&guest[1], &console);
}

/* The log's header in memory, with an edge to its numbers; then the log is read. */
static void read_log(struct guest *g, struct cursor *c)
{
	uint32_t head[3] = { 0x43474244, in16(c), in16(c) };
	uint8_t *buf = malloc(4096);
	uint32_t n;

	if (in8(c) & 1)
		head[in8(c) % 3] = in32(c);
	fake_put(&g->mem, arch_klog_base(), head, sizeof(head));
	n = klog_read(&g->mem, buf, 4096);
	CLAIM(n <= 4096);
	free(buf);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cursor c = cursor_over(data, size);
	struct guest *g;
	struct stat st;

	if (!guest[0].dev)
		make();
	g = &guest[in8(&c) & 1];
	guest_run(g, &c, read_log);
	guest_reset(g);
	CLAIM(fstat(console_fd, &st) == 0 && st.st_size <= (off_t)CONSOLE_LOG_MAX + 64);
	return 0;
}
