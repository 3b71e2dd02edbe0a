/* SPDX-License-Identifier: Apache-2.0 */
/* What of the processor the guest sees: CPUID and model-specific registers (x86-64). */
/* SOURCES: vmm/arch/x86_64/cpuid.c vmm/arch/x86_64/msr.c */
/* LIBS: -Wl,--wrap=ioctl */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include <cmocka.h>

#include "vmm/arch/x86_64/cpuid.h"
#include "vmm/arch/x86_64/msr.h"
#include "vmm/machine.h"

void setup_fail(int err, const char *format, ...)
{
	(void)err;
	(void)format;
	abort();
}

#define N_MAX 64

static struct kvm_cpuid_entry2 table[N_MAX];
static uint32_t n;

static void add(uint32_t function, uint32_t index)
{
	assert_true(n < N_MAX);
	table[n++] = (struct kvm_cpuid_entry2){ .function = function, .index = index,
						.eax = ~0u, .ebx = ~0u, .ecx = ~0u, .edx = ~0u };
}

/* A processor and a KVM that know everything there is, and more. */
static void make_host(void)
{
	static const uint32_t leaves[] = {
		0x0, 0x1, 0x2, 0x5, 0x6, 0x9, 0xa, 0xf, 0x10, 0x12, 0x14, 0x15, 0x16, 0x19, 0x1c,
		0x1d, 0x1e, 0x20, 0x23, 0x24, 0x40000000, 0x40000001, 0x40000010, 0x80000000,
		0x80000001, 0x80000002, 0x80000007, 0x80000008, 0x8000000a, 0x8000001b, 0x8000001d,
		0x8000001e, 0x8000001f, 0x80000021, 0x80000022, 0x80000026, 0xc0000000, 0xc0000001,
	};

	n = 0;
	for (size_t i = 0; i < sizeof(leaves) / sizeof(leaves[0]); i++)
		add(leaves[i], 0);
	for (uint32_t i = 0; i < 3; i++)
		add(0x7, i);
	for (uint32_t i = 0; i < 20; i++)
		add(0xd, i);
	for (uint32_t i = 0; i < 3; i++)
		add(0xb, i);
}

static const struct kvm_cpuid_entry2 *find(uint32_t function, uint32_t index)
{
	for (uint32_t i = 0; i < n; i++) {
		if (table[i].function == function && table[i].index == index)
			return &table[i];
	}
	return NULL;
}

static const struct kvm_cpuid_entry2 *get(uint32_t function, uint32_t index)
{
	const struct kvm_cpuid_entry2 *e = find(function, index);

	assert_non_null(e);
	return e;
}

static void test_no_virtualisation_in_the_guest(void **state)
{
	(void)state;
	make_host();
	cpuid_filter(table, &n, 0, 1);
	assert_int_equal(get(0x1, 0)->ecx & (1u << 5), 0);	   /* VMX */
	assert_int_equal(get(0x80000001, 0)->ecx & (1u << 2), 0);  /* SVM */
	assert_int_equal(get(0x80000001, 0)->ecx & (1u << 12), 0); /* SKINIT */
	assert_null(find(0x8000000a, 0));
	assert_null(find(0x8000001f, 0)); /* SEV */
}

static void test_no_performance_counters(void **state)
{
	(void)state;
	make_host();
	cpuid_filter(table, &n, 0, 1);
	assert_null(find(0xa, 0));
	assert_null(find(0x23, 0));
	assert_null(find(0x14, 0)); /* processor trace */
	assert_null(find(0x1c, 0)); /* branch records */
	assert_null(find(0x8000001b, 0));
	assert_null(find(0x80000022, 0));
	assert_int_equal(get(0x1, 0)->ecx & (1u << 15), 0); /* PDCM */
	assert_int_equal(get(0x80000001, 0)->ecx & (1u << 23 | 1u << 24 | 1u << 28 | 1u << 10), 0);
	assert_int_equal(get(0x7, 0)->edx & (1u << 19), 0);
}

static void test_what_no_rule_names_is_gone(void **state)
{
	static const uint32_t gone[] = { 0x5, 0x9, 0xf, 0x10, 0x12, 0x15, 0x16, 0x1d, 0x1e, 0x20,
					 0x24, 0x40000010, 0x8000001d, 0x8000001e, 0x80000026,
					 0xc0000000, 0xc0000001 };

	(void)state;
	make_host();
	cpuid_filter(table, &n, 0, 1);
	for (size_t i = 0; i < sizeof(gone) / sizeof(gone[0]); i++)
		assert_null(find(gone[i], 0));
	assert_null(find(0x7, 2));
	assert_int_equal(get(0x7, 0)->eax, 1);
	assert_int_equal(get(0x7, 0)->ebx & (1u << 2 | 1u << 4 | 1u << 11 | 1u << 25), 0);
}

