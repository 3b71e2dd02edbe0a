/* SPDX-License-Identifier: Apache-2.0 */
/* What hostile guests share; see guest.h. */
#include "guest.h"

#define WINDOW(d)  (0xd0000000ul + 0x1000ul * (d))
#define KLOG	   0x90000ul
#define LAPIC	   0xfee00000ul
#define TRAMPOLINE 0x10000ul
/* Reads of a register, each an exit, before a wait is given up. */
#define PATIENCE   100000u

volatile struct ring rings[4];
uint8_t buffer[8][4096] __attribute__((aligned(4096)));
/* Below the rings and buffers: what a device still writes over those and past them must not take the word back. */
static volatile bool stop __attribute__((section(".data")));
static volatile uint32_t second_runs __attribute__((section(".data")));

void guest_main(void);
void guest_second(void);

uint32_t get(enum device d, uint32_t reg)
{
	return *(volatile uint32_t *)(WINDOW(d) + reg);
}

void put(enum device d, uint32_t reg, uint32_t v)
{
	*(volatile uint32_t *)(WINDOW(d) + reg) = v;
}

void begin(enum device d, uint64_t more)
{
	uint64_t features = 1ull << 32 | more;

	put(d, STATUS, 0);
	put(d, STATUS, S_ACK | S_DRIVER);
	for (uint32_t i = 0; i < 2; i++) {
		put(d, DRIVER_FEATURES_SEL, i);
		put(d, DRIVER_FEATURES, (uint32_t)(features >> (32 * i)));
	}
	put(d, STATUS, S_ACK | S_DRIVER | S_FEATURES_OK);
}

void queue(enum device d, uint32_t q, unsigned int r)
{
	put(d, QUEUE_SEL, q);
	put(d, QUEUE_NUM, RING);
	put(d, DESC_LOW, (uint32_t)(uintptr_t)rings[r].desc);
	put(d, DESC_HIGH, 0);
	put(d, AVAIL_LOW, (uint32_t)(uintptr_t)&rings[r].avail);
	put(d, AVAIL_HIGH, 0);
	put(d, USED_LOW, (uint32_t)(uintptr_t)&rings[r].used);
	put(d, USED_HIGH, 0);
	put(d, QUEUE_READY, 1);
}

void driver_ok(enum device d)
{
	put(d, STATUS, S_ACK | S_DRIVER | S_FEATURES_OK | S_DRIVER_OK);
}

void bring_up(enum device d, uint32_t n_queues)
{
	begin(d, 0);
	for (uint32_t q = 0; q < n_queues; q++)
		queue(d, q, q);
	driver_ok(d);
}

void describe(unsigned int r, uint16_t i, uint64_t addr, uint32_t len, uint16_t flags,
	      uint16_t next)
{
	volatile struct desc *d = &rings[r].desc[i];

	d->addr = addr;
	d->len = len;
	d->flags = flags;
	d->next = next;
}

void offer(enum device d, uint32_t q, unsigned int r, uint16_t head)
{
	rings[r].avail.head[rings[r].avail.idx % RING] = head;
	__asm__ volatile("" ::: "memory");
	rings[r].avail.idx++;
	put(d, QUEUE_NOTIFY, q);
}

bool needs_reset(enum device d)
{
#ifdef RACE
	const unsigned int patience = 50;
#else
	const unsigned int patience = PATIENCE;
#endif

	for (unsigned int i = 0; i < patience; i++) {
		if (get(d, STATUS) & S_NEEDS_RESET)
			return true;
	}
	return false;
}

bool used(unsigned int r, uint16_t n)
{
#ifdef RACE
	const unsigned int patience = 50;
#else
	const unsigned int patience = PATIENCE;
#endif

	for (unsigned int i = 0; i < patience; i++) {
		if (rings[r].used.idx == n)
			return true;
		(void)get(RNG, DEVICE_ID);
	}
	return false;
}

