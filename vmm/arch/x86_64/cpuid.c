/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The CPUID allowlist. See cpuid.h. Bits: Intel SDM volume 2A "CPUID", AMD APM volume 3 appendix E,
 * Linux Documentation/virt/kvm/x86/cpuid.rst for 0x40000000.
 */
#include "cpuid.h"

#include <stdbool.h>
#include <stddef.h>

#define BIT(n)	      (1u << (n))
#define BITS(from, to) ((~0u >> (31 - (to))) & (~0u << (from)))
#define ALL	      (~0u)
#define ANY_INDEX     (~0u)

/* What the guest may enable in XCR0: x87, SSE, AVX, the three of AVX-512, PKRU. No MPX, no AMX. */
#define XCR0_ALLOWED (BITS(0, 2) | BITS(5, 7) | BIT(9))

/*
 * SSE3 PCLMUL SSSE3 FMA CX16 PCID SSE4.1 SSE4.2 x2APIC MOVBE POPCNT TSC-deadline AES XSAVE OSXSAVE AVX
 * F16C RDRAND hypervisor. Not: MONITOR (waits without an exit), VMX, SMX, EIST, thermal, PDCM (counters).
 */
#define LEAF1_ECX                                                                                  \
	(BITS(0, 1) | BIT(9) | BITS(12, 13) | BIT(17) | BITS(19, 28) | BITS(29, 31))
#define LEAF1_ECX_TSC_DEADLINE BIT(24)
#define LEAF1_ECX_HYPERVISOR   BIT(31)
/* All but serial number, debug store, ACPI thermal, thermal monitor, pending break: they watch or throttle the host. */
#define LEAF1_EDX     (BITS(0, 17) | BIT(19) | BITS(23, 28))
#define LEAF1_EDX_HTT BIT(28)

/*
 * FSGSBASE TSC_ADJUST BMI1 AVX2 FDP SMEP BMI2 ERMS INVPCID ZERO_FCS AVX512F DQ RDSEED ADX SMAP IFMA
 * CLFLUSHOPT CLWB AVX512-PF ER CD SHA BW VL. Not: SGX, TSX (HLE, RTM: a way to time caches), resource
 * monitoring and allocation, MPX, processor trace.
 */
#define LEAF7_EBX                                                                                  \
	(BITS(0, 1) | BIT(3) | BITS(5, 10) | BIT(13) | BITS(16, 21) | BITS(23, 24) | BITS(26, 31))
/* PREFETCHWT1 to PKE and OSPKE, the vector extensions, LA57, RDPID, CLDEMOTE, MOVDIRI, MOVDIR64B. Not:
 * WAITPKG (waits without an exit), CET, bus lock detection, ENQCMD, SGX launch control. */
#define LEAF7_ECX (BITS(0, 4) | BIT(6) | BITS(8, 12) | BIT(14) | BIT(16) | BIT(22) | BITS(25, 28))
/* AVX512-4VNNIW, 4FMAPS, FSRM, VP2INTERSECT, MD_CLEAR, SERIALIZE, AVX512-FP16, and what the guest's kernel
 * needs to protect itself: SPEC_CTRL STIBP L1D_FLUSH ARCH_CAPABILITIES SSBD. Not: AMX, LBR, TSX, CORE_CAP. */
#define LEAF7_EDX                                                                                  \
	(BITS(2, 4) | BIT(8) | BIT(10) | BIT(14) | BIT(23) | BITS(26, 29) | BIT(31))
/* AVX-VNNI, AVX512-BF16, fast short REP, AVX-IFMA. */
#define LEAF7_1_EAX (BITS(4, 5) | BITS(10, 12) | BIT(23))

/* kvmclock, asynchronous page faults (not as exits), steal time, end of interrupt, spinlocks, TLB flush,
 * IPIs, halt polling, yield, extended destinations, a clock that is stable. Not: what encrypted guests and
 * migration use. */
#define KVM_FEATURES (BIT(0) | BIT(1) | BITS(3, 7) | BIT(9) | BITS(11, 15) | BIT(24))

