// The HTTP port: the page, /healthz, /livez, /metrics, /stream.config.json. A thread of its own that only
// reads figures.
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct http;
struct server;

// Listens at once. False with one line in error, as when the port is taken.
bool http_create(struct http **out, struct server *s, char *error, size_t error_size);
void http_destroy(struct http **http);
int http_port(const struct http *http); // in use, also when 0 was asked for
