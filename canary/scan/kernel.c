/* Finds, in one pass over raw bytes, the places where a needle may stand: whole words looked up in hash sets. Python
   (kernel.py) builds the sets and reads the few records found; fallback.py gives the same places without a compiler.
   64 bytes at a time become bit masks of character classes; only runs long enough to be a needle are looked at. */

#include "records.h"

enum { HEX_KEY = 8, MOST_PARTS = 6, MOST_DECIMALS = 20, USUAL = 11 /* digits of a number */, BATCH = 32 };

typedef struct { size_t at, size; uint64_t hash; const Table *table; int64_t key; } Word;

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
            begun &= ~now->group | now->letter >> 1 | now[1].letter << 63; /* no hyphen alone, as dates have them */
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

/* --- for kernel.py --- */

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
