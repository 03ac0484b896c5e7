/* Finds, in one pass over raw bytes, the places where a needle may stand: whole words looked up in hash sets. Python
   (kernel.py) builds the sets and reads the few records found; fallback.py gives the same places without a compiler.
   64 bytes at a time become bit masks of character classes; only runs long enough to be a needle are looked at. */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "classes.h"

enum { NAME, NUMBER, HEX, MASK, KINDS };           /* what a key is; keys are numbered in this order */
enum { LONGEST_KEY = 64, HEX_KEY = 8, MOST_PARTS = 6, MOST_DECIMALS = 20, MOST_NUMBERS = 1 << 15 };
enum { LONG_RECORD = 1 << 16, WINDOW = 1000 };     /* as in matcher.py */
enum { OPEN_LEFT = 1, OPEN_RIGHT = 2, BATCH = 32, USUAL = 11 }; /* digits */

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
    uint64_t shown[MOST_NUMBERS]; size_t shown_count; uint64_t shown_bits; /* numbers of one record */
} Kernel;

typedef struct { size_t at, size; uint64_t hash; const Table *table; int64_t key; } Word;
typedef struct {
    const uint8_t *data; size_t size, fresh; int open;
    const uint64_t *breaks; size_t break_count, next; /* where records begin, if not after line ends */
    size_t start, stop; int whole, read;              /* the record last looked at, and whether its numbers are read */
    size_t base, line; uint64_t line_bits;            /* the 64 bytes in work; the line that goes on there; its ends */
    int64_t lines, before;                            /* line ends before these bytes; records before `fresh` */
} Block;

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

static size_t bits_of(const Kernel *k, const Block *b, size_t at, size_t words, Bits *out, int all, int pipe) {
    size_t whole = at < b->size ? (b->size - at) / 64 : 0; /* words from `at` on; the last filled up, 0 beyond */
    if (whole >= words) { k->classify(b->data + at, words, out, all, pipe); return words; }
    if (whole) k->classify(b->data + at, whole, out, all, pipe);
    uint8_t rest[64] = {0};
    if (at < b->size) memcpy(rest, b->data + at + 64 * whole, b->size - at - 64 * whole);
    k->classify(rest, 1, out + whole, all, pipe);
    if (whole + 1 < words) memset(out + whole + 1, 0, (words - whole - 1) * sizeof *out);
    return words;
}

/* --- tables --- */

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

void kernel_free(Kernel *k) {
    if (!k) return;
    for (Table *t = k->tables; !k->twin && t < k->tables + KINDS; t++) { free(t->slots); free(t->filter); }
    if (!k->twin) free(k->signs);
    free(k->hits);
    free(k);
}

/* `until` holds for each kind the number of the key after its last; NULL when memory is short. */
Kernel *kernel_new(const uint8_t *keys, const uint32_t *ends, const uint32_t *until, const uint32_t *group_of,
                   Group *groups, const uint32_t *sizes, const uint64_t *numbers, uint32_t sign_count, int latin) {
    Kernel *k = calloc(1, sizeof *k);
    if (!k) return NULL;
    k->keys = keys; k->ends = ends; k->group_of = group_of; k->groups = groups; k->numbers = numbers;
    k->latin = latin;
    k->classify = fastest();
    k->signs = calloc(sign_count + 1, sizeof *k->signs);
    int fine = k->signs != NULL;
    for (uint32_t j = 0; fine && j <= sign_count; j++) {
        k->signs[j].at = sizes[j];
        for (uint32_t i = sizes[j]; j < sign_count && i < sizes[j + 1]; i++) k->signs[j].bits |= bit_of(numbers[i]);
    }
    for (int kind = 0; kind < KINDS; kind++) fine &= build(k, kind, kind ? until[kind - 1] : 0, until[kind]);
    if (!fine) { kernel_free(k); return NULL; }
    uint64_t lengths = k->tables[NUMBER].lengths;
    k->shortest = lengths ? __builtin_ctzll(lengths) + 1 : LONGEST_KEY;
    return k;
}

/* Another of the same tables, for another thread, with groups of its own: `of` must outlive it. */
Kernel *kernel_twin(const Kernel *of, Group *groups) {
    Kernel *k = malloc(sizeof *k);
    if (!k) return NULL;
    *k = *of;
    k->twin = 1; k->groups = groups; k->hits = NULL; k->found = k->room = 0;
    return k;
}

/* --- what was found --- */