/* LAHF CMP_LEGACY CR8 ABM SSE4A MISALIGNSSE 3DNOWPREFETCH OSVW XOP FMA4 TBM. Not: SVM, IBS, SKINIT,
 * watchdog, LWP, topology of the host, performance counters, MWAITX. */
#define EXT1_ECX (BITS(0, 1) | BITS(4, 9) | BIT(11) | BIT(16) | BIT(21))
/* As leaf 1, and SYSCALL NX MMXEXT FXSR_OPT 1-GiB pages RDTSCP LM 3DNOWEXT 3DNOW. */
#define EXT1_EDX (BITS(0, 9) | BITS(11, 17) | BIT(20) | BITS(22, 27) | BITS(29, 31))
/* CLZERO XSAVEERPTR WBNOINVD IBPB IBRS STIBP (and always on) SSBD VIRT_SSBD SSB_NO PSFD BTC_NO. */
#define EXT8_EBX                                                                                   \
	(BIT(0) | BIT(2) | BIT(9) | BIT(12) | BITS(14, 15) | BIT(17) | BITS(24, 26) | BITS(28, 29))
/* LFENCE serialises, NULL selectors clear, automatic IBRS, and the answers to SRSO. */
#define EXT21_EAX (BIT(2) | BIT(6) | BIT(8) | BITS(27, 30))

/* A leaf that passes, with the bits that do. A leaf that no line names does not exist for the guest. */
static const struct rule {
	uint32_t function, index; /* ANY_INDEX: every one */
	uint32_t eax, ebx, ecx, edx;
} rules[] = {
	{ 0x0, 0, ALL, ALL, ALL, ALL },		       /* highest leaf (set below), vendor */
	{ 0x1, 0, ALL, BITS(0, 15), LEAF1_ECX, LEAF1_EDX }, /* model, CLFLUSH; features */
	{ 0x2, 0, ALL, ALL, ALL, ALL },		       /* caches, as old programs ask */
	{ 0x4, ANY_INDEX, BITS(0, 9), ALL, ALL, BITS(0, 2) }, /* caches; who shares them: below */
	{ 0x6, 0, BIT(2), 0, 0, 0 },		       /* the APIC timer never stops */
	{ 0x7, 0, ALL, LEAF7_EBX, LEAF7_ECX, LEAF7_EDX },
	{ 0x7, 1, LEAF7_1_EAX, 0, 0, 0 },
	{ 0xb, ANY_INDEX, 0, 0, 0, 0 },		       /* topology: below */
	{ 0xd, 0, XCR0_ALLOWED, ALL, ALL, 0 },
	{ 0xd, 1, BITS(0, 3), ALL, 0, 0 },	       /* XSAVEOPT XSAVEC XGETBV1 XSAVES; XSS is empty */
	{ 0xd, ANY_INDEX, ALL, ALL, BITS(0, 1), 0 },   /* of each part that XCR0 has */
	{ 0x1f, ANY_INDEX, 0, 0, 0, 0 },	       /* topology: below */
	{ 0x40000000, 0, ALL, ALL, ALL, ALL },	       /* "KVMKVMKVM" */
	{ 0x40000001, 0, KVM_FEATURES, 0, 0, 0 },
	{ 0x80000000, 0, ALL, ALL, ALL, ALL },	       /* highest leaf (set below), vendor */
	{ 0x80000001, 0, ALL, ALL, EXT1_ECX, EXT1_EDX },
	{ 0x80000002, 0, ALL, ALL, ALL, ALL },	       /* the processor's name */
	{ 0x80000003, 0, ALL, ALL, ALL, ALL },
	{ 0x80000004, 0, ALL, ALL, ALL, ALL },
	{ 0x80000005, 0, ALL, ALL, ALL, ALL },	       /* AMD: first caches and TLBs */
	{ 0x80000006, 0, ALL, ALL, ALL, ALL },	       /* second and third */
	{ 0x80000007, 0, 0, 0, 0, BIT(8) },	       /* the TSC never stops */
	{ 0x80000008, 0, ALL, EXT8_EBX, 0, 0 },	       /* address sizes; cores: below */
	{ 0x80000021, 0, EXT21_EAX, 0, 0, 0 },
};

