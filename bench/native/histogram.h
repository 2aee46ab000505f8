/* A log-linear histogram of nanoseconds, as HDR: 128 steps per power of two, so within 0.8 %. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum { HIST_STEP_BITS = 7, HIST_STEPS = 1 << HIST_STEP_BITS, HIST_SLOTS = (48 - HIST_STEP_BITS) * HIST_STEPS };

typedef struct { uint64_t *slots, count, max, sum; } Hist;

static int hist_slot(uint64_t v) {
    if (v < HIST_STEPS) return (int)v;
    int top = 63 - __builtin_clzll(v), shift = top - HIST_STEP_BITS;
    int slot = (shift + 1) * HIST_STEPS + (int)((v >> shift) & (HIST_STEPS - 1));
    return slot < HIST_SLOTS ? slot : HIST_SLOTS - 1;
}

static uint64_t hist_value(int slot) { /* the middle of the slot */
    if (slot < HIST_STEPS) return (uint64_t)slot;
    int shift = slot / HIST_STEPS - 1;
    return ((uint64_t)(HIST_STEPS + slot % HIST_STEPS) << shift) + ((1ull << shift) >> 1);
}

static void hist_add(Hist *h, uint64_t v) {
    if (!h->slots) h->slots = calloc(HIST_SLOTS, sizeof *h->slots);
    h->slots[hist_slot(v)]++;
    h->count++;
    h->sum += v;
    if (v > h->max) h->max = v;
}

static double hist_us(const Hist *h, double q) {
    if (!h->count) return 0;
    uint64_t want = (uint64_t)(q * (double)h->count + 0.999999), seen = 0;
    for (int i = 0; i < HIST_SLOTS; i++) {
        seen += h->slots[i];
        if (seen >= want) return (double)(hist_value(i) < h->max ? hist_value(i) : h->max) / 1e3;
    }
    return (double)h->max / 1e3;
}

static void hist_print(const char *name, const Hist *h) {
    if (!h->count) { printf("\"%s\":null", name); return; }
    printf("\"%s\":{\"count\":%lu,\"p50\":%.1f,\"p90\":%.1f,\"p99\":%.1f,\"p999\":%.1f,\"max\":%.1f,\"mean\":%.1f}", name,
           (unsigned long)h->count, hist_us(h, .5), hist_us(h, .9), hist_us(h, .99), hist_us(h, .999),
           (double)h->max / 1e3, (double)h->sum / (double)h->count / 1e3);
}
