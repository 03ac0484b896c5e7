/* The record around a word that was found, the numbers it shows, and what is kept of it (for kernel.c). */

#include "tables.h"

enum { WINDOW = 1000 }; /* bytes to either side of a word in a record longer than LONG_RECORD: as in index.py */
enum { OPEN_LEFT = 1, OPEN_RIGHT = 2 };

typedef struct {
    const uint8_t *data; size_t size, fresh; int open;
    const uint64_t *breaks; size_t break_count, next; /* where records begin, if not after line ends */
    size_t start, stop; int whole, read;              /* the record last looked at, and whether its numbers are read */
    size_t base, line; uint64_t line_bits;            /* the 64 bytes in work; the line that goes on there; its ends */
    int64_t lines, before;                            /* line ends before these bytes; records before `fresh` */
} Block;

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

static void show(Kernel *k, uint64_t number) {
    if (k->shown_count == MOST_NUMBERS) return;
    k->shown[k->shown_count++] = number;
    k->shown_bits |= bit_of(number);
}

static void show_date(Kernel *k, uint64_t a, uint64_t b, uint64_t c) { /* if three numbers are one, as 20260305 */
    if (a - 1000 < 9000 && b - 1 < 12 && c - 1 < 31) show(k, a * 10000 + b * 100 + c);
    if (c - 1000 >= 9000) return;
    if (b - 1 < 12 && a - 1 < 31) show(k, c * 10000 + b * 100 + a);
    if (a - 1 < 12 && b - 1 < 31) show(k, c * 10000 + a * 100 + b);
}

/* The whole numbers, of ten digits at most, that the record shows, and the dates that three on end are (person.py). */
static void read_numbers(Kernel *k, Block *b) {
    size_t done = b->start;
    uint64_t last = 0, before_last = 0; /* which are of no date */
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
            if (i - from > 10) continue;
            show(k, number);
            show_date(k, before_last, last, number);
            before_last = last; last = number;
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
