/* SPDX-License-Identifier: Apache-2.0 */
/* x86-64 vCPUs: CPUID and model-specific registers, before they run. See ../arch.h. */
#include <errno.h>
#include <linux/kvm.h>
#include <string.h>

#include "../../kvm_call.h"
#include "../arch.h"

#define CPUID_ENTRIES 128

struct cpuid_table {
	struct kvm_cpuid2 head;
	struct kvm_cpuid_entry2 entry[CPUID_ENTRIES];
};

/* Bits of CPUID, Intel SDM volume 2A "CPUID", AMD APM volume 3 appendix E. */
#define LEAF1_ECX_VMX	       (1u << 5)
#define LEAF1_ECX_TSC_DEADLINE (1u << 24)
#define LEAF1_ECX_HYPERVISOR   (1u << 31)
#define LEAF1_EDX_HTT	       (1u << 28)
#define EXT1_ECX_SVM	       (1u << 2)

#define MSR_IA32_MISC_ENABLE   0x1a0u
#define MISC_ENABLE_FAST_STRING 1u

static void clear_entry(struct kvm_cpuid_entry2 *e)
{
	e->eax = e->ebx = e->ecx = e->edx = 0;
}

/* Leaf 0xb and 0x1f: one thread per core, all cores in one package, x2APIC id = number. */
static void topology_entry(struct kvm_cpuid_entry2 *e, unsigned int cpu, unsigned int n_cpus)
{
	unsigned int shift = 0;

	while ((1u << shift) < n_cpus)
		shift++;
	e->eax = e->index == 1 ? shift : 0;
	e->ebx = e->index == 0 ? 1 : e->index == 1 ? n_cpus : 0;
	e->ecx = e->index | (e->index < 2 ? (e->index + 1) << 8 : 0);
	e->edx = cpu;
}

static void patch_leaf1(struct kvm_cpuid_entry2 *e, unsigned int cpu, unsigned int n_cpus)
{
	e->ebx = (e->ebx & 0xffffu) | n_cpus << 16 | cpu << 24;
	/*
	 * KVM_GET_SUPPORTED_CPUID leaves these two to us. Without them the guest looks for no
	 * kvmclock and calibrates a timer that does not exist.
	 */
	e->ecx |= LEAF1_ECX_HYPERVISOR | LEAF1_ECX_TSC_DEADLINE;
	e->ecx &= ~LEAF1_ECX_VMX;
	if (n_cpus > 1)
		e->edx |= LEAF1_EDX_HTT;
	else
		e->edx &= ~LEAF1_EDX_HTT;
}

static void patch_entry(struct kvm_cpuid_entry2 *e, unsigned int cpu, unsigned int n_cpus)
{
	switch (e->function) {
	case 1:
		patch_leaf1(e, cpu, n_cpus);
		break;
	case 0xa: /* performance monitoring: none */
	case 0x8000000a: /* SVM: none */
		clear_entry(e);
		break;
	case 0xb:
	case 0x1f:
		topology_entry(e, cpu, n_cpus);
		break;
	case 0x80000001:
		e->ecx &= ~EXT1_ECX_SVM;
		break;
	}
}

/*
 * XCR0 with all that the guest may enable, as its kernel will set it. At reset it would be 1; but a
 * hypervisor that does not see the guest's XSETBV (nested in an emulator) would stay there, report a
 * wrong size in CPUID leaf 0xd and take AVX away at every exit.
 */
static void set_xcr0(const struct machine *m, unsigned int cpu, const struct cpuid_table *t)
{
	struct kvm_xcrs xcrs = { .nr_xcrs = 1 };

	for (uint32_t i = 0; i < t->head.nent; i++) {
		if (t->entry[i].function == 0xd && t->entry[i].index == 0)
			xcrs.xcrs[0].value = (uint64_t)t->entry[i].edx << 32 | t->entry[i].eax;
	}
	if (xcrs.xcrs[0].value && kvm_call_ptr(m->vcpu_fd[cpu], KVM_SET_XCRS, &xcrs))
		setup_fail(errno, "KVM_SET_XCRS");
}

static void set_cpuid(const struct machine *m, int kvm_fd, unsigned int cpu)
{
	static struct cpuid_table t;

	memset(&t, 0, sizeof(t));
	t.head.nent = CPUID_ENTRIES;
	if (kvm_call_ptr(kvm_fd, KVM_GET_SUPPORTED_CPUID, &t.head))
		setup_fail(errno, "KVM_GET_SUPPORTED_CPUID");
	for (uint32_t i = 0; i < t.head.nent; i++)
		patch_entry(&t.entry[i], cpu, m->n_cpus);
	if (kvm_call_ptr(m->vcpu_fd[cpu], KVM_SET_CPUID2, &t.head))
		setup_fail(errno, "KVM_SET_CPUID2");
	set_xcr0(m, cpu, &t);
}

void arch_setup_vcpus(const struct machine *m, int kvm_fd)
{
	struct {
		struct kvm_msrs head;
		struct kvm_msr_entry entry[1];
	} msrs = {
		.head.nmsrs = 1,
		.entry = { { .index = MSR_IA32_MISC_ENABLE, .data = MISC_ENABLE_FAST_STRING } },
	};

	if (kvm_call(kvm_fd, KVM_CHECK_EXTENSION, KVM_CAP_TSC_DEADLINE_TIMER) <= 0)
		setup_fail(0, "/dev/kvm: no TSC deadline timer, which the guest needs");
	for (unsigned int i = 0; i < m->n_cpus; i++) {
		set_cpuid(m, kvm_fd, i);
		/* An emulated or AMD host may not know the register: fast strings are its default. */
		(void)kvm_call_ptr(m->vcpu_fd[i], KVM_SET_MSRS, &msrs);
	}
}
