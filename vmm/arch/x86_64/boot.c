/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Booting an x86-64 kernel by PVH (Xen docs/misc/pvh.pandoc "PVH Specification", public
 * arch-x86/hvm/start_info.h): the first vCPU starts in 32 bit protected mode, flat segments, paging
 * off, ebx = address of the start info.
 */
#include <assert.h>
#include <errno.h>
#include <linux/kvm.h>
#include <stdio.h>
#include <string.h>

#include "bytes.h"

#include "../../initramfs.h"
#include "../../kvm_call.h"
#include "../../mmio.h"
#include "../arch.h"
#include "elf.h"
#include "layout.h"
#include "mptable.h"

/* struct hvm_start_info, version 1 */
struct start_info {
	struct le32 magic, version, flags, n_modules;
	struct le64 modules, cmdline, rsdp, memmap;
	struct le32 n_memmap, reserved;
};
static_assert(sizeof(struct start_info) == 56, "PVH start info");

/* struct hvm_modlist_entry */
struct modlist_entry {
	struct le64 address, size, cmdline, reserved;
};

/* struct hvm_memmap_table_entry; types as in E820 */
struct memmap_entry {
	struct le64 address, size;
	struct le32 type, reserved;
};
static_assert(sizeof(struct memmap_entry) == 24, "PVH memory map");

#define START_MAGIC	0x336ec578u
#define E820_RAM	1u
#define E820_RESERVED	2u
#define PAGE		4096u
#define HUGE_PAGE	(UINT64_C(2) << 20)
#define BUDDY_BLOCK	(UINT64_C(4) << 20) /* the largest that Linux's page allocator hands out */
#define MEMORY_SECTION	(UINT64_C(128) << 20) /* of which Linux keeps page descriptors in a huge page */
#define CR0_PE		(1u << 0)
#define CR0_ET		(1u << 4)
#define RFLAGS_RESERVED 2u

static void put(const struct machine *m, uint64_t gpa, const void *p, size_t len)
{
	if (gmem_write(&m->mem, GPA(gpa), p, len))
		setup_fail(0, "boot tables do not fit into guest memory");
}

static struct memmap_entry range(uint64_t from, uint64_t to, uint32_t type)
{
	return (struct memmap_entry){
		.address = le64_of(from), .size = le64_of(to - from), .type = le32_of(type)
	};
}

static unsigned int write_memmap(const struct machine *m)
{
	struct memmap_entry map[] = {
		range(0, KLOG_GPA, E820_RAM),
		range(KLOG_GPA, KLOG_GPA + KLOG_SIZE, E820_RESERVED),
		range(KLOG_GPA + KLOG_SIZE, MPTABLE_GPA, E820_RAM),
		range(MPTABLE_GPA, LOW_MEMORY_END, E820_RESERVED),
		range(HIGH_MEMORY, m->mem.region[0].size, E820_RAM),
		range(RAM_ABOVE_4G, RAM_ABOVE_4G + m->mem.region[1].size, E820_RAM),
	};
	unsigned int n = m->mem.n_regions == 2 ? 6 : 5;

	put(m, MEMMAP_GPA, map, n * sizeof(map[0]));
	return n;
}

static void write_cmdline(const struct machine *m, const char *extra)
{
	char line[CMDLINE_MAX];
	int n;

	/*
	 * reboot=t: a triple fault is an immediate exit; panic=-1: a panic does the same at once.
	 * ramoops: the kernel's log in the reserved region (klog.h), all of it one zone, mapped
	 * cached.
	 * With a single processor:
	 * percpu_alloc=page: without it memory for each CPU comes in units of 2 MiB, all of it zeroed,
	 * and the second unit has 4 MiB of accounting, zeroed too.
	 * noreplace-smp: else 6700 lock prefixes are patched out, one by one.
	 */
	n = snprintf(line, sizeof(line),
		     "reboot=t panic=-1 swiotlb=noforce random.trust_cpu=on %s"
		     "ramoops.mem_address=0x%x ramoops.mem_size=0x%x ramoops.console_size=0x%x "
		     "ramoops.record_size=0 ramoops.ftrace_size=0 ramoops.pmsg_size=0 "
		     "ramoops.mem_type=2 %s",
		     m->n_cpus == 1 ? "percpu_alloc=page noreplace-smp " : "", KLOG_GPA, KLOG_SIZE,
		     KLOG_SIZE, extra);
	for (unsigned int i = 0; i < m->n_devs && n < (int)sizeof(line); i++)
		n += snprintf(line + n, sizeof(line) - (size_t)n, " virtio_mmio.device=4K@0x%llx:%u",
			      (unsigned long long)arch_mmio_base(i), arch_irq_line(i));
	if (n >= (int)sizeof(line))
		setup_fail(0, "kernel command line too long");
	put(m, CMDLINE_GPA, line, (size_t)n + 1);
}

/*
 * The initramfs at the top of low memory. Its address; *size gets its length. Small pages there: less than half of
 * that huge page is touched by a boot, and the host would zero all of it. The one below is usually where Linux
 * describes the pages of the last section of memory; where three quarters of a section or less are there, so much of
 * it is touched.
 */
