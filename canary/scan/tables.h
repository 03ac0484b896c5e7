/* The keys that are looked for as hash sets, and all that one thread searches with (for kernel.c). */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "classes.h"

enum { NAME, NUMBER, HEX, MASK, KINDS }; /* what a key is; keys are numbered in this order */
enum { LONGEST_KEY = 64, LONG_RECORD = 1 << 16, MOST_NUMBERS = 3 * (LONG_RECORD / 2 + 1) };

typedef unsigned __int128 u128;
typedef struct { uint32_t at, end, key, start, stop; int32_t line; } Hit; /* line: records from `fresh` to `start` */
/* Open addressing, tag 0 is empty; before it a filter of a bit a hash, of which one in 20 to 40 is set. */
typedef struct { uint32_t tag, key; } Slot;
/* People of one name: meant if the record shows all numbers of one of the signs from `sign` to before `after`. `count`
   records showed the name, `last` was the last of them. */
typedef struct { uint64_t last; uint32_t count, sign, after; } Group;
typedef struct { uint64_t bits; uint32_t at; } Sign; /* of its numbers; where they begin, to those of the next sign */
typedef struct { Slot *slots; uint64_t *filter, mask, lengths; } Table;

typedef struct {
    const uint8_t *keys;        /* all keys, one after the other; key i ends at ends[i] */
    const uint32_t *ends;
    const uint32_t *group_of;   /* name i is of people groups[group_of[i]] */
    Group *groups;
    const uint64_t *numbers;
    Sign *signs;
    Table tables[KINDS];
    Classify *classify;         /* the fastest that the processor has */
    int shortest, latin, twin;  /* digits of the shortest number; whether some name is in ASCII letters */
    uint64_t base;              /* bytes of all blocks before */
    Hit *hits; size_t found, room;
    uint64_t shown[MOST_NUMBERS]; size_t shown_count; uint64_t shown_bits; /* numbers of a record */
} Kernel;

static inline uint64_t load(const uint8_t *p, size_t n) { /* up to 8 bytes */
    uint64_t whole = 0;
    uint32_t low, high;
    if (n >= 8) memcpy(&whole, p, 8);
    else if (n >= 4) { memcpy(&low, p, 4); memcpy(&high, p + n - 4, 4); whole = (uint64_t)high << 32 | low; }
    else if (n) whole = (uint64_t)p[0] << 16 | (uint64_t)p[n / 2] << 8 | p[n - 1];
    return whole;
}

static inline uint64_t mix(uint64_t h, uint64_t piece) {
    u128 product = (u128)(h ^ piece) * 0xD6E8FEB86659FD93u;
    return (uint64_t)product ^ (uint64_t)(product >> 64) ^ piece;
}

static inline uint64_t hash(const uint8_t *p, size_t n) {
    uint64_t h = n * 0x9E3779B97F4A7C15u;
    const uint8_t *end = p + n;
    for (; end - p > 8; p += 8) h = mix(h, load(p, 8));
    h = mix(h, n < 8 ? load(p, n) : load(end - 8, 8)); /* the last 8 may overlap those before */
    return h ^ h >> 32;
}

static inline uint64_t filter_bit(const Table *t, uint64_t h) { return h >> 20 & (t->mask << 4 | 15); }

static __attribute__((noinline)) int64_t find(const Kernel *k, const Table *t, const uint8_t *p, size_t n, uint64_t h) {
    uint32_t tag = (uint32_t)(h >> 32) | 1;
    for (uint64_t slot = h & t->mask; t->slots[slot].tag; slot = (slot + 1) & t->mask) {
        if (t->slots[slot].tag != tag) continue;
        uint32_t key = t->slots[slot].key, from = key ? k->ends[key - 1] : 0;
        if (k->ends[key] - from == n && !memcmp(k->keys + from, p, n)) return key;
    }
    return -1;
}

static inline uint64_t bit_of(uint64_t number) { return (uint64_t)1 << (number * 0x9E3779B97F4A7C15u >> 58); }

static inline int passes(const Table *t, uint64_t h) {
    uint64_t bit = filter_bit(t, h);
    return t->filter[bit / 64] >> (bit & 63) & 1;
}

static inline int fits(const Table *t, size_t n) { return n && n <= LONGEST_KEY && t->lengths >> (n - 1) & 1; }

static inline int64_t look_up(const Kernel *k, int kind, const uint8_t *p, size_t n) {
    const Table *t = &k->tables[kind];
    if (!fits(t, n)) return -1;
    uint64_t h = hash(p, n);
    return passes(t, h) ? find(k, t, p, n, h) : -1;
}

static int build(Kernel *k, int kind, uint32_t first, uint32_t after) {
    Table *t = &k->tables[kind];
    uint64_t slots = 16;
    while (4 * slots < 5 * (uint64_t)(after - first)) slots *= 2;
    t->mask = slots - 1;
    t->slots = calloc(slots, sizeof *t->slots);
    t->filter = calloc(slots / 4, sizeof *t->filter);
    if (!t->slots || !t->filter) return 0;
    for (uint32_t i = first; i < after; i++) {
        uint32_t from = i ? k->ends[i - 1] : 0, n = k->ends[i] - from;
        if (!n || n > LONGEST_KEY) continue;
        uint64_t h = hash(k->keys + from, n), slot = h & t->mask;
        while (t->slots[slot].tag) slot = (slot + 1) & t->mask;
        t->slots[slot] = (Slot){(uint32_t)(h >> 32) | 1, i};
        uint64_t bit = filter_bit(t, h);
        t->filter[bit / 64] |= (uint64_t)1 << (bit & 63);
        t->lengths |= (uint64_t)1 << (n - 1);
    }
    return 1;
}
