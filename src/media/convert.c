#include "convert.h"

// Fixed point, 1.0 = 1 << 14. Every row of weights is rounded so that white gives exactly 235, 128, 128.
#define SHIFT 14
// Kr = 0.2126, Kb = 0.0722; luma scaled by 219/255.
#define Y_R 2991
#define Y_G 10064
#define Y_B 1016
// Cb = (B - Y) / 1.8556, Cr = (R - Y) / 1.5748; scaled by 224/255.
#define U_R (-1649)
#define U_G (-5547)
#define U_B 7196
#define V_R 7196
#define V_G (-6536)
#define V_B (-660)
#define Y_BIAS ((16 << SHIFT) + (1 << (SHIFT - 1)))
// Chroma sums four pixels, hence two bits more to shift.
#define UV_SHIFT (SHIFT + 2)
#define UV_BIAS ((128 << UV_SHIFT) + (1 << (UV_SHIFT - 1)))

static inline uint8_t luma(const uint8_t *p)
{
    return (uint8_t)((Y_B * p[0] + Y_G * p[1] + Y_R * p[2] + Y_BIAS) >> SHIFT);
}

static void luma_row_c(const uint8_t *p, uint8_t *y, uint32_t width)
{
    for (uint32_t x = 0; x < width; x++)
        y[x] = luma(p + 4 * x);
}

// Two rows a and b give one row of chroma.
static void chroma_row_c(const uint8_t *a, const uint8_t *b, uint8_t *u, uint8_t *v, uint32_t width)
{
    for (uint32_t x = 0; x < width / 2; x++, a += 8, b += 8) {
        int sb = a[0] + a[4] + b[0] + b[4];
        int sg = a[1] + a[5] + b[1] + b[5];
        int sr = a[2] + a[6] + b[2] + b[6];
        u[x]   = (uint8_t)((U_B * sb + U_G * sg + U_R * sr + UV_BIAS) >> UV_SHIFT);
        v[x]   = (uint8_t)((V_B * sb + V_G * sg + V_R * sr + UV_BIAS) >> UV_SHIFT);
    }
}

void convert_bgra_to_i420_c(const uint8_t *bgra, size_t stride, uint32_t width, uint32_t height,
                            const struct yuv_planes *out)
{
    for (uint32_t row = 0; row < height; row += 2) {
        const uint8_t *a = bgra + row * stride, *b = a + stride;
        luma_row_c(a, out->y + row * out->y_stride, width);
        luma_row_c(b, out->y + (row + 1) * out->y_stride, width);
        chroma_row_c(a, b, out->u + row / 2 * out->u_stride, out->v + row / 2 * out->v_stride, width);
    }
}

#if defined(__x86_64__) && defined(__GNUC__)
#include <immintrin.h>

#define AVX2 __attribute__((target("avx2")))

// 16-bit weights b, g, r, 0 for two pixels per 128-bit lane.
AVX2 static inline __m256i weights(int b, int g, int r)
{
    return _mm256_setr_epi16((short)b, (short)g, (short)r, 0, (short)b, (short)g, (short)r, 0, (short)b, (short)g,
                             (short)r, 0, (short)b, (short)g, (short)r, 0);
}

// Weighted sums of 8 pixels as 32-bit numbers, in order.
AVX2 static inline __m256i luma8(const uint8_t *p, __m256i w)
{
    __m256i px = _mm256_loadu_si256((const __m256i *)p);
    __m256i lo = _mm256_unpacklo_epi8(px, _mm256_setzero_si256()); // pixels 0 1 | 4 5
    __m256i hi = _mm256_unpackhi_epi8(px, _mm256_setzero_si256()); // pixels 2 3 | 6 7
    return _mm256_hadd_epi32(_mm256_madd_epi16(lo, w), _mm256_madd_epi16(hi, w)); // 0 1 2 3 | 4 5 6 7
}

