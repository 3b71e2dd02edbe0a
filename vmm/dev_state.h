/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What of a device a template holds (template.h): its transport and its queues, at a moment when nothing
 * is on its way. Main thread and device thread; the guest does not run.
 */
#ifndef NACRE_VMM_DEV_STATE_H
#define NACRE_VMM_DEV_STATE_H

#include <stdint.h>

#include "dev.h"

struct dev_queue_state {
	uint64_t desc, avail, used;
	uint16_t size, last_avail, used_idx, signalled_used;
	uint8_t ready, event_idx;
	uint8_t zero[6];
};

struct dev_state {
	uint32_t device_id, status;
	uint64_t driver_features;
	uint32_t features_sel, driver_features_sel, queue_sel;
	uint32_t interrupt_status, config_generation, n_queues;
	uint32_t own; /* ops->own_state */
	uint32_t zero;
	struct dev_queue_state queue[DEV_QUEUES_MAX];
};

/* 0, or -EBUSY: a request of the guest is not answered, or the device is broken. */
int dev_state_save(struct virtio_dev *dev, struct dev_state *state);

/*
 * Sets a device that was just made, and has it look at its queues. 0, or -EINVAL: the state is none that it could be in
 * (another device, features that it does not offer, a ring outside of memory).
 */
int dev_state_restore(struct virtio_dev *dev, const struct dev_state *state);

#endif
