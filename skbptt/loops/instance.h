/* Everything for one type of real number and one instruction set. */

#include "product.h"
#include "gates.h"
#include "readout.h"
#include "scan.h"
#include "gates_tangent.h"
#include "tangent.h"

#undef TYPE
#undef REAL
#undef INTEGER
#undef UNSIGNED
#undef LARGEST
#undef ROUNDER
#undef BIAS
#undef MANTISSA
#undef INVERTER
#undef INVERTER_ROUNDS
#undef EXP_POLYNOMIAL
#undef LANES
#undef LINES
#undef UNITS