static int is_open(const Block *b, size_t at, size_t end) { /* perhaps a part of a longer word, or seen before */
    return ((b->open & OPEN_LEFT) && at == 0) || ((b->open & OPEN_RIGHT) && end == b->size) || end < b->fresh;
}

static void find_record(Block *b, size_t from, size_t at, size_t end) { /* `from`: in the bytes in work, on its line */
    size_t start, stop;
    if (b->breaks) {
        while (b->next < b->break_count && b->breaks[b->next] <= at) b->next++;
        while (b->next && b->breaks[b->next - 1] > at) b->next--;
        start = b->next ? b->breaks[b->next - 1] : 0;
        stop = b->next < b->break_count ? b->breaks[b->next] : b->size;
    } else if (b->whole && b->start <= at && at < b->stop) {
        return;
    } else {
        uint64_t ends = b->line_bits & (((uint64_t)1 << (from - b->base)) - 1);
        start = ends ? b->base + 64 - (size_t)__builtin_clzll(ends) : b->line;
        size_t ahead = b->size - end < LONG_RECORD ? b->size - end : LONG_RECORD + 1;
        const uint8_t *line = memchr(b->data + end, '\n', ahead);
        stop = line ? (size_t)(line - b->data) : end + ahead;
    }
    b->whole = stop - start <= LONG_RECORD;
    if (!b->whole) {
        if (at > start + WINDOW) start = at - WINDOW;
        if (end + WINDOW < stop) stop = end + WINDOW;
    }
    if (start != b->start || stop != b->stop) b->read = 0;
    b->start = start; b->stop = stop;
}

static int emit(Kernel *k, Block *b, size_t from, size_t at, size_t end, int64_t key) {
    if (key < 0 || is_open(b, at, end)) return 1;
    if (k->found == k->room) {
        size_t room = k->room ? 2 * k->room : 1024;
        Hit *more = realloc(k->hits, room * sizeof *more);
        if (!more) return 0;
        k->hits = more; k->room = room;
    }
    find_record(b, from, at, end);
    int64_t line = b->lines + __builtin_popcountll(b->line_bits & (((uint64_t)1 << (from - b->base)) - 1));
    line = b->breaks ? (int64_t)b->next - b->before : line > b->before ? line - b->before : 0;
    k->hits[k->found++] =
        (Hit){(uint32_t)at, (uint32_t)end, (uint32_t)key, (uint32_t)b->start, (uint32_t)b->stop, (int32_t)line};
    return 1;
}