static uint64_t load_initramfs(const struct machine *m, int init_fd, uint64_t kernel_end,
			       uint64_t *size)
{
	uint64_t top = m->mem.region[0].size;
	uint64_t in_last_section = top % MEMORY_SECTION;
	uint64_t at, small;

	*size = initramfs_size(init_fd);
	if (*size == 0)
		setup_fail(0, "nacre-init: unreadable or too large");
	if (*size > top - HIGH_MEMORY)
		setup_fail(0, "nacre-init: larger than the VM's memory");
	at = (top - *size) & ~(uint64_t)(PAGE - 1);
	if (at < kernel_end)
		setup_fail(0, "kernel and nacre-init: larger than the VM's memory");
	small = at & ~(HUGE_PAGE - 1);
	if (in_last_section > 0 && in_last_section <= MEMORY_SECTION / 4 * 3)
		small -= HUGE_PAGE;
	gmem_small_pages(&m->mem, GPA(small), top - small);
	if (initramfs_write(&m->mem, GPA(at), init_fd))
		setup_fail(0, "nacre-init: unreadable or larger than the VM's memory");
	return at;
}

static void write_start_info(const struct machine *m, uint64_t initramfs, uint64_t initramfs_size)
{
	struct modlist_entry module = {
		.address = le64_of(initramfs),
		.size = le64_of(initramfs_size),
	};
	struct start_info info = {
		.magic = le32_of(START_MAGIC),
		.version = le32_of(1),
		.n_modules = le32_of(1),
		.modules = le64_of(MODLIST_GPA),
		.cmdline = le64_of(CMDLINE_GPA),
		.memmap = le64_of(MEMMAP_GPA),
		.n_memmap = le32_of(write_memmap(m)),
	};

	put(m, MODLIST_GPA, &module, sizeof(module));
	put(m, START_INFO_GPA, &info, sizeof(info));
}

static void write_mptable(const struct machine *m)
{
	uint8_t table[MPTABLE_MAX] = { 0 };

	if (!mptable_write(table, sizeof(table), MPTABLE_GPA, m->n_cpus))
		setup_fail(0, "MP table for %u CPUs does not fit", m->n_cpus);
	put(m, MPTABLE_GPA, table, sizeof(table));
}

static struct kvm_segment flat_segment(uint8_t type, uint16_t selector)
{
	return (struct kvm_segment){
		.limit = 0xffffffff,
		.selector = selector,
		.type = type,
		.present = 1,
		.db = 1,
		.s = 1,
		.g = 1,
	};
}

static void set_entry(const struct machine *m, uint32_t entry)
{
	struct kvm_regs regs = {
		.rip = entry,
		.rbx = START_INFO_GPA,
		.rflags = RFLAGS_RESERVED,
	};
	struct kvm_sregs sregs;

	if (kvm_call_ptr(m->vcpu_fd[0], KVM_GET_SREGS, &sregs))
		setup_fail(errno, "KVM_GET_SREGS");
	sregs.cs = flat_segment(0xb, 0x8);
	sregs.ds = sregs.es = sregs.ss = flat_segment(0x3, 0x10);
	sregs.fs = sregs.gs = sregs.ds;
	sregs.tr = (struct kvm_segment){ .limit = 0x67, .type = 0xb, .present = 1, .selector = 0x18 };
	sregs.cr0 = CR0_PE | CR0_ET;
	sregs.cr4 = 0;
	sregs.efer = 0;
	if (kvm_call_ptr(m->vcpu_fd[0], KVM_SET_SREGS, &sregs))
		setup_fail(errno, "KVM_SET_SREGS");
	if (kvm_call_ptr(m->vcpu_fd[0], KVM_SET_REGS, &regs))
		setup_fail(errno, "KVM_SET_REGS");
}

/*
 * Small pages where a boot touches few, as the host would zero a huge page as a whole: the first has the boot
 * tables and then not much more; one has the end of the kernel's zeroed data, and none of the file's, which is
 * loaded by now; and the first half of each of the two blocks behind the kernel is what Linux's allocator takes for its
 * second and third type of pages.
 */
static void small_pages_where_sparse(const struct machine *m, uint64_t kernel_end)
{
	const uint64_t block = (kernel_end + BUDDY_BLOCK - 1) & ~(BUDDY_BLOCK - 1);
	const uint64_t sparse[] = { 0, kernel_end & ~(HUGE_PAGE - 1), block, block + BUDDY_BLOCK };

	for (size_t i = 0; i < sizeof(sparse) / sizeof(sparse[0]); i++)
		gmem_small_pages(&m->mem, GPA(sparse[i]), HUGE_PAGE);
}

void arch_load(const struct machine *m, int kernel_fd, int init_fd, struct arch_images *images)
{
	struct elf_kernel kernel;
	const char *wrong = elf_load(&m->mem, kernel_fd, HIGH_MEMORY, &kernel);

	if (wrong)
		setup_fail(0, "guest kernel: %s", wrong);
	small_pages_where_sparse(m, kernel.end);
	images->entry = kernel.entry;
	images->initramfs = load_initramfs(m, init_fd, kernel.end, &images->initramfs_size);
}

void arch_set_boot(const struct machine *m, const struct arch_images *images, const char *cmdline)
{
	write_cmdline(m, cmdline);
	write_start_info(m, images->initramfs, images->initramfs_size);
	write_mptable(m);
	set_entry(m, (uint32_t)images->entry);
}
