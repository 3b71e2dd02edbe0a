/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rate limits: token buckets that hold a tenth of a second's worth. A frame passes while there is any
 * token left and may overdraw the bucket, so that the longest frame passes at the lowest rate.
 */
#include <time.h>

#include "virtio_net_core.h"

#define SECOND_NS UINT64_C(1000000000)
#define BURSTS	  10u /* buckets filled per second */

uint64_t net_now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * SECOND_NS + (uint64_t)ts.tv_nsec;
}

static int64_t burst_of(const struct net_bucket *b)
{
	return (int64_t)(b->rate / BURSTS) + 1;
}

static void bucket_init(struct net_bucket *b, uint64_t rate)
{
	*b = (struct net_bucket){ .rate = rate, .stamp_ns = net_now_ns() };
	b->tokens = burst_of(b);
}

void net_limit_init(struct net_limit *l, const struct net_rate *rate)
{
	l->waits = false;
	bucket_init(&l->bytes, rate->bytes);
	bucket_init(&l->frames, rate->frames);
}

/* Milliseconds until there is a token. */
static int64_t bucket_wait(struct net_bucket *b, uint64_t now)
{
	uint64_t passed, got;

	if (!b->rate)
		return 0;
	passed = now - b->stamp_ns;
	if (passed > SECOND_NS)
		passed = SECOND_NS;
	/* rate is at most 2^40 (options.c) and passed at most 2^30: in microseconds the product fits. */
	got = passed / 1000 * b->rate / (SECOND_NS / 1000);
	if (got) {
		b->tokens += (int64_t)got;
		b->stamp_ns = now;
	}
	if (b->tokens > burst_of(b))
		b->tokens = burst_of(b);
	if (b->tokens > 0)
		return 0;
	return (int64_t)((uint64_t)(1 - b->tokens) * 1000 / b->rate) + 1;
}

int64_t net_limit_wait(struct net_limit *l)
{
	uint64_t now;
	int64_t bytes, frames;

	if (!l->bytes.rate && !l->frames.rate)
		return 0;
	now = net_now_ns();
	bytes = bucket_wait(&l->bytes, now);
	frames = bucket_wait(&l->frames, now);
	return bytes > frames ? bytes : frames;
}

void net_limit_charge(struct net_limit *l, size_t bytes)
{
	if (l->bytes.rate)
		l->bytes.tokens -= (int64_t)bytes;
	if (l->frames.rate)
		l->frames.tokens--;
}
