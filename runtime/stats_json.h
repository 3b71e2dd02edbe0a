/* SPDX-License-Identifier: Apache-2.0 */
/* Figures of a container (include/proto.h "enum figure") as `runc events --stats` prints them. */
#ifndef NACRE_RUNTIME_STATS_JSON_H
#define NACRE_RUNTIME_STATS_JSON_H

#include <stddef.h>
#include <stdint.h>

struct json_t;

/*
 * {"type": "stats", "id": ..., "data": ...}: a new reference, or NULL when `len` is not the length of
 * a MSG_FIGURES. The figures are a guest's word; they are only printed.
 */
struct json_t *stats_as_json(const char *id, const uint8_t *figures, size_t len);

/* {"type": TYPE, "id": ...}: a new reference. */
struct json_t *event_as_json(const char *id, const char *type);

#endif