static void test_highest_leaves_are_there(void **state)
{
	(void)state;
	make_host();
	cpuid_filter(table, &n, 0, 1);
	assert_int_equal(get(0x0, 0)->eax, 0xd);
	assert_int_equal(get(0x40000000, 0)->eax, 0x40000001);
	assert_int_equal(get(0x80000000, 0)->eax, 0x80000021);
}

static void test_extended_state_fits_what_may_be_enabled(void **state)
{
	uint32_t xcr0;

	(void)state;
	make_host();
	cpuid_filter(table, &n, 0, 1);
	xcr0 = get(0xd, 0)->eax;
	assert_int_equal(xcr0, 0x2e7);
	assert_int_equal(get(0xd, 0)->edx, 0);
	for (uint32_t i = 2; i < 20; i++)
		assert_int_equal(find(0xd, i) != NULL, (xcr0 >> i) & 1);
	/* nothing that only the guest's kernel saves, no trap on first use */
	assert_int_equal(get(0xd, 1)->eax, 0xf);
	assert_int_equal(get(0xd, 1)->ecx, 0);
	assert_int_equal(get(0xd, 1)->edx, 0);
}

static void test_topology_is_the_vms(void **state)
{
	(void)state;
	for (unsigned int cpu = 0; cpu < 4; cpu++) {
		make_host();
		cpuid_filter(table, &n, cpu, 4);
		assert_int_equal(get(0x1, 0)->ebx >> 16, 4 | cpu << 8);
		assert_true(get(0x1, 0)->edx & 1u << 28);
		assert_true(get(0x1, 0)->ecx & 1u << 31);
		assert_true(get(0x1, 0)->ecx & 1u << 24);
		assert_int_equal(get(0xb, 1)->ebx, 4);
		assert_int_equal(get(0xb, 1)->edx, cpu);
		assert_int_equal(get(0x80000008, 0)->ecx, 3);
	}
	make_host();
	cpuid_filter(table, &n, 0, 1);
	assert_false(get(0x1, 0)->edx & 1u << 28);
}

static void test_caches_are_shared_inside_the_vm_only(void **state)
{
	(void)state;
	n = 0;
	add(0x4, 0);
	add(0x4, 3);
	add(0x4, 4);
	table[0].eax = 0xfffc0000u | 2u << 5 | 1; /* second level, of 32 cores */
	table[1].eax = 0xffffc000u | 3u << 5 | 3;
	table[2].eax = 0xffffc000u;		  /* the end of the list */
	cpuid_filter(table, &n, 1, 4);
	assert_int_equal(n, 3);
	assert_int_equal(table[0].eax, 3u << 26 | 2u << 5 | 1);
	assert_int_equal(table[1].eax, 3u << 26 | 3u << 14 | 3u << 5 | 3);
	assert_int_equal(table[2].eax, 0);
}

static void test_a_second_time_changes_nothing(void **state)
{
	struct kvm_cpuid_entry2 once[N_MAX];
	uint32_t n_once;

	(void)state;
	make_host();
	cpuid_filter(table, &n, 2, 4);
	memcpy(once, table, sizeof(once));
	n_once = n;
	/* what leaves 1 and 4 carry of the topology is set, not added to */
	cpuid_filter(table, &n, 2, 4);
	assert_int_equal(n, n_once);
	for (uint32_t i = 0; i < n; i++)
		assert_memory_equal(&table[i], &once[i], sizeof(once[i]));
}

static void test_an_empty_list(void **state)
{
	(void)state;
	n = 0;
	cpuid_filter(table, &n, 0, 1);
	assert_int_equal(n, 0);
}

