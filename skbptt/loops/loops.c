/* The loops over time for every type of real number and instruction set, and their choice. */

#include "loops.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

#if defined(__SSE2__) || defined(_M_X64)
#include <xmmintrin.h>
#endif

/* Let results too small for full precision be zero, which some processors are a hundred
   times faster at: gradients that vanish through time come to it. Gives the old state. */
static unsigned long flush_to_zero(void)
{
#if defined(__SSE2__) || defined(_M_X64)
    unsigned old = _mm_getcsr();
    _mm_setcsr(old | 0x8040);
    return old;
#elif defined(__aarch64__) && defined(__GNUC__)
    unsigned long old;
    __asm__ volatile("mrs %0, fpcr" : "=r"(old));
    __asm__ volatile("msr fpcr, %0" : : "r"(old | 1ul << 24));
    return old;
#else
    return 0;
#endif
}

static void restore(unsigned long old)
{
#if defined(__SSE2__) || defined(_M_X64)
    _mm_setcsr((unsigned)old);
#elif defined(__aarch64__) && defined(__GNUC__)
    __asm__ volatile("msr fpcr, %0" : : "r"(old));
#else
    (void)old;
#endif
}

#define JOIN3(a, b, c) a##_##b##_##c
#define JOIN(a, b, c) JOIN3(a, b, c)
#define NAME(name) JOIN(name, TYPE, ISA)
#define LINE ((ptrdiff_t)(64 / sizeof(REAL)))

/* VECTORISE promises that the iterations of a loop do not depend on each other, whatever
   memory its pointers point to. */
#if defined(__GNUC__)
#define INLINE static inline __attribute__((always_inline))
#ifdef __clang__
#define UNROLL _Pragma("clang loop unroll(full)")
#define VECTORISE _Pragma("clang loop vectorize(assume_safety)")
#else
#define UNROLL _Pragma("GCC unroll 8")
/* Unrolled before it becomes vectors, a short loop would not become any. */
#define VECTORISE _Pragma("GCC ivdep") _Pragma("GCC unroll 1")
#endif
#elif defined(_MSC_VER)
#define INLINE static inline
#define UNROLL
#define VECTORISE __pragma(loop(ivdep))
#else
#define INLINE static inline
#define UNROLL
#define VECTORISE
#endif
#if defined(_MSC_VER)
#define restrict __restrict
#endif

/* Rows whose gradients are summed into those of the weights at a time: few enough to be in
   the cache still when the sums come to them. */
enum { BLOCK = 128 };

/* Rows that attention sums at a time. */
enum { ROWS = 4 };

#define ISA portable
#ifdef __GNUC__
#define VECTOR_BYTES 16
#define TILE_ROWS 6
#else
#define VECTOR_BYTES 0 /* no vectors: one number at a time */
#define TILE_ROWS 4
#endif
#include "types.h"

#if defined(__GNUC__) && defined(__x86_64__)
#define X86
#define PRAGMA(text) _Pragma(#text)
#ifdef __clang__
#define BEGIN(isa) PRAGMA(clang attribute push(__attribute__((target(isa))), apply_to = function))
#define END PRAGMA(clang attribute pop)
#define WIDE ""
#else
#define BEGIN(isa) PRAGMA(GCC push_options) PRAGMA(GCC target(isa))
#define END PRAGMA(GCC pop_options)
#define WIDE ",prefer-vector-width=512"
#endif

#define ISA avx2
#define VECTOR_BYTES 32
#define TILE_ROWS 6
BEGIN("avx2,fma")
#include "types.h"
END

#define ISA avx512
#define VECTOR_BYTES 64
#define TILE_ROWS 8
BEGIN("avx512f,avx512dq,avx512vl,avx512bw,fma" WIDE)
#include "types.h"
END
#endif

int skbptt_instructions(void)
{
#ifdef X86
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bw"))
        return AVX512;
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        return AVX2;
#endif
    return PORTABLE;
}

#define OF(type, isa)                                                                      \
    {                                                                                      \
        shape_##type##_##isa, scratch_##type##_##isa, forward_##type##_##isa,              \
            backward_##type##_##isa, forward_tangent_##type##_##isa,                       \
            backward_tangent_##type##_##isa, ctc_scratch_##type##_##isa, ctc_##type##_##isa, \
            cross_entropy_scratch_##type##_##isa, cross_entropy_##type##_##isa,            \
            attention_scratch_##type##_##isa, attention_##type##_##isa,                    \
            attention_back_##type##_##isa                                                  \
    }
#define LOOPS(isa) {OF(float, isa), OF(double, isa)}

const Loops *skbptt_loops(int instructions, int itemsize)
{
    static const Loops loops[][2] = {
        LOOPS(portable),
#ifdef X86
        LOOPS(avx2),
        LOOPS(avx512),
#endif
    };
    return &loops[instructions][itemsize == sizeof(double)];
}
