/* The table of cells, for one type of real number and one instruction set. */

#include "cells/elman.h"
#include "cells/gru.h"
#include "cells/gru_reset_before.h"
#include "cells/lem.h"
#include "cells/lstm.h"

static const NAME(Cell) *const NAME(cells)[] = {
    &NAME(elman_identity), &NAME(elman_logistic), &NAME(elman_relu), &NAME(elman_tanh),
    &NAME(gru),            &NAME(gru_reset_before),   &NAME(lem),        &NAME(lstm),
};

static const Shape *NAME(shape)(int cell)
{
    const int n_cells = sizeof(NAME(cells)) / sizeof(*NAME(cells));
    return cell < n_cells ? &NAME(cells)[cell]->shape : NULL;
}
