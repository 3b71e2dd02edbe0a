/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The state of x86-64 processors and interrupt controllers as KVM gives and takes it (KVM api.rst), for
 * templates. See ../arch.h.
 *
 * Order matters when it is set: SREGS says whether there is an APIC, the timer's deadline needs the APIC's
 * mode and the time stamp counter, and events come last. The counter is set by its offset (KVM_VCPU_TSC_OFFSET),
 * the same for all vCPUs: a write of the register within a second of the vCPU's making is taken for an
 * attempt to synchronize it, and dropped (Linux before 6.7, kvm_synchronize_tsc()).
 */
#include <errno.h>
#include <linux/kvm.h>
#include <string.h>

#include "../../kvm_call.h"
#include "../arch.h"
#include "msr.h"

#define MSRS_MAX	 256u
#define MSR_TSC		 0x10u
#define MSR_TSC_DEADLINE 0x6e0u
#define N_CHIPS		 3u /* two PICs, the I/O APIC */
#define XSAVE_WORDS	 1024u

struct cpu_state {
	struct kvm_mp_state mp;
	struct kvm_regs regs;
	struct kvm_sregs sregs;
	uint32_t xsave[XSAVE_WORDS];
	struct kvm_xcrs xcrs;
	struct kvm_lapic_state lapic;
	struct kvm_debugregs debug;
	struct kvm_vcpu_events events;
	uint32_t n_msrs;
	struct kvm_msr_entry msr[MSRS_MAX];
};

struct arch_state {
	uint64_t tsc_khz, tsc;
	struct kvm_clock_data clock;
	struct kvm_irqchip chip[N_CHIPS];
	struct cpu_state cpu[];
};

/* The registers that KVM lists and the guest may reach, but for the counter; the deadline last. */
static struct {
	uint32_t n;
	uint32_t index[MSRS_MAX];
	int tsc_khz;
} known;

struct msr_list {
	struct kvm_msrs head;
	struct kvm_msr_entry entry[MSRS_MAX];
};

size_t arch_state_size(const struct machine *m)
{
	return sizeof(struct arch_state) + m->n_cpus * sizeof(struct cpu_state);
}

struct one_msr {
	struct kvm_msrs head;
	struct kvm_msr_entry entry[1];
};

static bool can_be_set(const struct machine *m, uint32_t msr)
{
	struct one_msr one = { .head.nmsrs = 1, .entry = { { .index = msr } } };

	return kvm_call_ptr(m->vcpu_fd[0], KVM_GET_MSRS, &one) == 1 &&
	       kvm_call_ptr(m->vcpu_fd[0], KVM_SET_MSRS, &one) == 1;
}

/* The time stamp counter as the guest reads it now. 0 or -errno. */
static int counter_read(int fd, uint64_t *tsc)
{
	struct one_msr one = { .head.nmsrs = 1, .entry = { { .index = MSR_TSC } } };

	if (kvm_call_ptr(fd, KVM_GET_MSRS, &one) != 1)
		return -EIO;
	*tsc = one.entry[0].data;
	return 0;
}

bool arch_can_copy(int kvm_fd)
{
	return kvm_call(kvm_fd, KVM_CHECK_EXTENSION, KVM_CAP_VCPU_ATTRIBUTES) > 0;
}

void arch_state_init(const struct machine *m, int kvm_fd)
{
	static struct {
		struct kvm_msr_list head;
		uint32_t index[1024];
	} list;

	list.head.nmsrs = sizeof(list.index) / sizeof(list.index[0]);
	if (kvm_call_ptr(kvm_fd, KVM_GET_MSR_INDEX_LIST, &list.head))
		setup_fail(errno, "KVM_GET_MSR_INDEX_LIST");
	for (uint32_t i = 0; i < list.head.nmsrs; i++) {
		uint32_t msr = list.index[i];

		if (!msr_is_allowed(msr) || msr == MSR_TSC || msr == MSR_TSC_DEADLINE ||
		    !can_be_set(m, msr))
			continue;
		if (known.n == MSRS_MAX - 1)
			setup_fail(0, "template: too many registers");
		known.index[known.n++] = msr;
	}
	known.index[known.n++] = MSR_TSC_DEADLINE;
	known.tsc_khz = kvm_call(m->vcpu_fd[0], KVM_GET_TSC_KHZ, 0);
	if (known.tsc_khz <= 0)
		setup_fail(errno, "KVM_GET_TSC_KHZ");
}

