/* The first bytes of MD5, SHA-1 and SHA-256 (RFC 1321, FIPS 180-4) of many short words at once: what hashes of telephone
   numbers begin with. Words are of one block, 55 bytes at most. Not for keeping secrets. */

#include <stdint.h>
#include <string.h>

static const uint32_t SINES[64] = {
    0xd76aa478, 0xe8c7b756, 0x242070db, 0xc1bdceee, 0xf57c0faf, 0x4787c62a, 0xa8304613, 0xfd469501,
    0x698098d8, 0x8b44f7af, 0xffff5bb1, 0x895cd7be, 0x6b901122, 0xfd987193, 0xa679438e, 0x49b40821,
    0xf61e2562, 0xc040b340, 0x265e5a51, 0xe9b6c7aa, 0xd62f105d, 0x02441453, 0xd8a1e681, 0xe7d3fbc8,
    0x21e1cde6, 0xc33707d6, 0xf4d50d87, 0x455a14ed, 0xa9e3e905, 0xfcefa3f8, 0x676f02d9, 0x8d2a4c8a,
    0xfffa3942, 0x8771f681, 0x6d9d6122, 0xfde5380c, 0xa4beea44, 0x4bdecfa9, 0xf6bb4b60, 0xbebfbc70,
    0x289b7ec6, 0xeaa127fa, 0xd4ef3085, 0x04881d05, 0xd9d4d039, 0xe6db99e5, 0x1fa27cf8, 0xc4ac5665,
    0xf4292244, 0x432aff97, 0xab9423a7, 0xfc93a039, 0x655b59c3, 0x8f0ccc92, 0xffeff47d, 0x85845dd1,
    0x6fa87e4f, 0xfe2ce6e0, 0xa3014314, 0x4e0811a1, 0xf7537e82, 0xbd3af235, 0x2ad7d2bb, 0xeb86d391,
};
static const uint32_t CUBE_ROOTS[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};
static const uint8_t TURNS[4][4] = {{7, 12, 17, 22}, {5, 9, 14, 20}, {4, 11, 16, 23}, {6, 10, 15, 21}};

/* A word of each of LANES messages, side by side: compilers turn one operation into one of the vectors there are. */
enum { LANES = 8 };
typedef uint32_t V __attribute__((vector_size(4 * LANES)));
#define INLINE static inline __attribute__((always_inline))
#define LEFT(x, n) ((x) << (n) | (x) >> (32 - (n)))
#define RIGHT(x, n) ((x) >> (n) | (x) << (32 - (n)))

INLINE void md5(const V w[16], V out[4]) {
    V a = (V){0} + 0x67452301, b = (V){0} + 0xefcdab89, c = (V){0} + 0x98badcfe, d = (V){0} + 0x10325476;
#pragma GCC unroll 64
    for (int i = 0; i < 64; i++) {
        int turn = i / 16, g = turn == 0 ? i : turn == 1 ? (5 * i + 1) % 16 : turn == 2 ? (3 * i + 5) % 16 : 7 * i % 16;
        V f = turn == 0 ? (b & c) | (~b & d) : turn == 1 ? (d & b) | (~d & c) : turn == 2 ? b ^ c ^ d : c ^ (b | ~d);
        f += a + SINES[i] + w[g];
        a = d; d = c; c = b;
        b += LEFT(f, TURNS[turn][i % 4]);
    }
    out[0] = a + 0x67452301; out[1] = b + 0xefcdab89; out[2] = c + 0x98badcfe; out[3] = d + 0x10325476;
}

INLINE void sha1(const V words[16], V out[2]) {
    V w[80], a = (V){0} + 0x67452301, b = (V){0} + 0xefcdab89, c = (V){0} + 0x98badcfe, d = (V){0} + 0x10325476;
    V e = (V){0} + 0xc3d2e1f0;
    memcpy(w, words, 16 * sizeof *w);
    for (int i = 16; i < 80; i++) {
        V x = w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16];
        w[i] = LEFT(x, 1);
    }
#pragma GCC unroll 80
    for (int i = 0; i < 80; i++) {
        V f = i < 20 ? ((b & c) | (~b & d)) + 0x5a827999 : i < 40 ? (b ^ c ^ d) + 0x6ed9eba1
            : i < 60 ? ((b & c) | (b & d) | (c & d)) + 0x8f1bbcdc : (b ^ c ^ d) + 0xca62c1d6;
        f += LEFT(a, 5) + e + w[i];
        e = d; d = c; c = LEFT(b, 30); b = a; a = f;
    }
    out[0] = a + 0x67452301; out[1] = b + 0xefcdab89;
}

