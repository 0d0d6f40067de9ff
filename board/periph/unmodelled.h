/* SPDX-License-Identifier: MIT */
/* The blocks of the F407 that this board does not have: a guest who uses one is told which, and where it is described. */
#ifndef VCPBOARD_PERIPH_UNMODELLED_H
#define VCPBOARD_PERIPH_UNMODELLED_H

#include "board/chip.h"

struct unmodelled;

struct unmodelled *unmodelled_new(struct chip *c);
void unmodelled_free(struct unmodelled *u);

#endif
