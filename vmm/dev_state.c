/* SPDX-License-Identifier: Apache-2.0 */
/* A device's transport and queues, saved and set. See dev_state.h. */
#include "dev_state.h"

#include <errno.h>
#include <linux/virtio_config.h>
#include <string.h>
#include <unistd.h>

#include "mmio.h"

static int queue_save(const struct virtq *q, struct dev_queue_state *state)
{
	*state = (struct dev_queue_state){
		.desc = q->desc.v,
		.avail = q->avail.v,
		.used = q->used.v,
		.size = q->size,
		.last_avail = q->last_avail,
		.used_idx = q->used_idx,
		.signalled_used = q->signalled_used,
		.ready = q->ready,
		.event_idx = q->event_idx,
	};
	for (unsigned int i = 0; i < sizeof(q->in_flight) / sizeof(q->in_flight[0]); i++) {
		if (q->in_flight[i])
			return -EBUSY;
	}
	/* Answered, and the driver not told yet: a worker is between the two (virtio_fs_io.c). */
	return q->broken || (q->ready && q->signalled_used != q->used_idx) ? -EBUSY : 0;
}

int dev_state_save(struct virtio_dev *dev, struct dev_state *state)
{
	int r = 0;

	pthread_mutex_lock(&dev->lock);
	*state = (struct dev_state){
		.device_id = dev->ops->device_id,
		.status = dev->status,
		.driver_features = dev->driver_features,
		.features_sel = dev->features_sel,
		.driver_features_sel = dev->driver_features_sel,
		.queue_sel = dev->queue_sel,
		.interrupt_status = __atomic_load_n(&dev->interrupt_status, __ATOMIC_SEQ_CST),
		.config_generation = dev->config_generation,
		.n_queues = dev->ops->n_queues,
		.own = dev->ops->own_state ? dev->ops->own_state(dev) : 0,
	};
	if (dev->quiesce_due || dev->status & (VIRTIO_CONFIG_S_NEEDS_RESET | VIRTIO_CONFIG_S_FAILED))
		r = -EBUSY;
	for (uint32_t i = 0; i < dev->ops->n_queues && !r; i++)
		r = queue_save(&dev->queue[i], &state->queue[i]);
	pthread_mutex_unlock(&dev->lock);
	return r;
}

static int queue_restore(struct virtio_dev *dev, uint32_t i, const struct dev_queue_state *state)
{
	struct virtq *q = &dev->queue[i];
	uint64_t one = 1;

	q->desc = GPA(state->desc);
	q->avail = GPA(state->avail);
	q->used = GPA(state->used);
	q->size = state->size;
	if (state->size > dev_queue_size_max(dev, i))
		return -EINVAL;
	if (!state->ready)
		return 0;
	q->event_idx = state->event_idx;
	if (virtq_start(q, dev->mem))
		return -EINVAL;
	q->last_avail = state->last_avail;
	q->used_idx = state->used_idx;
	q->signalled_used = state->signalled_used;
	/* What the driver has put there meanwhile came with a notification that was the template's. */
	if (virtq_pending(q) && write(dev->kick[i].fd, &one, sizeof(one)) < 0)
		return -errno;
	return 0;
}

int dev_state_restore(struct virtio_dev *dev, const struct dev_state *state)
{
	int r = 0;

	if (state->device_id != dev->ops->device_id || state->n_queues != dev->ops->n_queues ||
	    state->driver_features & ~mmio_offered_features(dev))
		return -EINVAL;
	dev->status = state->status;
	dev->driver_features = state->driver_features;
	dev->features_sel = state->features_sel;
	dev->driver_features_sel = state->driver_features_sel;
	dev->queue_sel = state->queue_sel;
	__atomic_store_n(&dev->interrupt_status, state->interrupt_status, __ATOMIC_SEQ_CST);
	dev->config_generation = state->config_generation;
	if (dev->ops->set_own_state)
		r = dev->ops->set_own_state(dev, state->own);
	for (uint32_t i = 0; i < dev->ops->n_queues && !r; i++)
		r = queue_restore(dev, i, &state->queue[i]);
	/*
	 * The template's interrupt may have been on its way, in no state that KVM tells of. One too many does a
	 * driver no harm (§4.2.2).
	 */
	if (!r && state->interrupt_status && write(dev->irq_fd, &(uint64_t){ 1 }, sizeof(uint64_t)) < 0)
		r = -errno;
	if (!r && dev->ops->activate && dev->status & VIRTIO_CONFIG_S_DRIVER_OK)
		dev->ops->activate(dev);
	return r;
}
