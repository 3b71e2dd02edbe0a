/* SPDX-License-Identifier: Apache-2.0 */
/* x86-64 vCPUs: CPUID and model-specific registers, before they run. See ../arch.h. */
#include <errno.h>
#include <linux/kvm.h>
#include <string.h>

#include "../../kvm_call.h"
#include "../arch.h"
#include "cpuid.h"

#define CPUID_ENTRIES 128

struct cpuid_table {
	struct kvm_cpuid2 head;
	struct kvm_cpuid_entry2 entry[CPUID_ENTRIES];
};

#define MSR_IA32_MISC_ENABLE   0x1a0u
#define MISC_ENABLE_FAST_STRING 1u
#define MSR_IA32_UCODE_REV     0x8bu
#define MSR_IA32_ARCH_CAPABILITIES 0x10au

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

/* What KVM has, as the guest is to see it. */
static struct cpuid_table *cpuid_of(const struct machine *m, int kvm_fd, unsigned int cpu)
{
	static struct cpuid_table t;

	memset(&t, 0, sizeof(t));
	t.head.nent = CPUID_ENTRIES;
	if (kvm_call_ptr(kvm_fd, KVM_GET_SUPPORTED_CPUID, &t.head))
		setup_fail(errno, "KVM_GET_SUPPORTED_CPUID");
	cpuid_filter(t.entry, &t.head.nent, cpu, m->n_cpus);
	return &t;
}

static void set_cpuid(const struct machine *m, int kvm_fd, unsigned int cpu)
{
	struct cpuid_table *t = cpuid_of(m, kvm_fd, cpu);

	if (kvm_call_ptr(m->vcpu_fd[cpu], KVM_SET_CPUID2, &t->head))
		setup_fail(errno, "KVM_SET_CPUID2");
	set_xcr0(m, cpu, t);
}

/* FNV-1a: nobody is kept from anything by it. */
static uint64_t digest_of(uint64_t digest, const void *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++)
		digest = (digest ^ ((const uint8_t *)bytes)[i]) * UINT64_C(0x100000001b3);
	return digest;
}

/* The microcode's revision and what it cured are in it: a guest patches itself by them as it boots. */
uint64_t arch_cpu_digest(const struct machine *m, int kvm_fd)
{
	static const uint32_t features[] = { MSR_IA32_UCODE_REV, MSR_IA32_ARCH_CAPABILITIES };
	const struct cpuid_table *t = cpuid_of(m, kvm_fd, 0);
	uint64_t digest = digest_of(UINT64_C(0xcbf29ce484222325), t->entry,
				    t->head.nent * sizeof(t->entry[0]));

	for (size_t i = 0; i < sizeof(features) / sizeof(features[0]); i++) {
		struct {
			struct kvm_msrs head;
			struct kvm_msr_entry entry[1];
		} one = { .head.nmsrs = 1, .entry = { { .index = features[i] } } };

		/* a host that does not have it leaves the 0 */
		(void)kvm_call_ptr(kvm_fd, KVM_GET_MSRS, &one);
		digest = digest_of(digest, &one.entry[0].data, sizeof(one.entry[0].data));
	}
	return digest;
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
