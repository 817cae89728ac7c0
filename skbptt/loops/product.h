/* Products of small matrices, for one type of real number and one instruction set.

   A tile of some rows and columns of the result stays in registers while the sum runs.
   OpenBLAS packs its operands at each call; here the weights are packed once a scan. */

#define LANES ((ptrdiff_t)(VECTOR_BYTES ? VECTOR_BYTES / sizeof(REAL) : 1))

#if VECTOR_BYTES == 0
typedef REAL NAME(vector);
typedef REAL NAME(loose);
#else
typedef REAL NAME(vector) __attribute__((vector_size(VECTOR_BYTES)));
typedef REAL NAME(loose)
    __attribute__((vector_size(VECTOR_BYTES), aligned(sizeof(REAL)), may_alias));
#endif

/* A B, summed over k: A[i, k] = a[i * row + k * step]; row k of panel q, which holds LANES
   columns of B, is at b + q * panel + k * pitch. */
typedef struct {
    ptrdiff_t k;
    const REAL *a;
    ptrdiff_t row, step;
    const REAL *b;
    ptrdiff_t panel, pitch;
} NAME(Factors);

INLINE void NAME(add_product)(const int m, const int v, NAME(vector) (*sum)[4],
                              const NAME(Factors) *f)
{
    const REAL *a = f->a, *b = f->b;
    const ptrdiff_t row = f->row, step = f->step, panel = f->panel, pitch = f->pitch;
    for (ptrdiff_t k = f->k; k > 0; k--) {
        NAME(vector) column[4];
        UNROLL
        for (int j = 0; j < v; j++)
            column[j] = *(const NAME(loose) *)(b + j * panel);
        UNROLL
        for (int i = 0; i < m; i++) {
            const REAL s = a[i * row];
            UNROLL
            for (int j = 0; j < v; j++)
                sum[i][j] += s * column[j];
        }
        a += step;
        b += pitch;
    }
}

/* C = start + f A B + g A B on m rows and v panels; rows of C are `pitch` apart, of start
   `start_pitch`. */
INLINE void NAME(tile)(const int m, const int v, const REAL *start, ptrdiff_t start_pitch,
                       const NAME(Factors) *f, const NAME(Factors) *g, REAL *C,
                       ptrdiff_t pitch)
{
    NAME(vector) sum[8][4];
    UNROLL
    for (int i = 0; i < m; i++)
        UNROLL
        for (int j = 0; j < v; j++)
            sum[i][j] = *(const NAME(loose) *)(start + i * start_pitch + j * LANES);
    NAME(add_product)(m, v, sum, f);
    if (g->k > 0)
        NAME(add_product)(m, v, sum, g);
    UNROLL
    for (int i = 0; i < m; i++)
        UNROLL
        for (int j = 0; j < v; j++)
            *(NAME(loose) *)(C + i * pitch + j * LANES) = sum[i][j];
}

typedef void NAME(Tile)(const REAL *, ptrdiff_t, const NAME(Factors) *,
                        const NAME(Factors) *, REAL *, ptrdiff_t);

#define TILE(m, v)                                                                         \
    static void NAME(tile_##m##_##v)(const REAL *start, ptrdiff_t start_pitch,             \
                                     const NAME(Factors) *f, const NAME(Factors) *g,       \
                                     REAL *C, ptrdiff_t pitch)                             \
    {                                                                                      \
        NAME(tile)(m, v, start, start_pitch, f, g, C, pitch);                              \
    }
TILE(1, 1) TILE(2, 1) TILE(3, 1) TILE(4, 1) TILE(5, 1) TILE(6, 1) TILE(7, 1) TILE(8, 1)
TILE(1, 2) TILE(2, 2) TILE(3, 2) TILE(4, 2) TILE(5, 2) TILE(6, 2) TILE(7, 2) TILE(8, 2)
TILE(1, 4) TILE(2, 4)
#undef TILE

#define OF(v)                                                                              \
    {                                                                                      \
        NAME(tile_1_##v), NAME(tile_2_##v), NAME(tile_3_##v), NAME(tile_4_##v),            \
            NAME(tile_5_##v), NAME(tile_6_##v), NAME(tile_7_##v), NAME(tile_8_##v)         \
    }
static NAME(Tile) *const NAME(tiles)[2][8] = {OF(1), OF(2)};
static NAME(Tile) *const NAME(wide_tiles)[2] = {NAME(tile_1_4), NAME(tile_2_4)};
#undef OF

/* C = start + f A B + g A B on m rows and n columns, a multiple of LANES. */
static void NAME(product)(ptrdiff_t m, ptrdiff_t n, const REAL *start,
                          ptrdiff_t start_pitch, const NAME(Factors) *f,
                          const NAME(Factors) *g, REAL *C, ptrdiff_t pitch)
{
    NAME(Factors) f1 = *f, g1 = *g;
    /* Tiles of like height. */
    ptrdiff_t n_tiles = (m + TILE_ROWS - 1) / TILE_ROWS;
    for (ptrdiff_t j = 0, v; j < n; j += v * LANES) {
        v = m <= 2 && n - j >= 4 * LANES ? 4 : n - j >= 2 * LANES ? 2 : 1;
        f1.b = f->b + j / LANES * f->panel;
        g1.b = g->b + j / LANES * g->panel;
        for (ptrdiff_t i = 0, part = 0, end; i < m; i = end) {
            end = ++part * m / n_tiles;
            NAME(Tile) *tile = v == 4 ? NAME(wide_tiles)[end - i - 1]
                                      : NAME(tiles)[v - 1][end - i - 1];
            f1.a = f->a + i * f->row;
            g1.a = g->a + i * g->row;
            tile(start + i * start_pitch + j, start_pitch, &f1, &g1, C + i * pitch + j,
                 pitch);
        }
    }
}
