/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the PVH entry (32 bit, paging off) or, on the second processor, from real mode into long
 * mode, with the low 4 GiB mapped as they are. The page tables are data: filling them would cost a
 * software KVM more than the test.
 */
	.section .note.pvh, "a"
	.align 4
	.long 4, 4, 18
	.asciz "Xen"
	.long start

	.text
	.code32
	.globl start
start:
	cli
	lgdt gdt_pointer
	mov $pml4, %eax
	mov %eax, %cr3
	mov $0x20, %eax /* PAE */
	mov %eax, %cr4
	mov $0xc0000080, %ecx /* EFER */
	mov $0x100, %eax /* LME */
	xor %edx, %edx
	wrmsr
	mov $0x80000011, %eax /* PG, ET, PE */
	mov %eax, %cr0
	ljmp $0x8, $start64

	.code64
start64:
	mov $0x10, %eax
	mov %eax, %ds
	mov %eax, %es
	mov %eax, %ss
	mov $stack_end, %esp
	call guest_main
1:	hlt
	jmp 1b

ap64:
	mov $0x10, %eax
	mov %eax, %ds
	mov %eax, %es
	mov %eax, %ss
	mov $ap_stack_end, %esp
	call guest_second
1:	hlt
	jmp 1b

/* Copied to 0x10000, where the second processor starts in real mode. */
	.code16
	.globl trampoline, trampoline_end
trampoline:
	cli
	mov %cs, %ax
	mov %ax, %ds
	lgdtl trampoline_gdt - trampoline
	mov $pml4, %eax
	mov %eax, %cr3
	mov $0x20, %eax
	mov %eax, %cr4
	mov $0xc0000080, %ecx
	mov $0x100, %eax
	xor %edx, %edx
	wrmsr
	mov $0x80000011, %eax
	mov %eax, %cr0
	ljmpl $0x8, $ap64
	.align 4
trampoline_gdt:
	.word 23
	.long gdt
trampoline_end:

	.data
	.align 8
gdt:
	.quad 0
	.quad 0x00af9b000000ffff /* 64 bit code */
	.quad 0x00cf93000000ffff /* data */
gdt_pointer:
	.word 23
	.long gdt

	.align 4096
pml4:
	.quad pdpt + 3
	.fill 511, 8, 0
pdpt:
	.quad pd + 3, pd + 0x1003, pd + 0x2003, pd + 0x3003
	.fill 508, 8, 0
pd:
	.set page, 0
	.rept 2048
	.quad page + 0x83 /* present, writable, 2 MiB */
	.set page, page + 0x200000
	.endr

	.bss
	.align 16
	.skip 4096
stack_end:
	.skip 4096
ap_stack_end:
	.section .note.GNU-stack, "", @progbits
