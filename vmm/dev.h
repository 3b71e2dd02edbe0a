/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A virtio device as the transport sees it, and the transport as a device sees it.
 *
 * Threads. A vCPU thread reads and writes registers (mmio.c) with dev->lock held; it makes no system
 * call there but futex and a write to an eventfd. The device thread gets queue notifications
 * (ioeventfd) and calls ops->notify with dev->lock held. A worker of the device takes dev->lock itself
 * before it touches a queue. A device whose data is much (ops->own_threads) is notified on threads of
 * its own instead; to dev.h they are the device thread.
 *
 * Reset. When the driver writes 0 to Status, mmio.c resets every queue, bumps dev->generation and
 * calls ops->reset, all under the lock. A device that has requests elsewhere (a worker, another
 * process) notes the generation with each, and drops the completion when it has changed.
 */
#ifndef NACRE_VMM_DEV_H
#define NACRE_VMM_DEV_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "gmem.h"
#include "loop.h"
#include "virtq.h"

#define DEV_QUEUES_MAX 9u

struct virtio_dev;

/* One queue's notifications: an eventfd in the loop. */
struct dev_kick {
	struct loop_source src;
	struct virtio_dev *dev;
	uint32_t q;
	int fd; /* eventfd, bound to QueueNotify by KVM_IOEVENTFD */
};

struct virtio_dev_ops {
	const char *name;
	uint32_t device_id; /* virtio 1.2 §5 */
	uint64_t features;  /* beside VIRTIO_F_VERSION_1 and VIRTIO_F_EVENT_IDX, which mmio.c offers */
	uint32_t n_queues;
	uint16_t queue_size_max;
	uint16_t queue0_size_max; /* of queue 0, where that is another; 0: the same */
	const void *config; /* device configuration, read-only for the driver; may be NULL */
	uint32_t config_len;
	bool own_threads; /* mmio_attach() leaves it to them to call mmio_listen() */
	/*
	 * The host's kernel serves queues and signals irq_fd itself: InterruptStatus always says that
	 * buffers may have been used (§4.2.2: a spurious notification is one that drivers bear).
	 */
	bool in_kernel;
	/* DRIVER_OK was written: queues may be used. From the vCPU thread, or before it is there. May be NULL. */
	void (*activate)(struct virtio_dev *dev);
	/* The driver reset the device. From the vCPU thread, queues are reset already. May be NULL. */
	void (*reset)(struct virtio_dev *dev);
	/*
	 * What the driver has set beside the transport, for a template (dev_state.h), and its way back: 0, or
	 * -EINVAL. From the main thread before others are there, or from the device thread with the lock held. May be NULL.
	 */
	uint32_t (*own_state)(const struct virtio_dev *dev);
	int (*set_own_state)(struct virtio_dev *dev, uint32_t own);
	/*
	 * The device was reset, some time ago: from the device thread, before it notifies a queue
	 * of the new life. For what only that thread may touch. May be NULL.
	 */
	void (*quiesce)(struct virtio_dev *dev);
	/* Queue q was notified. From the device thread. */
	void (*notify)(struct virtio_dev *dev, uint32_t q);
};

struct virtio_dev {
	const struct virtio_dev_ops *ops;
	const struct gmem *mem;
	void *ctx; /* the device's own state */
	pthread_mutex_t lock;
	/* Transport state, written by mmio.c, and by dev_state.c before the guest runs. */
	uint32_t status;	  /* virtio 1.2 §2.1 */
	uint64_t driver_features; /* accepted once FEATURES_OK is set */
	uint32_t features_sel, driver_features_sel, queue_sel;
	uint32_t interrupt_status; /* by __atomic only: the driver acknowledges without the lock */
	uint32_t config_generation;
	uint32_t generation; /* bumped at each reset */
	bool quiesce_due;    /* reset, and ops->quiesce not called yet */
	struct virtq queue[DEV_QUEUES_MAX];
	int irq_fd; /* eventfd, bound to the interrupt line by KVM_IRQFD */
	struct dev_kick kick[DEV_QUEUES_MAX];
};

/* The most entries that the ring of queue q may have. */
uint16_t dev_queue_size_max(const struct virtio_dev *dev, uint32_t q);

/* True between DRIVER_OK and a reset or a violation. Lock held. */
bool dev_is_live(const struct virtio_dev *dev);

/* Interrupts the guest if the driver wants one for queue q. Lock held. */
void dev_interrupt(struct virtio_dev *dev, uint32_t q);

/*
 * The same in two steps: notes in InterruptStatus that one is due, lock held; and signals it, without
 * the lock, as the guest's first look at what it is for takes that. Any thread.
 */
bool dev_interrupt_is_due(struct virtio_dev *dev, uint32_t q);
void dev_signal(const struct virtio_dev *dev);

/* The device configuration has changed: tells the driver. Lock held. */
void dev_config_changed(struct virtio_dev *dev);

/*
 * Serves queue q: pops chains and hands each to serve(), which answers 0 when it is done with the
 * chain (pushed, or kept for later), 1 to put it back and stop for now, negative for a violation.
 * Stops after as many chains as the ring has, so that a guest that refills it cannot keep the device
 * thread: then the queue notifies itself. Ends with an interrupt if one is due, or with needs reset.
 * Lock held, device thread.
 */
void dev_serve_queue(struct virtio_dev *dev, uint32_t q,
		     int (*serve)(struct virtio_dev *dev, struct virtq *q, const struct chain *c));

/*
 * The driver broke the rules on queue q (or on the device as a whole, q = UINT32_MAX): sets
 * DEVICE_NEEDS_RESET, stops all queues, tells the guest by a configuration interrupt, logs one line.
 * Lock held.
 */
void dev_needs_reset(struct virtio_dev *dev, uint32_t q, const char *why);

#endif
