/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The MSR allowlist. See msr.h. Numbers: Intel SDM volume 4, AMD APM volume 2 appendix A, Linux
 * Documentation/virt/kvm/x86/msr.rst; the filter: KVM api.rst KVM_X86_SET_MSR_FILTER. The x2APIC's
 * registers, 0x800 to 0x8ff, cannot be filtered and are always the guest's own.
 *
 * Not in it, among others: performance counters and events (0xc1, 0x186, 0x309, 0x38d, AMD 0xc0010000
 * and 0xc0010200), VMX and SVM (0x3a, 0x480, 0xc0010114, 0xc0010117), branch records, processor trace,
 * microcode update, power and temperature, Hyper-V's own.
 */
#include "msr.h"

#include <errno.h>
#include <linux/kvm.h>
#include <string.h>

#include "../../kvm_call.h"
#include "../../machine.h"

static const struct {
	uint32_t first, last;
} allowed[] = {
	{ 0x10, 0x12 },			/* TSC; kvmclock's old numbers */
	{ 0x1b, 0x1b },			/* APIC base */
	{ 0x3b, 0x3b },			/* TSC adjustment */
	{ 0x48, 0x49 },			/* SPEC_CTRL, PRED_CMD: the guest protects itself */
	{ 0x8b, 0x8b },			/* microcode revision: which mitigations there are */
	{ 0xce, 0xce },			/* platform information: CPUID faulting */
	{ 0xfe, 0xfe },			/* MTRR: how many */
	{ 0x10a, 0x10b },		/* ARCH_CAPABILITIES, L1D flush */
	{ 0x122, 0x122 },		/* TSX off */
	{ 0x140, 0x140 },		/* CPUID faulting */
	{ 0x174, 0x176 },		/* SYSENTER */
	{ 0x179, 0x17b },		/* machine check: global */
	{ 0x1a0, 0x1a0 },		/* fast strings */
	{ 0x1d9, 0x1d9 },		/* single-stepping by branch: the guest's debuggers */
	{ 0x200, 0x20f },		/* MTRR, variable */
	{ 0x250, 0x250 },		/* MTRR, fixed */
	{ 0x258, 0x259 },
	{ 0x268, 0x26f },
	{ 0x277, 0x277 },		/* PAT */
	{ 0x280, 0x29f },		/* machine check: thresholds */
	{ 0x2ff, 0x2ff },		/* MTRR default */
	{ 0x400, 0x47f },		/* machine check banks */
	{ 0x6e0, 0x6e0 },		/* TSC deadline: the timer */
	{ 0xda0, 0xda0 },		/* XSS, whose bits CPUID leaves empty */
	{ 0x4b564d00, 0x4b564d08 },	/* KVM: clock, asynchronous page faults, steal time, EOI */
	{ 0xc0000080, 0xc0000084 },	/* EFER, SYSCALL */
	{ 0xc0000100, 0xc0000103 },	/* FS, GS, kernel GS base, TSC_AUX */
	{ 0xc0010010, 0xc0010010 },	/* AMD: SYSCFG, read at start */
	{ 0xc0010015, 0xc0010015 },	/* AMD: HWCR, read at start */
	{ 0xc001001a, 0xc001001a },	/* AMD: top of memory */
	{ 0xc001001d, 0xc001001d },
	{ 0xc0010055, 0xc0010055 },	/* AMD: does the APIC timer stop? */
	{ 0xc0010140, 0xc0010141 },	/* AMD: errata that do not apply */
	{ 0xc001011f, 0xc001011f },	/* AMD: SSBD for guests */
	{ 0xc0011020, 0xc0011022 },	/* AMD: load and store, caches: errata at start */
	{ 0xc0011029, 0xc001102a },	/* AMD: LFENCE serialises; errata */
};

/* Where the bitmaps lie: the filter takes at most 16 ranges. */
static const struct {
	uint32_t base, n;
} ranges[] = {
	{ 0x0, 0x700 }, { 0xda0, 8 }, { 0x4b564d00, 16 },
	{ 0xc0000080, 0x88 }, { 0xc0010000, 0x148 }, { 0xc0011000, 0x30 },
};

#define N_RANGES     (sizeof(ranges) / sizeof(ranges[0]))
#define BITMAP_BYTES (0x700 / 8)

bool msr_is_allowed(uint32_t msr)
{
	for (unsigned int i = 0; i < sizeof(allowed) / sizeof(allowed[0]); i++) {
		if (msr >= allowed[i].first && msr <= allowed[i].last)
			return true;
	}
	return false;
}

static void turn_counters_off(int kvm_fd, int vm_fd)
{
	struct kvm_enable_cap cap = { .cap = KVM_CAP_PMU_CAPABILITY, .args = { KVM_PMU_CAP_DISABLE } };

	/* Newer than the filter, which alone keeps the guest away from the counters. */
	if (kvm_call(kvm_fd, KVM_CHECK_EXTENSION, KVM_CAP_PMU_CAPABILITY) <= 0)
		return;
	if (kvm_call_ptr(vm_fd, KVM_ENABLE_CAP, &cap))
		setup_fail(errno, "KVM_CAP_PMU_CAPABILITY");
}

static void allow(uint8_t bitmap[N_RANGES][BITMAP_BYTES], uint32_t msr)
{
	for (unsigned int r = 0; r < N_RANGES; r++) {
		uint32_t i = msr - ranges[r].base; /* below the base: a large number */

		if (i < ranges[r].n)
			bitmap[r][i / 8] |= (uint8_t)(1u << (i % 8));
	}
}

void msr_filter_set(int kvm_fd, int vm_fd)
{
	static uint8_t bitmap[N_RANGES][BITMAP_BYTES];
	struct kvm_msr_filter filter = { .flags = KVM_MSR_FILTER_DEFAULT_DENY };

	if (kvm_call(kvm_fd, KVM_CHECK_EXTENSION, KVM_CAP_X86_MSR_FILTER) <= 0)
		setup_fail(0, "/dev/kvm: no MSR filter: expected Linux 5.10 or newer");
	memset(bitmap, 0, sizeof(bitmap));
	for (unsigned int i = 0; i < sizeof(allowed) / sizeof(allowed[0]); i++) {
		for (uint32_t msr = allowed[i].first; msr <= allowed[i].last; msr++)
			allow(bitmap, msr);
	}
	for (unsigned int r = 0; r < N_RANGES; r++) {
		filter.ranges[r] = (struct kvm_msr_filter_range){
			.flags = KVM_MSR_FILTER_READ | KVM_MSR_FILTER_WRITE,
			.nmsrs = ranges[r].n,
			.base = ranges[r].base,
			.bitmap = bitmap[r],
		};
	}
	if (kvm_call_ptr(vm_fd, KVM_X86_SET_MSR_FILTER, &filter))
		setup_fail(errno, "KVM_X86_SET_MSR_FILTER");
	turn_counters_off(kvm_fd, vm_fd);
}
