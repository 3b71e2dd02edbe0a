/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The device tree of an arm64 VM, by libfdt's sequential writer: chosen, memory, CPUs with PSCI by
 * hvc, GICv3, the architected timer, virtio-mmio devices.
 *
 * A call of the writer that fails leaves the tree as it was, and a later, shorter one may succeed: so
 * every result is kept, and the first error decides.
 */
#include "fdt.h"

#include <libfdt.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#define PHANDLE_GIC	1u
#define GICD_SIZE	0x10000u
#define GICR_SIZE	0x20000u /* per vCPU */
#define MMIO_WINDOW	0x200u	 /* bindings/virtio/mmio.yaml: registers and configuration */
#define MPIDR_AFFINITY	0xffffffu

/* bindings/interrupt-controller/arm,gic-v3.yaml */
#define GIC_SPI		0u
#define GIC_PPI		1u
#define IRQ_EDGE_RISING 1u
#define IRQ_LEVEL_LOW	8u

struct writer {
	void *fdt;
	int err; /* the first error, 0 while there is none */
};

static void keep(struct writer *w, int r)
{
	if (!w->err)
		w->err = r;
}

static void begin(struct writer *w, const char *name)
{
	keep(w, fdt_begin_node(w->fdt, name));
}

static void end(struct writer *w)
{
	keep(w, fdt_end_node(w->fdt));
}

static void put_bytes(struct writer *w, const char *name, const void *bytes, size_t len)
{
	keep(w, fdt_property(w->fdt, name, bytes, (int)len));
}

static void put_string(struct writer *w, const char *name, const char *value)
{
	put_bytes(w, name, value, strlen(value) + 1);
}

static void put_u64s(struct writer *w, const char *name, const uint64_t *values, unsigned int n)
{
	fdt64_t cells[4];

	for (unsigned int i = 0; i < n; i++)
		cells[i] = cpu_to_fdt64(values[i]);
	put_bytes(w, name, cells, n * sizeof(cells[0]));
}

static void put_u32s(struct writer *w, const char *name, const uint32_t *values, unsigned int n)
{
	fdt32_t cells[12];

	for (unsigned int i = 0; i < n; i++)
		cells[i] = cpu_to_fdt32(values[i]);
	put_bytes(w, name, cells, n * sizeof(cells[0]));
}

static void put_u32(struct writer *w, const char *name, uint32_t value)
{
	put_u32s(w, name, &value, 1);
}

static void put_u64(struct writer *w, const char *name, uint64_t value)
{
	put_u64s(w, name, &value, 1);
}

static void put_nothing(struct writer *w, const char *name)
{
	put_bytes(w, name, "", 0);
}

static void put_chosen(struct writer *w, const struct fdt_machine *m)
{
	begin(w, "chosen");
	put_string(w, "bootargs", m->bootargs);
	put_u64(w, "linux,initrd-start", m->initrd_start);
	put_u64(w, "linux,initrd-end", m->initrd_end);
	put_u64(w, "kaslr-seed", m->kaslr_seed);
	put_bytes(w, "rng-seed", m->rng_seed, sizeof(m->rng_seed));
	end(w);
}

static void put_memory(struct writer *w, const struct fdt_machine *m)
{
	char name[32];

	snprintf(name, sizeof(name), "memory@%llx", (unsigned long long)m->memory_base);
	begin(w, name);
	put_string(w, "device_type", "memory");
	put_u64s(w, "reg", (const uint64_t[]){ m->memory_base, m->memory_size }, 2);
	end(w);
}

static void put_cpus(struct writer *w, const struct fdt_machine *m)
{
	begin(w, "cpus");
	put_u32(w, "#address-cells", 1);
	put_u32(w, "#size-cells", 0);
	for (unsigned int i = 0; i < m->n_cpus; i++) {
		uint32_t reg = (uint32_t)(m->mpidr[i] & MPIDR_AFFINITY);
		char name[24];

		snprintf(name, sizeof(name), "cpu@%x", reg);
		begin(w, name);
		put_string(w, "device_type", "cpu");
		put_string(w, "compatible", "arm,arm-v8");
		put_string(w, "enable-method", "psci");
		put_u32(w, "reg", reg);
		end(w);
	}
	end(w);

	begin(w, "psci");
	put_string(w, "compatible", "arm,psci-0.2");
	put_string(w, "method", "hvc");
	end(w);
}

static void put_gic(struct writer *w, const struct fdt_machine *m)
{
	char name[32];

	snprintf(name, sizeof(name), "intc@%llx", (unsigned long long)m->gicd_base);
	begin(w, name);
	put_string(w, "compatible", "arm,gic-v3");
	put_u32(w, "#interrupt-cells", 3);
	put_u32(w, "#address-cells", 0);
	put_nothing(w, "interrupt-controller");
	put_u64s(w, "reg",
		 (const uint64_t[]){ m->gicd_base, GICD_SIZE, m->gicr_base,
				     (uint64_t)GICR_SIZE * m->n_cpus },
		 4);
	put_u32(w, "phandle", PHANDLE_GIC);
	end(w);
}

static void put_timer(struct writer *w)
{
	/* Secure, non-secure, virtual, hypervisor: private interrupts 13, 14, 11, 10. */
	static const uint32_t irqs[] = {
		GIC_PPI, 13, IRQ_LEVEL_LOW, GIC_PPI, 14, IRQ_LEVEL_LOW,
		GIC_PPI, 11, IRQ_LEVEL_LOW, GIC_PPI, 10, IRQ_LEVEL_LOW,
	};

	begin(w, "timer");
	put_string(w, "compatible", "arm,armv8-timer");
	put_u32s(w, "interrupts", irqs, 12);
	put_nothing(w, "always-on");
	end(w);
}

static void put_devices(struct writer *w, const struct fdt_machine *m)
{
	for (unsigned int i = 0; i < m->n_devs; i++) {
		char name[40];

		snprintf(name, sizeof(name), "virtio_mmio@%llx", (unsigned long long)m->dev_base[i]);
		begin(w, name);
		put_string(w, "compatible", "virtio,mmio");
		put_u64s(w, "reg", (const uint64_t[]){ m->dev_base[i], MMIO_WINDOW }, 2);
		put_u32s(w, "interrupts",
			 (const uint32_t[]){ GIC_SPI, m->dev_spi[i], IRQ_EDGE_RISING }, 3);
		put_nothing(w, "dma-coherent");
		end(w);
	}
}

int fdt_write(void *buf, size_t size, const struct fdt_machine *m)
{
	struct writer w = { .fdt = buf };

	keep(&w, size > INT_MAX ? -FDT_ERR_NOSPACE : fdt_create(buf, (int)size));
	if (w.err)
		return w.err;
	keep(&w, fdt_finish_reservemap(buf));
	begin(&w, "");
	put_string(&w, "compatible", "linux,dummy-virt");
	put_u32(&w, "#address-cells", 2);
	put_u32(&w, "#size-cells", 2);
	put_u32(&w, "interrupt-parent", PHANDLE_GIC);
	put_chosen(&w, m);
	put_memory(&w, m);
	put_cpus(&w, m);
	put_gic(&w, m);
	put_timer(&w);
	put_devices(&w, m);
	end(&w);
	if (!w.err)
		keep(&w, fdt_finish(buf));
	return w.err ? w.err : (int)fdt_totalsize(buf);
}
