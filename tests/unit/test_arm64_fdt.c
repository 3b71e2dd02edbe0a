/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of vmm/arch/arm64/fdt.c: the tree is read back with libfdt. */
/* SOURCES: vmm/arch/arm64/fdt.c */
/* LIBS: -lfdt */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <libfdt.h>

#include "vmm/arch/arm64/fdt.h"

static uint8_t tree[16384];

static struct fdt_machine machine(void)
{
	struct fdt_machine m = {
		.bootargs = "quiet",
		.memory_base = 0x80000000, .memory_size = UINT64_C(5) << 30,
		.initrd_start = 0x88000000, .initrd_end = 0x88012345,
		.kaslr_seed = UINT64_C(0x1122334455667788),
		.n_cpus = 3, .mpidr = { 0x80000000, 0x80000001, 0x80000100 },
		.gicd_base = 0x8000000, .gicr_base = 0x80a0000,
		.n_devs = 2, .dev_base = { 0xa000000, 0xa001000 }, .dev_spi = { 16, 17 },
	};

	memset(m.rng_seed, 0x5a, sizeof(m.rng_seed));
	return m;
}

static uint64_t cell64(const char *path, const char *name, int i)
{
	int len;
	const fdt64_t *p = fdt_getprop(tree, fdt_path_offset(tree, path), name, &len);

	assert_non_null(p);
	assert_true(len >= (i + 1) * 8);
	return fdt64_to_cpu(p[i]);
}

static uint32_t cell32(const char *path, const char *name, int i)
{
	int len;
	const fdt32_t *p = fdt_getprop(tree, fdt_path_offset(tree, path), name, &len);

	assert_non_null(p);
	assert_true(len >= (i + 1) * 4);
	return fdt32_to_cpu(p[i]);
}

static void test_tree(void **state)
{
	struct fdt_machine m = machine();
	int len = fdt_write(tree, sizeof(tree), &m);

	(void)state;
	assert_true(len > 0);
	assert_int_equal(fdt_check_full(tree, sizeof(tree)), 0);
	assert_string_equal(fdt_getprop(tree, fdt_path_offset(tree, "/chosen"), "bootargs", NULL),
			    "quiet");
	assert_true(cell64("/chosen", "linux,initrd-end", 0) == 0x88012345);
	assert_true(cell64("/memory@80000000", "reg", 1) == UINT64_C(5) << 30);
	/* MPIDR without its flag bits. */
	assert_int_equal(cell32("/cpus/cpu@100", "reg", 0), 0x100);
	assert_string_equal(fdt_getprop(tree, fdt_path_offset(tree, "/psci"), "method", NULL), "hvc");
	assert_true(cell64("/intc@8000000", "reg", 3) == 3 * 0x20000);
	assert_int_equal(cell32("/timer", "interrupts", 7), 11);
	assert_int_equal(cell32("/virtio_mmio@a001000", "interrupts", 1), 17);
	assert_int_equal(cell32("/", "interrupt-parent", 0), cell32("/intc@8000000", "phandle", 0));
}

static void test_too_small(void **state)
{
	struct fdt_machine m = machine();
	int whole = fdt_write(tree, sizeof(tree), &m);

	(void)state;
	for (size_t size = 0; size < (size_t)whole; size += 13)
		assert_true(fdt_write(tree, size, &m) < 0);
}

static void test_most(void **state)
{
	struct fdt_machine m = machine();

	(void)state;
	m.n_cpus = FDT_CPUS_MAX;
	m.n_devs = FDT_DEVS_MAX;
	for (unsigned int i = 0; i < FDT_CPUS_MAX; i++)
		m.mpidr[i] = i;
	for (unsigned int i = 0; i < FDT_DEVS_MAX; i++)
		m.dev_base[i] = 0xa000000 + 0x1000ul * i;
	assert_true(fdt_write(tree, sizeof(tree), &m) > 0);
	assert_int_equal(fdt_check_full(tree, sizeof(tree)), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tree),
		cmocka_unit_test(test_too_small),
		cmocka_unit_test(test_most),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
