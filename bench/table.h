/* SPDX-License-Identifier: MIT */
/* The results as lines: for a person, for a machine, and against the lines that are committed. */
#ifndef VCPBOOT_BENCH_TABLE_H
#define VCPBOOT_BENCH_TABLE_H

#include <stdbool.h>
#include <stdio.h>

#include "bench/scenario.h"

void table_head(FILE *out);
void table_row(FILE *out, const struct scenario *s, const struct setting *set, const struct measure *m);
void table_json(FILE *out, const struct scenario *s, const struct setting *set, const struct measure *m);

/* Is it as good as the row for the same scenario and setting in this file (docs/PERFORMANCE.md)? Erases and words must be the same, the
 * time at most 1% longer. Says why not, on stderr. */
bool table_holds(const char *path, const struct scenario *s, const struct setting *set, const struct measure *m);

#endif