static const struct rule *rule_of(const struct kvm_cpuid_entry2 *e)
{
	for (unsigned int i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
		if (rules[i].function == e->function &&
		    (rules[i].index == ANY_INDEX || rules[i].index == e->index))
			return &rules[i];
	}
	return NULL;
}

/* Part `index` of the extended state is there only if the guest may enable it. */
static bool part_is_hidden(const struct kvm_cpuid_entry2 *e)
{
	return e->function == 0xd && e->index >= 2 &&
	       (e->index > 31 || !(XCR0_ALLOWED & BIT(e->index)));
}

/* Leaf 4: caches of the first two levels belong to one core, those above to the package. */
static void set_sharing(struct kvm_cpuid_entry2 *e, unsigned int n_cpus)
{
	uint32_t level = e->eax >> 5 & 7;

	if (!(e->eax & BITS(0, 4))) /* no more caches */
		return;
	if (level > 2)
		e->eax |= (n_cpus - 1) << 14;
	e->eax |= (n_cpus - 1) << 26;
}

/* Leaf 0xb and 0x1f: one thread per core, all cores in one package, x2APIC id = number. */
static void set_topology(struct kvm_cpuid_entry2 *e, unsigned int cpu, unsigned int n_cpus)
{
	unsigned int shift = 0;

	while ((1u << shift) < n_cpus)
		shift++;
	e->eax = e->index == 1 ? shift : 0;
	e->ebx = e->index == 0 ? 1 : e->index == 1 ? n_cpus : 0;
	e->ecx = e->index | (e->index < 2 ? (e->index + 1) << 8 : 0);
	e->edx = cpu;
}

/*
 * KVM_GET_SUPPORTED_CPUID leaves "hypervisor" and the deadline timer to us. Without them the guest
 * looks for no kvmclock and calibrates a timer that does not exist.
 */
static void set_leaf1(struct kvm_cpuid_entry2 *e, unsigned int cpu, unsigned int n_cpus)
{
	e->ebx |= n_cpus << 16 | cpu << 24;
	e->ecx |= LEAF1_ECX_HYPERVISOR | LEAF1_ECX_TSC_DEADLINE;
	if (n_cpus > 1)
		e->edx |= LEAF1_EDX_HTT;
	else
		e->edx &= ~LEAF1_EDX_HTT;
}

static void set_our_own(struct kvm_cpuid_entry2 *e, unsigned int cpu, unsigned int n_cpus)
{
	switch (e->function) {
	case 0x1:
		set_leaf1(e, cpu, n_cpus);
		break;
	case 0x4:
		set_sharing(e, n_cpus);
		break;
	case 0x7:
		if (e->index == 0 && e->eax > 1)
			e->eax = 1; /* the highest index that has a rule */
		break;
	case 0xb:
	case 0x1f:
		set_topology(e, cpu, n_cpus);
		break;
	case 0x40000000:
		e->eax = 0x40000001;
		break;
	case 0x80000008:
		e->ecx = n_cpus - 1;
		break;
	}
}

/* Leaves 0 and 0x80000000 name the highest leaf of their range: that is one which is still there. */
static void set_highest(struct kvm_cpuid_entry2 *entry, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		if (entry[i].function != 0 && entry[i].function != 0x80000000)
			continue;
		entry[i].eax = entry[i].function;
		for (uint32_t k = 0; k < n; k++) {
			if (entry[k].function >> 16 == entry[i].function >> 16 &&
			    entry[k].function > entry[i].eax)
				entry[i].eax = entry[k].function;
		}
	}
}

void cpuid_filter(struct kvm_cpuid_entry2 *entry, uint32_t *n, unsigned int cpu,
		  unsigned int n_cpus)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < *n; i++) {
		struct kvm_cpuid_entry2 e = entry[i];
		const struct rule *rule = rule_of(&e);

		if (!rule || part_is_hidden(&e))
			continue;
		e.eax &= rule->eax;
		e.ebx &= rule->ebx;
		e.ecx &= rule->ecx;
		e.edx &= rule->edx;
		set_our_own(&e, cpu, n_cpus);
		entry[kept++] = e;
	}
	set_highest(entry, kept);
	*n = kept;
}