static void test_registers_that_a_guest_never_reaches(void **state)
{
	static const uint32_t refused[] = {
		0x3a,  0x480, 0x491, 0xc0010114, 0xc0010117,	       /* VMX, SVM */
		0xc1,  0xc8,  0x186, 0x309, 0x345, 0x38d, 0x38f, 0x3f1, 0x600, 0xc0010000,
		0xc0010007, 0xc0010200, 0xc001020b, 0xc0000300,	       /* counters */
		0x1c8, 0x680, 0x560, 0x570, 0x14ce, 0xc0011030,	       /* branch records, traces, IBS */
		0x79,  0xc0010020,				       /* microcode */
		0x198, 0x19a, 0x1b0, 0x606, 0x610, 0xc0010299,	       /* power, temperature */
		0x40000000, 0x40000118,				       /* Hyper-V */
		0x9e,  0xc0010130, 0xc0010131,			       /* SMM, SEV */
		0x4b564d09, 0xffffffff,
	};

	(void)state;
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		assert_false(msr_is_allowed(refused[i]));
}

static void test_registers_that_a_kernel_needs(void **state)
{
	static const uint32_t needed[] = { 0x10, 0x1b, 0x48, 0x174, 0x277, 0x6e0, 0xc0000080,
					   0xc0000082, 0xc0000100, 0xc0000101, 0xc0000102,
					   0xc0000103, 0x4b564d00, 0x4b564d01 };

	(void)state;
	for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++)
		assert_true(msr_is_allowed(needed[i]));
}

/* What KVM is given, from a /dev/kvm of ours. */
static struct kvm_msr_filter given;
static uint8_t given_bitmap[KVM_MSR_FILTER_MAX_RANGES][512];
static unsigned int n_caps;

int __wrap_ioctl(int fd, unsigned long request, ...);
int __wrap_ioctl(int fd, unsigned long request, ...)
{
	va_list ap;
	void *arg;

	(void)fd;
	va_start(ap, request);
	arg = va_arg(ap, void *);
	va_end(ap);
	if ((uint32_t)request == KVM_X86_SET_MSR_FILTER) {
		memcpy(&given, arg, sizeof(given));
		for (unsigned int i = 0; i < KVM_MSR_FILTER_MAX_RANGES; i++) {
			assert_true(given.ranges[i].nmsrs <= sizeof(given_bitmap[i]) * 8);
			if (given.ranges[i].nmsrs)
				memcpy(given_bitmap[i], given.ranges[i].bitmap,
				       (given.ranges[i].nmsrs + 7) / 8);
		}
		return 0;
	}
	if ((uint32_t)request == KVM_ENABLE_CAP) {
		const struct kvm_enable_cap *cap = arg;

		assert_int_equal(cap->cap, KVM_CAP_PMU_CAPABILITY);
		assert_int_equal(cap->args[0], KVM_PMU_CAP_DISABLE);
		n_caps++;
		return 0;
	}
	assert_int_equal((uint32_t)request, KVM_CHECK_EXTENSION);
	return 1;
}

static int kvm_allows(uint32_t msr)
{
	for (unsigned int i = 0; i < KVM_MSR_FILTER_MAX_RANGES; i++) {
		uint32_t at = msr - given.ranges[i].base;

		if (msr >= given.ranges[i].base && at < given.ranges[i].nmsrs)
			return given_bitmap[i][at / 8] >> (at % 8) & 1;
	}
	return 0;
}

static void test_kvm_is_given_the_same_list(void **state)
{
	static const uint32_t bases[] = { 0, 0xd00, 0x4b564d00, 0x40000000, 0xc0000000, 0xc0010000,
					  0xc0011000 };

	(void)state;
	n_caps = 0;
	msr_filter_set(1, 2);
	assert_int_equal(n_caps, 1);
	assert_int_equal(given.flags, KVM_MSR_FILTER_DEFAULT_DENY);
	for (size_t b = 0; b < sizeof(bases) / sizeof(bases[0]); b++) {
		for (uint32_t i = 0; i < 0x1000; i++)
			assert_int_equal(kvm_allows(bases[b] + i), msr_is_allowed(bases[b] + i));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_virtualisation_in_the_guest),
		cmocka_unit_test(test_no_performance_counters),
		cmocka_unit_test(test_what_no_rule_names_is_gone),
		cmocka_unit_test(test_highest_leaves_are_there),
		cmocka_unit_test(test_extended_state_fits_what_may_be_enabled),
		cmocka_unit_test(test_topology_is_the_vms),
		cmocka_unit_test(test_caches_are_shared_inside_the_vm_only),
		cmocka_unit_test(test_a_second_time_changes_nothing),
		cmocka_unit_test(test_an_empty_list),
		cmocka_unit_test(test_registers_that_a_guest_never_reaches),
		cmocka_unit_test(test_registers_that_a_kernel_needs),
		cmocka_unit_test(test_kvm_is_given_the_same_list),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