static int ascending(const void *a, const void *b) {
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static void read_numbers(Kernel *k, Block *b) { /* the whole numbers, of ten digits at most, that the record shows */
    size_t done = b->start;
    Bits bits[4];
    k->shown_count = 0; k->shown_bits = 0;
    for (size_t base = b->start; base < b->stop; base += 64) {
        if (!((base - b->start) / 64 % 4)) bits_of(k, b, base, b->stop - base > 128 ? 4 : 2, bits, 0, 0);
        uint64_t digits = bits[(base - b->start) / 64 % 4].digit;
        while (digits) {
            size_t i = base + (size_t)__builtin_ctzll(digits), from = i;
            digits &= digits + (digits & -digits); /* without its lowest run */
            if (i < done || i >= b->stop) continue;
            uint64_t number = 0;
            for (; i < b->stop && is_digit(b->data[i]); i++) number = number * 10 + (b->data[i] - '0');
            done = i;
            if (i - from > 10 || k->shown_count == MOST_NUMBERS) continue;
            k->shown[k->shown_count++] = number;
            k->shown_bits |= bit_of(number);
        }
    }
    if (k->shown_count > 32) qsort(k->shown, k->shown_count, sizeof *k->shown, ascending);
    b->read = 1;
}

static int shows(const Kernel *k, uint64_t number) {
    if (k->shown_count > 32) return bsearch(&number, k->shown, k->shown_count, sizeof number, ascending) != NULL;
    for (size_t i = 0; i < k->shown_count; i++) if (k->shown[i] == number) return 1;
    return 0;
}

static int named(Kernel *k, Block *b, size_t from, size_t at, size_t end, int64_t key) {
    if (key < 0 || is_open(b, at, end)) return 1;
    find_record(b, from, at, end);
    Group *group = k->groups + k->group_of[key];
    if (group->last != k->base + b->start + 1) { group->last = k->base + b->start + 1; group->count++; }
    if (!b->read) read_numbers(k, b);
    for (const Sign *sign = k->signs + group->sign; sign < k->signs + group->after; sign++) {
        if (sign->bits & ~k->shown_bits) continue;
        uint32_t i = sign->at;
        while (i < sign[1].at && shows(k, k->numbers[i])) i++;
        if (i == sign[1].at) return emit(k, b, from, at, end, key);
    }
    return 1;
}

/* --- words of each kind; the bytes around are looked at where the masks found a reason to --- */

static int hexadecimal(Kernel *k, Block *b, size_t at, size_t n) {
    uint8_t key[HEX_KEY];
    if (n != 16 && n != 32 && n != 40 && n != 64) return 1;
    for (int i = 0; i < HEX_KEY; i++) {
        uint8_t high = b->data[at + 2 * i], low = b->data[at + 2 * i + 1];
        high = is_digit(high) ? high - '0' : (high | 32) - 'a' + 10;
        low = is_digit(low) ? low - '0' : (low | 32) - 'a' + 10;
        key[i] = (uint8_t)(high << 4 | low);
    }
    return emit(k, b, at, at, at + n, look_up(k, HEX, key, HEX_KEY));
}

static int grouped(Kernel *k, Block *b, size_t at) { /* 2 to 6 groups of digits, one or two marks between */
    const uint8_t *d = b->data;
    struct { size_t at, end; } part[MOST_PARTS];
    for (size_t parts = 0, i = at; i < b->size && (is_digit(d[i]) || is_mark(d[i]));) {
        if (!is_digit(d[i])) { i++; continue; }
        size_t from = i;
        while (i < b->size && is_digit(d[i])) i++;
        if (parts && from - part[(parts - 1) % MOST_PARTS].end > 2) parts = 0;
        part[parts % MOST_PARTS].at = from;
        part[parts % MOST_PARTS].end = i;
        parts++;
        size_t total = i - from;
        for (size_t back = 2; back <= MOST_PARTS && back <= parts && total < LONGEST_KEY; back++) {
            size_t first = (parts - back) % MOST_PARTS;
            total += part[first].end - part[first].at;
            if (total > LONGEST_KEY || !(k->tables[NUMBER].lengths >> (total - 1) & 1)) continue;
            uint8_t key[LONGEST_KEY]; size_t n = 0;
            for (size_t j = part[first].at; j < i; j++) if (is_digit(d[j])) key[n++] = d[j];
            if (!emit(k, b, at, part[first].at, i, look_up(k, NUMBER, key, n))) return 0;
        }
    }
    return 1;
}

static int masked(Kernel *k, Block *b, size_t at, size_t n) { /* 138****1234 */
    const uint8_t *d = b->data;
    size_t head = 0, tail = 0, end = at + n;
    while (head < 7 && head < at && is_digit(d[at - head - 1])) head++;
    while (tail < 5 && end + tail < b->size && is_digit(d[end + tail])) tail++;
    if (n > 8 || head < 2 || head > 6 || tail < 2 || tail > 4) return 1;
    uint8_t key[16];
    memcpy(key, d + at - head, head);
    key[head] = '*';
    memcpy(key + head + 1, d + end, tail);
    size_t country = head > 2 && key[0] == '8' && key[1] == '6' ? 2 : 0;
    if (country && !emit(k, b, at, at - head, end + tail, look_up(k, MASK, key + 2, head - 1 + tail))) return 0;
    return emit(k, b, at, at - head, end + tail, look_up(k, MASK, key, head + 1 + tail));
}

static int scientific(Kernel *k, Block *b, size_t e) { /* 1.3812345678E+10; d[e - 1] is a digit */
    const uint8_t *d = b->data;
    size_t decimals = 0, power = 0, i = e + 1, digits = 0;
    while (decimals <= MOST_DECIMALS && decimals < e && is_digit(d[e - decimals - 1])) decimals++;
    if (decimals < 5 || decimals > MOST_DECIMALS || e < decimals + 2 || d[e - decimals - 1] != '.') return 1;
    size_t at = e - decimals - 2;
    if (d[at] < '1' || d[at] > '9' || (at && is_digit(d[at - 1]))) return 1;
    if (i < b->size && d[i] == '+') i++;
    for (; digits < 3 && i < b->size && is_digit(d[i]); i++, digits++) power = power * 10 + (d[i] - '0');
    if (!digits || digits > 2 || power >= LONGEST_KEY) return 1;
    uint8_t key[LONGEST_KEY];
    memset(key, '0', sizeof key);
    key[0] = d[at];
    memcpy(key + 1, d + at + 2, decimals < power ? decimals : power);
    return emit(k, b, e, at, i, look_up(k, NUMBER, key, power + 1));
}

static int letters(Kernel *k, Block *b, size_t from, size_t at) { /* a word of ASCII letters, - and ' inside it only */
    size_t end = at, n = 0;
    uint8_t key[LONGEST_KEY + 1]; /* in lower case, without marks */
    for (size_t i = at; i < b->size && n <= LONGEST_KEY; i++) {
        uint8_t c = b->data[i] | 32;
        if (c >= 'a' && c <= 'z') { key[n++] = c; end = i + 1; }
        else if (b->data[i] != '-' && b->data[i] != '\'') break;
    }
    return named(k, b, from, at, end, look_up(k, NAME, key, n));
}

/* --- the pass --- */

static inline __attribute__((always_inline)) u128 runs(u128 x, int n) { /* the places from which n bits on are set */
#pragma GCC unroll 6
    for (int have = 1; 2 * have <= n; have *= 2) {
        x &= x >> have;
        if (4 * have > n && 2 * have < n) x &= x >> (n - 2 * have);
    }
    return x;
}

static inline __attribute__((always_inline)) uint64_t starts(uint64_t last, uint64_t now, uint64_t next, int n) { /* of whole runs of n or more */
    uint64_t at = now & ~(now << 1 | last >> 63);
    return at ? at & (uint64_t)runs((u128)next << 64 | now, n) : 0;
}

static inline size_t length(uint64_t now, uint64_t next, int i) { /* of the run from bit i; over LONGEST_KEY, just more */
    u128 rest = ~(((u128)next << 64 | now) >> i);
    uint64_t low = (uint64_t)rest;
    return low ? (size_t)__builtin_ctzll(low) : 64 + (size_t)__builtin_ctzll((uint64_t)(rest >> 64) | (uint64_t)1 << 63);
}

#define EACH(i, bits) for (uint64_t left_ = (bits); left_ && ((i) = __builtin_ctzll(left_), 1); left_ &= left_ - 1)

/* The whole numbers and names in a batch of 64-byte words, the first of which, bits[1], begins at `at`. Tables lie in far
   memory: what is read of them is fetched a while before, for all of the batch. Gives how many were found. */
static inline size_t words(const Kernel *k, const Block *b, size_t at, const Bits *bits, Word *found, int all) {
    size_t count = 0, kept = 0;
    int i, usual = k->shortest >= USUAL; /* known to the compiler: quicker */
#define TRY(kind_, run)                                                                                                \
    do {                                                                                                               \
        const Table *t = &k->tables[kind_];                                                                            \
        size_t n = length(now->run, now[1].run, i);                                                                    \
        if (!fits(t, n)) break;                                                                                        \
        found[count++] = (Word){.at = at + i, .size = n, .hash = hash(b->data + at + i, n), .table = t};               \
        __builtin_prefetch(t->filter + filter_bit(t, found[count - 1].hash) / 64);                                     \
    } while (0)
    for (const Bits *now = bits + 1; now <= bits + BATCH; now++, at += 64) {
        uint64_t last = now[-1].digit, next = now[1].digit;
        EACH(i, usual ? starts(last, now->digit, next, USUAL) : starts(last, now->digit, next, k->shortest))
            TRY(NUMBER, digit);
        if (all) EACH(i, now->lead & now->inside & ~(now->inside << 1 | now[-1].inside >> 63)) TRY(NAME, inside);
    }
    for (size_t j = 0; j < count; j++)
        if (passes(found[j].table, found[j].hash)) {
            __builtin_prefetch(found[j].table->slots + (found[j].hash & found[j].table->mask));
            found[kept++] = found[j];
        }
    count = kept; kept = 0;
    for (size_t j = 0; j < count; j++) {
        Word *w = found + kept;
        *w = found[j];
        w->key = find(k, w->table, b->data + w->at, w->size, w->hash);
        if (w->key < 0) continue;
        if (w->table == &k->tables[NAME]) __builtin_prefetch(k->groups + k->group_of[w->key]);
        kept++;
    }
    for (size_t j = 0; all && j < kept; j++)
        if (found[j].table == &k->tables[NAME])
            __builtin_prefetch(k->signs + k->groups[k->group_of[found[j].key]].sign);
    return kept;
}

/* Whatever else may stand in the 64 bytes from `base`. */
static inline int others(Kernel *k, Block *b, size_t base, const Bits *last, const Bits *now, const Bits *next) {
    int i, fine = 1, usual = k->shortest >= USUAL;
    EACH(i, usual ? starts(last->group, now->group, next->group, USUAL + 1)
                  : starts(last->group, now->group, next->group, k->shortest + 1))
        fine &= grouped(k, b, base + i);
    EACH(i, starts(last->hex, now->hex, next->hex, 16))
        fine &= hexadecimal(k, b, base + i, length(now->hex, next->hex, i));
    EACH(i, starts(last->mask, now->mask, next->mask, 2))
        fine &= masked(k, b, base + i, length(now->mask, next->mask, i));
    EACH(i, now->exponent & (now->digit << 1 | last->digit >> 63)) fine &= scientific(k, b, base + i);
    return fine;
}

/* Names in ASCII letters before `until`, of the words that begin at `starts` in the 64 bytes in work: taken in turn
   with other names, for a record counts once if what it shows of one group is seen together. */
static inline int latin(Kernel *k, Block *b, uint64_t *starts, size_t until) {
    int fine = 1;
    for (; *starts && b->base + (size_t)__builtin_ctzll(*starts) < until; *starts &= *starts - 1) {
        size_t from = b->base + (size_t)__builtin_ctzll(*starts), at = from;
        while (at < b->size && (b->data[at] == '-' || b->data[at] == '\'')) at++;
        if (at < b->size && (uint8_t)((b->data[at] | 32) - 'a') < 26) fine &= letters(k, b, from, at);
    }
    return fine;
}

static inline int pass(Kernel *k, Block *b, int all, int pipe) {
    Bits bits[BATCH + 2] = {{0}}; /* the first two are of the bytes before */
    Word found[BATCH * 64];
    int fine = 1;
    for (size_t at = 0; at < b->size + 64 && fine; at += 64 * BATCH) {
        bits_of(k, b, at, BATCH, bits + 2, all, pipe);
        const Word *w = found, *end = found + words(k, b, at - 64, bits, found, all);
        for (const Bits *now = bits + 1; now <= bits + BATCH; now++) {
            b->base = at + 64 * (size_t)(now - bits) - 128;
            b->line_bits = now->line;
            if (all && b->base + 64) fine &= others(k, b, b->base, now - 1, now, now + 1); /* not before the first */
            uint64_t begun = all && k->latin ? now->letter & ~(now->letter << 1 | now[-1].letter >> 63) : 0;
            for (; w < end && w->at - b->base < 64; w++) {
                if (w->table != &k->tables[NAME]) fine &= emit(k, b, w->at, w->at, w->at + w->size, w->key);
                else fine &= latin(k, b, &begun, w->at) & named(k, b, w->at, w->at, w->at + w->size, w->key);
            }
            fine &= latin(k, b, &begun, b->base + 64);
            if (now->line) b->line = b->base + 64 - (size_t)__builtin_clzll(now->line);
            for (uint64_t ends = now->line; ends; ends &= ends - 1) b->lines++;
        }
        memcpy(bits, bits + BATCH, 2 * sizeof *bits);
    }
    return fine;
}

/* Searches a block (see blocks.py): numbers alone unless `all`. Gives the count of hits, which stay until the next
   call, or -1 when memory is short; `lines` gets the line ends from `fresh` on. */
int64_t kernel_search(Kernel *k, const uint8_t *data, uint64_t size, uint64_t fresh, int open, const uint64_t *breaks,
                      uint64_t break_count, int all, int pipe, uint64_t *lines, const Hit **hits) {
    Block b = {.data = data, .size = size, .fresh = fresh, .open = open, .breaks = breaks, .break_count = break_count};
    int64_t ends = 0, begun = 0;
    for (uint64_t i = 0; i < fresh && i < size; i++) ends += data[i] == '\n';
    for (uint64_t i = 0; breaks && i < break_count; i++) begun += breaks[i] < fresh;
    b.before = breaks ? begun : ends;
    k->found = 0;
    int fine = all ? pass(k, &b, 1, pipe) : pass(k, &b, 0, 0);
    k->base += size + 1;
    *lines = (uint64_t)(b.lines - ends);
    *hits = k->hits;
    return fine ? (int64_t)k->found : -1;
}