void verdict(const char *text)
{
	volatile uint32_t *head = (volatile uint32_t *)KLOG;
	volatile char *to = (volatile char *)(KLOG + 12);
	uint32_t n = 0;

	for (; text[n]; n++)
		to[n] = text[n];
	head[1] = n;
	head[2] = n;
	head[0] = 0x43474244; /* the signature of ramoops */
	stop = true;
	for (;;)
		__asm__ volatile("cli; hlt");
}

/* struct fuse_in_header and room behind it */
void fuse(uint32_t opcode, uint64_t node, uint32_t len)
{
	volatile uint32_t *h = (volatile uint32_t *)buffer[0];

	h[0] = len;
	h[1] = opcode;
	h[2] = 77; /* unique */
	h[3] = 0;
	h[4] = (uint32_t)node;
	h[5] = (uint32_t)(node >> 32);
	h[6] = h[7] = 0x80000000u; /* the container's root */
	describe(1, 0, (uintptr_t)buffer[0], len < 4096 ? len : 4096, NEXT, 1);
	describe(1, 1, (uintptr_t)buffer[1], 4096, WRITE, 0);
	offer(FS, 1, 1, 0);
}

int32_t fuse_error(void)
{
	return ((volatile int32_t *)buffer[1])[1];
}

void fuse_init(void)
{
	volatile uint32_t *body = (volatile uint32_t *)(buffer[0] + 40);

	bring_up(FS, 2);
	body[0] = 7;
	body[1] = 38;
	body[2] = 65536;
	body[3] = 0xffffffff;
	body[4] = 0xffffffff;
	fuse(26, 1, 40 + 64);
	EXPECT(used(1, 1), "FUSE_INIT was not answered");
	EXPECT(fuse_error() == 0, "FUSE_INIT was refused");
}

#ifdef RACE
/* The second processor: everything that the device reads changes all the time. */
void guest_second(void)
{
	uint32_t x = 1;

	while (!stop) {
		volatile struct ring *r;
		volatile struct desc *d;

		x = x * 1664525u + 1013904223u;
		r = &rings[x >> 28 & 3];
		d = &r->desc[x >> 24 & (RING - 1)];
		second_runs++;
		switch (x >> 20 & 7) {
		case 0:
			d->len = x;
			break;
		case 1:
			d->len = x >> 16 & 0xfff;
			break;
		case 2:
			d->flags = x >> 12 & 3;
			break;
		case 3:
			d->next = x >> 12 & 7;
			break;
		case 4:
			r->avail.idx = (uint16_t)(r->used.idx + (x >> 12 & 7));
			break;
		case 5:
			r->avail.head[x >> 12 & 7] = x >> 8 & 7;
			break;
		case 6:
			d->addr = (x >> 8 & 15) ? (uintptr_t)buffer[x >> 8 & 7] : MEMORY - 8;
			break;
		default:
			buffer[0][x >> 8 & 63] = (uint8_t)x;
		}
	}
}

static void start_second(void)
{
	extern const uint8_t trampoline[], trampoline_end[];
	volatile uint8_t *to = (volatile uint8_t *)TRAMPOLINE;
	volatile uint32_t *low = (volatile uint32_t *)(LAPIC + 0x300);
	volatile uint32_t *high = (volatile uint32_t *)(LAPIC + 0x310);

	for (size_t i = 0; i < (size_t)(trampoline_end - trampoline); i++)
		to[i] = trampoline[i];
	*(volatile uint32_t *)(LAPIC + 0xf0) = 0x1ff;
	*high = 1u << 24;
	*low = 0x4500; /* INIT */
	*high = 1u << 24;
	*low = 0x4600 | TRAMPOLINE >> 12; /* start-up */
	for (unsigned int i = 0; i < PATIENCE && !second_runs; i++)
		(void)get(RNG, DEVICE_ID);
	if (!second_runs)
		verdict("skip: the second processor does not start");
}
#else
void guest_second(void)
{
}

static void start_second(void)
{
}
#endif

void guest_main(void)
{
	start_second();
#ifdef RACE
	for (unsigned int i = 0; i < 6; i++)
		attack();
#else
	attack();
#endif
	verdict("ok");
}