INLINE void sha256(const V words[16], V out[2]) {
    static const uint32_t START[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                      0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
    V w[64], s[8];
    for (int i = 0; i < 8; i++) s[i] = (V){0} + START[i];
    memcpy(w, words, 16 * sizeof *w);
    for (int i = 16; i < 64; i++)
        w[i] = w[i - 16] + (RIGHT(w[i - 15], 7) ^ RIGHT(w[i - 15], 18) ^ w[i - 15] >> 3) + w[i - 7] +
               (RIGHT(w[i - 2], 17) ^ RIGHT(w[i - 2], 19) ^ w[i - 2] >> 10);
#pragma GCC unroll 64
    for (int i = 0; i < 64; i++) {
        V t = s[7] + (RIGHT(s[4], 6) ^ RIGHT(s[4], 11) ^ RIGHT(s[4], 25)) + ((s[4] & s[5]) ^ (~s[4] & s[6])) +
              CUBE_ROOTS[i] + w[i];
        V u = (RIGHT(s[0], 2) ^ RIGHT(s[0], 13) ^ RIGHT(s[0], 22)) + ((s[0] & s[1]) ^ (s[0] & s[2]) ^ (s[1] & s[2]));
        s[7] = s[6]; s[6] = s[5]; s[5] = s[4]; s[4] = s[3] + t; s[3] = s[2]; s[2] = s[1]; s[1] = s[0]; s[0] = t + u;
    }
    out[0] = s[0] + START[0]; out[1] = s[1] + START[1];
}

/* Of `count` words from `words` on, LANES at most. */
INLINE void several(const uint8_t *words, const uint64_t *ends, uint64_t from, uint64_t count, uint8_t *out) {
    V little[16] = {{0}}, big[16] = {{0}}, found[8];
    for (uint64_t lane = 0; lane < count; from = ends[lane++]) {
        uint64_t n = ends[lane] - from;
        uint8_t block[64] = {0};
        memcpy(block, words + from, n);
        block[n] = 0x80;
        for (int j = 0; j < 14; j++) {
            const uint8_t *p = block + 4 * j;
            little[j][lane] = (uint32_t)p[3] << 24 | (uint32_t)p[2] << 16 | (uint32_t)p[1] << 8 | p[0];
            big[j][lane] = (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
        }
        little[14][lane] = big[15][lane] = (uint32_t)n * 8;
    }
    md5(little, found);
    sha1(big, found + 4);
    sha256(big, found + 6);
    for (uint64_t lane = 0; lane < count; lane++, out += 32) {
        for (int j = 0; j < 12; j++) {
            uint8_t byte = (uint8_t)(found[j / 4][lane] >> 8 * (j % 4));
            if (j < 8) out[j] = byte;
            if (j >= 4) out[j + 4] = byte;
        }
        for (int j = 0; j < 16; j++) out[16 + j] = (uint8_t)(found[4 + j / 4][lane] >> (24 - 8 * (j % 4)));
    }
}

INLINE void all(const uint8_t *words, const uint64_t *ends, uint64_t count, uint8_t *out) {
    for (uint64_t i = 0; i < count; i += LANES)
        several(words, ends + i, i ? ends[i - 1] : 0, count - i < LANES ? count - i : LANES, out + 32 * i);
}

static void all_anywhere(const uint8_t *words, const uint64_t *ends, uint64_t count, uint8_t *out) {
    all(words, ends, count, out);
}

#if defined(__x86_64__)
__attribute__((target("avx2"))) static void all_avx2(const uint8_t *words, const uint64_t *ends, uint64_t count,
                                                     uint8_t *out) {
    all(words, ends, count, out);
}
#endif

/* Of word i, which ends at ends[i], 32 bytes: MD5 [0, 8) and [4, 12), SHA-1 [0, 8), SHA-256 [0, 8). Gives 0 if a word is
   too long. */
int kernel_digests(const uint8_t *words, const uint64_t *ends, uint64_t count, uint8_t *out) {
    for (uint64_t i = 0; i < count; i++)
        if (ends[i] - (i ? ends[i - 1] : 0) > 55) return 0;
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx2")) {
        all_avx2(words, ends, count, out);
        return 1;
    }
#endif
    all_anywhere(words, ends, count, out);
    return 1;
}
