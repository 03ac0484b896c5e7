/* 64 bytes at a time as bit masks of character classes, by the widest vectors that the processor has (for kernel.c). */

#include <stdint.h>
#include <string.h>
#if defined(__x86_64__) && defined(__GNUC__) && !defined(KERNEL_PORTABLE)
#define KERNEL_X86
#include <immintrin.h>
#endif

typedef struct { uint64_t digit, group, hex, mask, exponent, lead, inside, letter, line; } Bits;
typedef void Classify(const uint8_t *p, size_t words, Bits *out, int all, int pipe); /* 64 bytes are one word */

static int is_digit(uint8_t c) { return c >= '0' && c <= '9'; }
static int is_mark(uint8_t c) { return c == ' ' || c == '(' || c == ')' || (c >= '-' && c <= '/'); }

#ifndef KERNEL_X86
static void classify(const uint8_t *p, size_t words, Bits *b, int all, int pipe) {
    (void)all;
    for (; words--; p += 64, b++) {
        memset(b, 0, sizeof *b);
        for (int i = 0; i < 64; i++) {
            uint8_t c = p[i], l = c | 32;
            uint64_t bit = (uint64_t)1 << i;
            if (is_digit(c)) b->digit |= bit;
            if (is_digit(c) || is_mark(c)) b->group |= bit;
            if (is_digit(c) || (l >= 'a' && l <= 'f')) b->hex |= bit;
            if (c == '*' || c == '#' || l == 'x') b->mask |= bit;
            if (l == 'e') b->exponent |= bit;
            if (c >= 0x80 || c == '\\') b->lead |= bit;
            if ((c >= 0x40 && (c != '|' || !pipe)) || is_digit(c)) b->inside |= bit;
            if ((l >= 'a' && l <= 'z') || c == '-' || c == '\'') b->letter |= bit;
            if (c == '\n') b->line |= bit;
        }
    }
}
#else
/* The same for vectors of any width: TYPE, its operations, its BYTES; movemask takes the top bit of each byte. */
#define EQUAL(x, c) CMPEQ(x, SET(c))
#define BETWEEN(x, low, high) CMPEQ(MIN(SUB(x, SET(low)), SET((char)((high) - (low)))), SUB(x, SET(low))) /* unsigned */
#define ADD(field, x) field |= (uint64_t)TOP(x) << i
#define CLASSIFIER(name, target_)                                                                                      \
    __attribute__((target(target_))) static void name(const uint8_t *p, size_t words, Bits *out, int all, int pipe) {  \
        const TYPE bar = SET(pipe ? '|' : '0'); /* the digit 0 is no `|`: put back below */                            \
        for (; words--; p += 64, out++) {                                                                              \
            Bits b = {0};                                                                                              \
            for (int i = 0; i < 64; i += BYTES) {                                                                      \
                TYPE x = LOAD(p + i), digit = BETWEEN(x, '0', '9');                                                    \
                ADD(b.digit, digit);                                                                                   \
                ADD(b.line, EQUAL(x, '\n'));                                                                           \
                if (!all) continue;                                                                                    \
                TYPE l = OR(x, SET(32)), e = EQUAL(l, 'e');                                                            \
                TYPE at_or_up = OR(x, SHIFT(x)); /* the top bit: of 0x40 and up */                                     \
                ADD(b.group, OR(OR(BETWEEN(x, '-', '9'), EQUAL(x, ' ')), BETWEEN(x, '(', ')')));                       \
                ADD(b.hex, OR(digit, BETWEEN(l, 'a', 'f')));                                                           \
                ADD(b.mask, OR(OR(EQUAL(x, '*'), EQUAL(x, '#')), EQUAL(l, 'x')));                                      \
                ADD(b.exponent, e);                                                                                    \
                ADD(b.lead, OR(x, EQUAL(x, '\\')));                                                                    \
                ADD(b.inside, OR(ANDNOT(CMPEQ(x, bar), at_or_up), digit));                                             \
                ADD(b.letter, OR(OR(BETWEEN(l, 'a', 'z'), EQUAL(x, '-')), EQUAL(x, '\'')));                            \
            }                                                                                                          \
            *out = b;                                                                                                  \
        }                                                                                                              \
    }

#define TYPE __m128i
#define BYTES 16
#define SET(c) _mm_set1_epi8(c)
#define CMPEQ _mm_cmpeq_epi8
#define MIN _mm_min_epu8
#define SUB _mm_sub_epi8
#define OR _mm_or_si128
#define ANDNOT _mm_andnot_si128
#define SHIFT(x) _mm_slli_epi16(x, 1)
#define TOP(x) (uint16_t)_mm_movemask_epi8(x)
#define LOAD(p) _mm_loadu_si128((const __m128i *)(p))
CLASSIFIER(classify_sse2, "sse2")
#undef TYPE
#undef BYTES
#undef SET
#undef CMPEQ
#undef MIN
#undef SUB
#undef OR
#undef ANDNOT
#undef SHIFT
#undef TOP
#undef LOAD
#define TYPE __m256i
#define BYTES 32
#define SET(c) _mm256_set1_epi8(c)
#define CMPEQ _mm256_cmpeq_epi8
#define MIN _mm256_min_epu8
#define SUB _mm256_sub_epi8
#define OR _mm256_or_si256
#define ANDNOT _mm256_andnot_si256
#define SHIFT(x) _mm256_slli_epi16(x, 1)
#define TOP(x) (uint32_t)_mm256_movemask_epi8(x)
#define LOAD(p) _mm256_loadu_si256((const __m256i *)(p))
CLASSIFIER(classify_avx2, "avx2")

#define IS(x, c) _mm512_cmpeq_epi8_mask(x, _mm512_set1_epi8(c))
#define IN(x, low, high)                                                                                               \
    _mm512_cmple_epu8_mask(_mm512_sub_epi8(x, _mm512_set1_epi8(low)), _mm512_set1_epi8((char)((high) - (low))))
__attribute__((target("avx512f,avx512bw"))) static void classify_avx512(const uint8_t *p, size_t words, Bits *out,
                                                                        int all, int pipe) {
    for (; words--; p += 64, out++) {
        __m512i x = _mm512_loadu_si512(p), l = _mm512_or_si512(x, _mm512_set1_epi8(32));
        uint64_t digit = IN(x, '0', '9');
        *out = (Bits){.digit = digit, .line = IS(x, '\n')};
        if (!all) continue;
        uint64_t high = _mm512_movepi8_mask(x), up = _mm512_movepi8_mask(_mm512_slli_epi16(x, 1));
        out->group = IN(x, '-', '9') | IS(x, ' ') | IN(x, '(', ')');
        out->hex = digit | IN(l, 'a', 'f');
        out->mask = IS(x, '*') | IS(x, '#') | IS(l, 'x');
        out->exponent = IS(l, 'e');
        out->lead = high | IS(x, '\\');
        out->inside = ((high | up) & ~(pipe ? IS(x, '|') : 0)) | digit;
        out->letter = IN(l, 'a', 'z') | IS(x, '-') | IS(x, '\'');
    }
}
#endif

static Classify *fastest(void) {
#if defined(KERNEL_SSE2) /* for tests, as the next */
    return classify_sse2;
#elif defined(KERNEL_AVX2)
    return classify_avx2;
#elif defined(KERNEL_X86)
    if (__builtin_cpu_supports("avx512bw")) return classify_avx512;
    return __builtin_cpu_supports("avx2") ? classify_avx2 : classify_sse2;
#else
    return classify;
#endif
}
