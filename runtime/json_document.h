/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON as engines write it: config.json, the process of exec, the resources of update. Written in Go,
 * they print 2^64 - 1 for "no limit", which jansson cannot hold as an integer; such a number is read as a
 * real, which json_reader.h takes as well. All others are read as they are, or are an error.
 */
#ifndef NACRE_RUNTIME_JSON_DOCUMENT_H
#define NACRE_RUNTIME_JSON_DOCUMENT_H

#include <stddef.h>

#include <jansson.h>

/* A larger document is a mistake or an attack. */
#define JSON_DOCUMENT_MAX ((size_t)4 << 20)

/* A new reference, or NULL with the error set: no JSON, or a name twice in an object. */
json_t *json_document_parse(const char *text, size_t len, json_error_t *error);

/* As json_document_parse(), from a descriptor up to its end. */
json_t *json_document_read(int fd, json_error_t *error);

/* As json_document_read(), from a file, or stdin for "-". */
json_t *json_document_load(const char *path, json_error_t *error);

#endif
