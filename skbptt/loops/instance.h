/* Everything for one type of real number and one instruction set. */

#include "product.h"
#include "activations.h"
#include "step.h"
#include "cells.h"
#include "readout.h"
#include "scan.h"
#include "tangent.h"
#include "lines.h"
#include "ctc.h"
#include "cross_entropy.h"
#include "attention.h"

#undef TYPE
#undef REAL
#undef INTEGER
#undef UNSIGNED
#undef LARGEST
#undef ROUNDER
#undef BIAS
#undef MANTISSA
#undef LEAST_EXPONENT
#undef ROOT_HALF
#undef INVERTER
#undef INVERTER_ROUNDS
#undef EXP_POLYNOMIAL
#undef LOG_POLYNOMIAL
#undef LANES
#undef LINES
#undef UNITS
#undef TAPE
#undef D
#undef BEFORE
#undef AFTER
#undef D_STATE
#undef V
#undef D_V
