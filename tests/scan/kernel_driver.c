/* Runs the kernel over random texts of needles, pieces of needles and other bytes, in buffers without a byte to spare:
   built with -fsanitize=address,undefined by test_kernel.py, it ends with 0 only if nothing was read out of bounds. */

#include "../../canary/scan/kernel.c"
#include <stdio.h>

static uint64_t state = 88172645463325252u;
static uint64_t any(uint64_t below) {
    state ^= state << 13; state ^= state >> 7; state ^= state << 17;
    return state % below;
}

static const char *PIECES[] = {
    "12000000001", "8612000000001", "120 0000 0001", "+86 120-0000-0001", "120****0001", "1.2000000001E+10", "e+99", "E",
    "0123456789abcdef", "FEDCBA98765432100123456789ABCDEF", "\xe9\x99\x88\xe4\xb8\xbd\xe8\x8a\xb3", "\\u9648\\u4e3d", "chen",
    "\xb3\xc2\xc0\xf6", "2026-03-05", ",", "\n", "\n", " ", "|", "'", "-", "xx", "**", ".", "", "5", "20", "\xef\xbc\x91",
};
enum { PIECE_COUNT = sizeof PIECES / sizeof *PIECES };

static size_t fill(uint8_t *text, size_t room) {
    size_t size = 0;
    while (size < room && any(100)) {
        const char *piece = PIECES[any(PIECE_COUNT)];
        size_t n = any(4) ? strlen(piece) : any(strlen(piece) + 1);
        if (!any(30)) { text[size++] = (uint8_t)any(256); continue; }
        if (!any(200)) { for (n = any(300); n && size < room; n--) text[size++] = "17 af\xe9x*"[n % 9]; continue; }
        for (size_t i = 0; i < n && size < room; i++) text[size++] = (uint8_t)piece[i];
    }
    return size;
}

int main(int count, char **arguments) {
    const char *keys[] = {"\xe9\x99\x88\xe4\xb8\xbd\xe8\x8a\xb3", "\\u9648\\u4e3d", "chen", "\xb3\xc2\xc0\xf6",
                          "12000000001", "8612000000001", "\x01\x23\x45\x67\x89\xab\xcd\xef", "120*0001"};
    uint8_t all[128]; uint32_t ends[8], size = 0;
    for (int i = 0; i < 8; i++) {
        size_t n = i == 6 ? 8 : strlen(keys[i]);
        memcpy(all + size, keys[i], n);
        ends[i] = size += n;
    }
    uint32_t until[] = {4, 6, 7, 8}, group_of[] = {0, 1, 2, 0}, sizes[] = {0, 3, 4, 4, 5};
    Group groups[] = {{.sign = 0, .after = 1}, {.sign = 1, .after = 2}, {.sign = 2, .after = 4}};
    uint64_t numbers[] = {2026, 3, 5, 20260305, 5}, hits = 0;
    Kernel *k = kernel_new(all, ends, until, group_of, groups, sizes, numbers, 4, 1);
    for (long round = count > 1 ? atol(arguments[1]) : 1000; k && round; round--) {
        size_t room = any(20) ? any(600) : any(200000);
        uint8_t *scratch = malloc(room + 1);
        size_t n = fill(scratch, room);
        uint8_t *text = malloc(n ? n : 1);
        memcpy(text, scratch, n);
        uint64_t breaks[3] = {any(n + 1) / 3, 0, 0}, lines;
        breaks[1] = breaks[0] + any(n + 1) / 3; breaks[2] = breaks[1] + any(n + 1) / 3;
        const Hit *found;
        int64_t got = kernel_search(k, text, n, any(3) ? 0 : any(n + 1), (int)any(4), any(2) ? breaks : NULL, any(4),
                                    any(4) > 0, (int)any(2), &lines, &found);
        for (int64_t i = 0; i < got; i++) if (found[i].end > n || found[i].at >= found[i].end) return 1;
        hits += (uint64_t)got;
        free(text); free(scratch);
    }
    printf("%llu hits\n", (unsigned long long)hits);
    kernel_free(k);
    return hits == 0;
}
