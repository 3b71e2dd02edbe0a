/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a flat guest needs to misbehave: registers, rings, a verdict. Physical addresses are
 * pointers.
 *
 * A test defines attack(). With RACE a second processor rewrites all rings while it runs; then only
 * what happens to the VMM counts, and EXPECT() says nothing. The verdict goes where the kernel's
 * log would be (ramoops), and from there into the status record. Then the guest halts: whatever the
 * VMM still does is its own doing, and the driver looks at that.
 */
#ifndef HOSTILE_GUEST_H
#define HOSTILE_GUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum device { VSOCK = 0, FS = 1, RNG = 2, CONSOLE = 3, NET = 4, BLK = 5 };

/* virtio-mmio, virtio 1.2 §4.2.2 */
enum reg {
	DEVICE_ID = 0x008, DEVICE_FEATURES = 0x010, DEVICE_FEATURES_SEL = 0x014,
	DRIVER_FEATURES = 0x020, DRIVER_FEATURES_SEL = 0x024, QUEUE_SEL = 0x030,
	QUEUE_NUM_MAX = 0x034, QUEUE_NUM = 0x038, QUEUE_READY = 0x044, QUEUE_NOTIFY = 0x050,
	INTERRUPT_STATUS = 0x060, INTERRUPT_ACK = 0x064, STATUS = 0x070, DESC_LOW = 0x080,
	DESC_HIGH = 0x084, AVAIL_LOW = 0x090, AVAIL_HIGH = 0x094, USED_LOW = 0x0a0,
	USED_HIGH = 0x0a4, CONFIG = 0x100,
};
enum status { S_ACK = 1, S_DRIVER = 2, S_DRIVER_OK = 4, S_FEATURES_OK = 8, S_NEEDS_RESET = 64 };

#define RING 8u
enum desc_flags { NEXT = 1, WRITE = 2, INDIRECT = 4 };

struct desc {
	uint64_t addr;
	uint32_t len;
	uint16_t flags, next;
};

struct ring {
	struct desc desc[RING];
	struct {
		uint16_t flags, idx, head[RING], used_event;
	} avail;
	struct {
		uint16_t flags, idx;
		struct {
			uint32_t id, len;
		} e[RING];
		uint16_t avail_event;
	} used __attribute__((aligned(4)));
} __attribute__((aligned(16)));

/* Size of the VM's memory as the driver (run.c) starts it. */
#define MEMORY (24ull << 20)

void attack(void);

/* guest.c */
extern volatile struct ring rings[4];
extern uint8_t buffer[8][4096];
uint32_t get(enum device d, uint32_t reg);
void put(enum device d, uint32_t reg, uint32_t v);
/* Reset, features (VERSION_1 and `more`), FEATURES_OK. */
void begin(enum device d, uint64_t more);
/* Programs queue q with ring `r` of rings[]; ready. */
void queue(enum device d, uint32_t q, unsigned int r);
void driver_ok(enum device d);
/* All of it, queues 0 to n - 1 with rings 0 to n - 1. */
void bring_up(enum device d, uint32_t n_queues);
void describe(unsigned int r, uint16_t i, uint64_t addr, uint32_t len, uint16_t flags,
	      uint16_t next);
/* Makes `head` available and notifies queue q. */
void offer(enum device d, uint32_t q, unsigned int r, uint16_t head);
/* Waits, not for ever. */
bool needs_reset(enum device d);
bool used(unsigned int r, uint16_t n);
/* Writes the verdict, stops the second processor and halts. */
void verdict(const char *text) __attribute__((noreturn));
/* A FUSE request in buffer[0], answer to buffer[1]; offered. */
void fuse(uint32_t opcode, uint64_t node, uint32_t len);
void fuse_init(void);
int32_t fuse_error(void);
#define FSD_ROOT ((1ull << 48) | 1)

#ifdef RACE
#define EXPECT(x, text) ((void)(x))
#else
#define EXPECT(x, text)                                                                            \
	do {                                                                                       \
		if (!(x))                                                                          \
			verdict(text);                                                             \
	} while (0)
#endif

#endif