AVX2 static void luma_row_avx2(const uint8_t *p, uint8_t *y, uint32_t width)
{
    const __m256i w = weights(Y_B, Y_G, Y_R), bias = _mm256_set1_epi32(Y_BIAS);
    uint32_t x = 0;
    for (; x + 32 <= width; x += 32, p += 128) {
        __m256i a = _mm256_srli_epi32(_mm256_add_epi32(luma8(p, w), bias), SHIFT);
        __m256i b = _mm256_srli_epi32(_mm256_add_epi32(luma8(p + 32, w), bias), SHIFT);
        __m256i c = _mm256_srli_epi32(_mm256_add_epi32(luma8(p + 64, w), bias), SHIFT);
        __m256i d = _mm256_srli_epi32(_mm256_add_epi32(luma8(p + 96, w), bias), SHIFT);
        // Packing works per lane; the permutation puts groups of four pixels back in order.
        __m256i all = _mm256_packus_epi16(_mm256_packus_epi32(a, b), _mm256_packus_epi32(c, d));
        all         = _mm256_permutevar8x32_epi32(all, _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7));
        _mm256_storeu_si256((__m256i *)(y + x), all);
    }
    luma_row_c(p, y + x, width - x);
}

// Sums of 2 x 2 pixels: four chroma positions from 8 pixels of each row, 16-bit b g r a, in order.
AVX2 static inline __m256i quad_sums(const uint8_t *a, const uint8_t *b)
{
    const __m256i zero = _mm256_setzero_si256();
    __m256i pa = _mm256_loadu_si256((const __m256i *)a), pb = _mm256_loadu_si256((const __m256i *)b);
    __m256i lo = _mm256_add_epi16(_mm256_unpacklo_epi8(pa, zero), _mm256_unpacklo_epi8(pb, zero)); // px 0 1 | 4 5
    __m256i hi = _mm256_add_epi16(_mm256_unpackhi_epi8(pa, zero), _mm256_unpackhi_epi8(pb, zero)); // px 2 3 | 6 7
    // Add the odd pixel of each pair to the even one.
    return _mm256_add_epi16(_mm256_unpacklo_epi64(lo, hi), _mm256_unpackhi_epi64(lo, hi));
}

// 16 pixels of two rows give 8 bytes of one chroma plane.
AVX2 static inline void chroma8(__m256i q0, __m256i q1, __m256i w, uint8_t *out)
{
    __m256i sum = _mm256_hadd_epi32(_mm256_madd_epi16(q0, w), _mm256_madd_epi16(q1, w)); // 0 1 4 5 | 2 3 6 7
    sum         = _mm256_srai_epi32(_mm256_add_epi32(sum, _mm256_set1_epi32(UV_BIAS)), UV_SHIFT);
    sum         = _mm256_permute4x64_epi64(sum, _MM_SHUFFLE(3, 1, 2, 0)); // 0 1 2 3 | 4 5 6 7
    __m128i w16 = _mm_packus_epi32(_mm256_castsi256_si128(sum), _mm256_extracti128_si256(sum, 1));
    _mm_storel_epi64((__m128i *)out, _mm_packus_epi16(w16, w16));
}

AVX2 static void chroma_row_avx2(const uint8_t *a, const uint8_t *b, uint8_t *u, uint8_t *v, uint32_t width)
{
    const __m256i wu = weights(U_B, U_G, U_R), wv = weights(V_B, V_G, V_R);
    uint32_t x = 0;
    for (; x + 16 <= width; x += 16, a += 64, b += 64) {
        __m256i q0 = quad_sums(a, b), q1 = quad_sums(a + 32, b + 32);
        chroma8(q0, q1, wu, u + x / 2);
        chroma8(q0, q1, wv, v + x / 2);
    }
    chroma_row_c(a, b, u + x / 2, v + x / 2, width - x);
}

AVX2 static void convert_avx2(const uint8_t *bgra, size_t stride, uint32_t width, uint32_t height,
                              const struct yuv_planes *out)
{
    for (uint32_t row = 0; row < height; row += 2) {
        const uint8_t *a = bgra + row * stride, *b = a + stride;
        luma_row_avx2(a, out->y + row * out->y_stride, width);
        luma_row_avx2(b, out->y + (row + 1) * out->y_stride, width);
        chroma_row_avx2(a, b, out->u + row / 2 * out->u_stride, out->v + row / 2 * out->v_stride, width);
    }
}
#endif

void convert_bgra_to_i420(const uint8_t *bgra, size_t stride, uint32_t width, uint32_t height,
                          const struct yuv_planes *out)
{
#if defined(__x86_64__) && defined(__GNUC__)
    if (__builtin_cpu_supports("avx2")) {
        convert_avx2(bgra, stride, width, height, out);
        return;
    }
#endif
    convert_bgra_to_i420_c(bgra, stride, width, height, out);
}