bool arch_cpus_sleep(const struct machine *m)
{
	for (unsigned int i = 0; i < m->n_cpus; i++) {
		struct kvm_mp_state mp;

		if (kvm_call_ptr(m->vcpu_fd[i], KVM_GET_MP_STATE, &mp) ||
		    mp.mp_state != KVM_MP_STATE_HALTED)
			return false;
	}
	return true;
}

static int msrs_save(int fd, struct cpu_state *s, uint64_t tsc)
{
	static struct msr_list list;

	list.head.nmsrs = known.n;
	for (uint32_t i = 0; i < known.n; i++)
		list.entry[i] = (struct kvm_msr_entry){ .index = known.index[i] };
	if (kvm_call_ptr(fd, KVM_GET_MSRS, &list) != (int)known.n)
		return -EIO;
	/*
	 * A deadline that has passed reads as 0, also while KVM has yet to deliver the interrupt, which nothing
	 * else tells of: one interrupt of the timer too many does no harm, one too few stops the guest.
	 */
	if (list.entry[known.n - 1].data == 0)
		list.entry[known.n - 1].data = tsc;
	s->n_msrs = known.n;
	memcpy(s->msr, list.entry, known.n * sizeof(list.entry[0]));
	return 0;
}

static int cpu_save(int fd, struct cpu_state *s, uint64_t tsc)
{
	const struct {
		unsigned long request;
		void *to;
	} parts[] = {
		{ KVM_GET_MP_STATE, &s->mp },	{ KVM_GET_REGS, &s->regs },
		{ KVM_GET_SREGS, &s->sregs },	{ KVM_GET_XSAVE, s->xsave },
		{ KVM_GET_XCRS, &s->xcrs },	{ KVM_GET_LAPIC, &s->lapic },
		{ KVM_GET_DEBUGREGS, &s->debug }, { KVM_GET_VCPU_EVENTS, &s->events },
	};

	for (unsigned int i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		if (kvm_call_ptr(fd, parts[i].request, parts[i].to))
			return -errno;
	}
	return msrs_save(fd, s, tsc);
}

int arch_state_save(const struct machine *m, void *state)
{
	struct arch_state *s = state;
	int r;

	memset(s, 0, arch_state_size(m));
	s->tsc_khz = (uint64_t)known.tsc_khz;
	r = counter_read(m->vcpu_fd[0], &s->tsc);
	for (unsigned int i = 0; i < m->n_cpus && !r; i++)
		r = cpu_save(m->vcpu_fd[i], &s->cpu[i], s->tsc);
	for (uint32_t i = 0; i < N_CHIPS && !r; i++) {
		s->chip[i].chip_id = i;
		r = kvm_call_ptr(m->vm_fd, KVM_GET_IRQCHIP, &s->chip[i]) ? -errno : 0;
	}
	if (!r)
		r = kvm_call_ptr(m->vm_fd, KVM_GET_CLOCK, &s->clock) ? -errno : 0;
	return r;
}

static void put(int fd, unsigned long request, void *from, const char *name)
{
	if (kvm_call_ptr(fd, request, from))
		setup_fail(errno, "template: %s", name);
}

