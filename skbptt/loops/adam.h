/* One step of Adam (Kingma & Ba, 2015, algorithm 1) in one pass over memory. It rounds as
   adam_in_numpy of skbptt/solvers/_rules.py, so no product may be fused with a sum. */

#ifndef SKBPTT_ADAM_H
#define SKBPTT_ADAM_H

#include <stddef.h>

/* rest_1 and rest_2 are 1 - beta_1 and 1 - beta_2; rate and scale contain the corrections
   of the bias of m and v. */
void skbptt_adam_float(ptrdiff_t n, float *theta, const float *gradient, float *m, float *v,
                       float rest_1, float rest_2, float rate, float scale, float epsilon);
void skbptt_adam_double(ptrdiff_t n, double *theta, const double *gradient, double *m,
                        double *v, double rest_1, double rest_2, double rate, double scale,
                        double epsilon);

#endif
