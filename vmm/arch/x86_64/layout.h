/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The guest-physical address space of an x86-64 VM.
 *
 *	0x0000_6000	start info, module list, memory map, command line (PVH)
 *	0x0009_0000	the kernel's log, 32 KiB, reserved
 *	0x0009_fc00	MP table, 1 KiB, reserved
 *	0x0010_0000	RAM up to LOW_RAM_END or the VM's size; the kernel is linked to 2 MiB
 *	0xc000_0000	nothing: the hole below 4 GiB
 *	0xd000_0000	virtio-mmio windows, 4 KiB each
 *	0xfec0_0000	I/O APIC, 0xfee0_0000 local APIC (KVM)
 *	0xfffb_c000	pages that KVM wants on Intel (identity map, TSS)
 *	0x1_0000_0000	the rest of the RAM
 */
#ifndef NACRE_VMM_X86_64_LAYOUT_H
#define NACRE_VMM_X86_64_LAYOUT_H

#define START_INFO_GPA	 0x6000u
#define MODLIST_GPA	 0x6100u
#define MEMMAP_GPA	 0x6200u
#define CMDLINE_GPA	 0x7000u
#define CMDLINE_MAX	 0x1000u
#define GDT_GPA		 0x8000u
#define KLOG_GPA	 0x90000u
#define KLOG_SIZE	 0x8000u
#define MPTABLE_GPA	 0x9fc00u
#define MPTABLE_MAX	 0x400u
#define LOW_MEMORY_END	 0xa0000u
#define HIGH_MEMORY	 0x100000u
#define LOW_RAM_END	 0xc0000000u
#define MMIO_BASE	 0xd0000000u
#define IOAPIC_GPA	 0xfec00000u
#define LAPIC_GPA	 0xfee00000u
#define IDENTITY_MAP_GPA 0xfffbc000u
#define TSS_GPA		 0xfffbd000u
#define RAM_ABOVE_4G	 UINT64_C(0x100000000)

/* The first I/O APIC pin of a device; below are those of the legacy devices that do not exist. */
#define FIRST_IRQ	 5u

#endif