static void msrs_restore(int fd, const struct cpu_state *s)
{
	static struct msr_list list;
	int n;

	if (s->n_msrs > MSRS_MAX)
		setup_fail(0, "template: more registers than there are");
	list.head.nmsrs = s->n_msrs;
	memcpy(list.entry, s->msr, list.head.nmsrs * sizeof(list.entry[0]));
	n = kvm_call_ptr(fd, KVM_SET_MSRS, &list);
	if (n != (int)list.head.nmsrs)
		setup_fail(n < 0 ? errno : 0, "template: register 0x%x",
			   n < 0 ? 0 : list.entry[n].index);
}

/* The counter's rate is the host's, unless the host was started since: then KVM is to scale it. */
static void set_rate(const struct machine *m, uint64_t khz)
{
	for (unsigned int i = 0; i < m->n_cpus; i++) {
		if (kvm_call(m->vcpu_fd[i], KVM_GET_TSC_KHZ, 0) != (int)khz &&
		    kvm_call(m->vcpu_fd[i], KVM_SET_TSC_KHZ, khz))
			setup_fail(errno, "template: the processor's clock has another rate");
	}
}

/* Has every counter go on from `tsc`. What is read back may only be a moment later. */
static void set_counters(const struct machine *m, uint64_t tsc, uint64_t khz)
{
	uint64_t offset, now;
	struct kvm_device_attr attr = {
		.group = KVM_VCPU_TSC_CTRL,
		.attr = KVM_VCPU_TSC_OFFSET,
		.addr = (uintptr_t)&offset,
	};

	put(m->vcpu_fd[0], KVM_GET_DEVICE_ATTR, &attr, "KVM_VCPU_TSC_OFFSET");
	if (counter_read(m->vcpu_fd[0], &now))
		setup_fail(0, "template: the time stamp counter cannot be read");
	offset += tsc - now;
	for (unsigned int i = 0; i < m->n_cpus; i++)
		put(m->vcpu_fd[i], KVM_SET_DEVICE_ATTR, &attr, "KVM_VCPU_TSC_OFFSET");
	/* ten seconds: a host may be slow, and what goes wrong is wrong by the time since its start */
	if (counter_read(m->vcpu_fd[m->n_cpus - 1], &now) || now - tsc > khz * 10000)
		setup_fail(0, "template: the time stamp counter cannot be set");
}

static void cpu_restore(int fd, struct cpu_state *s)
{
	put(fd, KVM_SET_SREGS, &s->sregs, "KVM_SET_SREGS");
	put(fd, KVM_SET_REGS, &s->regs, "KVM_SET_REGS");
	put(fd, KVM_SET_XCRS, &s->xcrs, "KVM_SET_XCRS");
	put(fd, KVM_SET_XSAVE, s->xsave, "KVM_SET_XSAVE");
	put(fd, KVM_SET_DEBUGREGS, &s->debug, "KVM_SET_DEBUGREGS");
	put(fd, KVM_SET_LAPIC, &s->lapic, "KVM_SET_LAPIC");
	msrs_restore(fd, s);
	put(fd, KVM_SET_MP_STATE, &s->mp, "KVM_SET_MP_STATE");
	put(fd, KVM_SET_VCPU_EVENTS, &s->events, "KVM_SET_VCPU_EVENTS");
}

void arch_state_restore(const struct machine *m, void *state)
{
	struct arch_state *s = state;

	set_rate(m, s->tsc_khz);
	for (uint32_t i = 0; i < N_CHIPS; i++)
		put(m->vm_fd, KVM_SET_IRQCHIP, &s->chip[i], "KVM_SET_IRQCHIP");
	set_counters(m, s->tsc, s->tsc_khz);
	for (unsigned int i = 0; i < m->n_cpus; i++)
		cpu_restore(m->vcpu_fd[i], &s->cpu[i]);
	/* The guest's time goes on where it stopped. */
	s->clock.flags = 0;
	put(m->vm_fd, KVM_SET_CLOCK, &s->clock, "KVM_SET_CLOCK");
}
