/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The flattened device tree that an arm64 guest boots from (Devicetree Specification 0.4; Linux
 * Documentation/arm64/booting.rst). Pure: writes into a buffer, needs no VM.
 */
#ifndef NACRE_VMM_ARM64_FDT_H
#define NACRE_VMM_ARM64_FDT_H

#include <stddef.h>
#include <stdint.h>

#define FDT_CPUS_MAX 32u
#define FDT_DEVS_MAX 8u

struct fdt_machine {
	const char *bootargs;
	uint64_t memory_base, memory_size;
	uint64_t initrd_start, initrd_end;
	uint8_t rng_seed[32];
	uint64_t kaslr_seed;
	unsigned int n_cpus;
	uint64_t mpidr[FDT_CPUS_MAX]; /* MPIDR_EL1 as KVM has it */
	uint64_t gicd_base, gicr_base; /* GICv3 distributor, redistributors */
	unsigned int n_devs;
	uint64_t dev_base[FDT_DEVS_MAX]; /* virtio-mmio windows */
	uint32_t dev_spi[FDT_DEVS_MAX];	 /* shared peripheral interrupt, from 0 */
};

/* Writes the tree to buf. Returns its length in bytes, or -FDT_ERR_* of libfdt. */
int fdt_write(void *buf, size_t size, const struct fdt_machine *m);

#endif
