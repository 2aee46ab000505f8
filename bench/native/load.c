/* The load generator of the benchmark: one thread, epoll, HTTP/1.1 keep-alive, every answer checked.
 *
 *   load --port P --head FILE [--body FILE] [--keys FILE] [--conns C] [--seconds S] [--rate R] [--total N]
 *        [--expect FILE | --min-bytes N] [--stream --events N --gap-ms G] [--stagger-ms M] [--warm N] [--timeout-ms T] [--sync]
 *
 * Closed loop (no --rate): each connection sends its next request when its answer is complete.
 * Open loop (--rate): request i is meant for start + i/R and goes to a free connection; when none is free it
 * waits. "latency" runs from the actual send, "latency_intended" from the meant moment, so the second holds
 * the waiting and this program's own lateness ("lag" is that alone: meant moment to send).
 * The head is a template: {KEY} is replaced by the lines of --keys in turn, {LEN} by the length of the body, and
 * {SEQ} by a number: --variants N makes N heads for each key, sent in turn.
 * With --sync it connects, sends --warm requests per connection (not counted), prints "ready" and waits for a
 * line on stdin: whoever measures CPU takes its first sample there. It ends with one line of JSON.
 *
 * An answer is good when its status is 200 and its body equals --expect byte for byte (or has at least
 * --min-bytes and is a JSON object), or, with --stream, when it holds at least --events events and ends with
 * "data: [DONE]". Everything else is an error of a named kind, counted once per request.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "histogram.h"

enum { HEAD_MAX = 16384, TAIL_BYTES = 32, CONNS_MAX = 4096 };
enum { E_CONNECT, E_RESET, E_CLOSED, E_STATUS, E_BODY, E_SHORT_STREAM, E_TIMEOUT, E_PROTOCOL, E_KINDS };
static const char *error_names[E_KINDS] = {"connect", "reset", "closed", "status", "body", "short_stream", "timeout", "protocol"};

typedef enum { DOWN, CONNECTING, IDLE, WAITING, BODY } State;
typedef enum { SIZE, DATA, DATA_END, TRAILER } ChunkState;

typedef struct {
    int fd, index;
    State state;
    char head[HEAD_MAX];
    size_t head_len;
    int status, chunked, close_after, spoiled, done_mark;
    long left;           /* body or chunk bytes still to come; -1: until close */
    ChunkState chunk;
    char line[32];
    int line_len;
    long body_len, events;
    char tail[TAIL_BYTES];
    int tail_len;
    char first_byte, last_byte, previous;
    const char *out;
    size_t out_len;
    uint64_t sent_ns, meant_ns, first_ns, last_ns, wait_until;
} Conn;

static struct {
    int port, conns, total, stream, events, gap_ms, stagger_ms, warm, timeout_ms, sync, variants;
    long min_bytes;
    double seconds, rate;
    const char *head, *body, *keys, *expect;
} opt = {.variants = 1, .conns = 1, .seconds = 1, .warm = 0, .timeout_ms = 20000, .min_bytes = 2, .events = 1};

static Conn *conns;
static char **requests;
static size_t *request_lens;
static int request_count, request_turn, epoll_fd, timer_fd;
static char *expect_data;
static size_t expect_len;
static char scratch[262144];

static int warming, stopping;
static uint64_t start_ns, stop_ns, answered, started_count, warmed, errors[E_KINDS], reconnects, events_seen, bytes_seen, last_answer_ns;
static int status_seen;
static Hist latency, intended, lag, ttft, ttft_intended, late;

static uint64_t now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000ull + (uint64_t)t.tv_nsec;
}

/* --- requests ------------------------------------------------------------------------------------------ */

static char *read_file(const char *path, size_t *len) {
    FILE *f = fopen(path, "rb");
    if (!f) { perror(path); exit(2); }
    fseek(f, 0, SEEK_END);
    *len = (size_t)ftell(f);
    rewind(f);
    char *data = malloc(*len + 1);
    if (fread(data, 1, *len, f) != *len) { perror(path); exit(2); }
    data[*len] = 0;
    fclose(f);
    return data;
}

static char *replace(const char *s, const char *what, const char *with) {
    const char *at = strstr(s, what);
    if (!at) return strdup(s);
    char *out;
    if (asprintf(&out, "%.*s%s%s", (int)(at - s), s, with, at + strlen(what)) < 0) exit(2);
    return out;
}

static void add_request(const char *head, const char *key, const char *body, size_t body_len, int variant) {
    char number[32], seq[32];
    sprintf(number, "%zu", body_len);
    sprintf(seq, "%08x", variant);
    char *keyed = replace(head, "{KEY}", key), *counted = replace(keyed, "{SEQ}", seq);
    char *whole = replace(counted, "{LEN}", number);
    size_t n = strlen(whole);
    requests = realloc(requests, sizeof *requests * (size_t)(request_count + 1));
    request_lens = realloc(request_lens, sizeof *request_lens * (size_t)(request_count + 1));
    requests[request_count] = malloc(n + body_len);
    memcpy(requests[request_count], whole, n);
    memcpy(requests[request_count] + n, body, body_len);
    request_lens[request_count++] = n + body_len;
    free(keyed);
    free(counted);
    free(whole);
}

static void build_requests(void) {
    size_t head_len, body_len = 0, keys_len;
    char *head = read_file(opt.head, &head_len);
    char *body = opt.body ? read_file(opt.body, &body_len) : "";
    for (int variant = 0; variant < opt.variants; variant++) {
        if (!opt.keys) { add_request(head, "none", body, body_len, variant); continue; }
        char *keys = read_file(opt.keys, &keys_len);
        for (char *key = strtok(keys, "\r\n"); key; key = strtok(NULL, "\r\n")) add_request(head, key, body, body_len, variant);
        free(keys);
    }
    if (opt.expect) expect_data = read_file(opt.expect, &expect_len);
    if (!request_count) { fprintf(stderr, "load: no keys in %s\n", opt.keys); exit(2); }
}

/* --- one connection ------------------------------------------------------------------------------------ */

static void conn_down(Conn *c) {
    if (c->fd >= 0) close(c->fd);
    c->fd = -1;
    c->state = DOWN;
    c->out_len = 0;
}

static void conn_watch(Conn *c, int how, int write_too) {
    struct epoll_event ev = {EPOLLIN | EPOLLRDHUP | (write_too ? EPOLLOUT : 0), {.u32 = (uint32_t)c->index}};
    epoll_ctl(epoll_fd, how, c->fd, &ev);
}

static void fail(Conn *c, int kind) {
    if (!warming || kind == E_CONNECT) errors[kind]++;
    if (warming) warmed++;
    if (kind == E_STATUS && !status_seen) status_seen = c->status;
    conn_down(c);
    c->wait_until = now_ns() + 5000000; /* a dead server is not hammered: again in 5 ms */
}

static void conn_open(Conn *c) {
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int one = 1;
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((uint16_t)opt.port)};
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    c->state = CONNECTING;
    c->sent_ns = now_ns();
    if (connect(c->fd, (struct sockaddr *)&at, sizeof at) && errno != EINPROGRESS) { fail(c, E_CONNECT); return; }
    conn_watch(c, EPOLL_CTL_ADD, 1);
}

static void flush_out(Conn *c) {
    while (c->out_len) {
        ssize_t n = write(c->fd, c->out, c->out_len);
        if (n < 0 && errno == EAGAIN) { conn_watch(c, EPOLL_CTL_MOD, 1); return; }
        if (n <= 0) { fail(c, E_RESET); return; }
        c->out += n;
        c->out_len -= (size_t)n;
    }
}

static void send_request(Conn *c, uint64_t meant) {
    int turn = request_turn;
    request_turn = turn + 1 < request_count ? turn + 1 : 0;
    c->out = requests[turn];
    c->out_len = request_lens[turn];
    c->head_len = 0;
    c->body_len = c->events = c->tail_len = c->line_len = 0;
    c->spoiled = c->done_mark = c->status = c->close_after = c->chunked = 0;
    c->previous = 0;
    c->first_ns = c->last_ns = 0;
    c->state = WAITING;
    c->sent_ns = now_ns();
    c->meant_ns = meant ? meant : c->sent_ns;
    if (!warming) { started_count++; hist_add(&lag, c->sent_ns - c->meant_ns); }
    flush_out(c);
}

static int answer_error(Conn *c) {
    if (c->status != 200) return E_STATUS;
    if (opt.stream) return c->events >= opt.events && c->done_mark ? -1 : E_SHORT_STREAM;
    if (expect_data) return !c->spoiled && (size_t)c->body_len == expect_len ? -1 : E_BODY;
    return c->body_len >= opt.min_bytes && c->first_byte == '{' && c->last_byte == '}' ? -1 : E_BODY;
}

static void answer_complete(Conn *c) {
    uint64_t now = now_ns();
    int kind = answer_error(c);
    c->state = IDLE;
    if (warming) { warmed++; if (kind >= 0) errors[kind]++; }
    else if (kind >= 0) { errors[kind]++; if (kind == E_STATUS && !status_seen) status_seen = c->status; }
    else {
        answered++;
        last_answer_ns = now;
        hist_add(&latency, now - c->sent_ns);
        hist_add(&intended, now - c->meant_ns);
        if (opt.stream) { hist_add(&ttft, c->first_ns - c->sent_ns); hist_add(&ttft_intended, c->first_ns - c->meant_ns); }
    }
    if (c->close_after) { reconnects++; conn_down(c); conn_open(c); }
}

/* Decoded body bytes, in order. Events are counted by their blank line; a read that brought any is late by
 * what it came after the one before, less --gap-ms ("late" in the report). */
static void body_bytes(Conn *c, const char *data, size_t n) {
    if (!n) return;
    if (!c->body_len) { c->first_byte = data[0]; c->first_ns = now_ns(); }
    if (!warming) bytes_seen += n;
    if (opt.stream) {
        long before = c->events;
        if (c->previous == '\n' && data[0] == '\n') c->events++;
        for (const char *p = data; (p = memchr(p, '\n', n - (size_t)(p - data))) && p + 1 < data + n; p++)
            if (p[1] == '\n') c->events++;
        if (!warming) events_seen += (uint64_t)(c->events - before);
        size_t keep = n < TAIL_BYTES ? (size_t)c->tail_len + n > TAIL_BYTES ? TAIL_BYTES - n : (size_t)c->tail_len : 0;
        memmove(c->tail, c->tail + c->tail_len - keep, keep);
        size_t take = n < TAIL_BYTES ? n : TAIL_BYTES;
        memcpy(c->tail + keep, data + n - take, take);
        c->tail_len = (int)(keep + take);
        c->done_mark = memmem(c->tail, (size_t)c->tail_len, "data: [DONE]", 12) != NULL;
    } else if (expect_data && !c->spoiled) {
        if ((size_t)c->body_len + n > expect_len || memcmp(expect_data + c->body_len, data, n)) c->spoiled = 1;
    }
    c->previous = data[n - 1];
    c->last_byte = data[n - 1];
    c->body_len += (long)n;
}

/* Returns how many bytes of a size or trailer line were used; acts at the line's end. -1: not a chunk. */
static long chunk_line(Conn *c, const char *data, size_t n, int *done) {
    for (size_t i = 0; i < n; i++) {
        if (data[i] != '\n') {
            if (c->line_len < (int)sizeof c->line - 1) c->line[c->line_len++] = data[i];
            continue;
        }
        c->line[c->line_len] = 0;
        int empty = c->line_len == 0 || c->line[0] == '\r';
        c->line_len = 0;
        if (c->chunk == DATA_END) c->chunk = SIZE;
        else if (c->chunk == TRAILER) { if (empty) *done = 1; }
        else {
            char *end;
            c->left = strtol(c->line, &end, 16);
            if (end == c->line || c->left < 0) return -1;
            c->chunk = c->left ? DATA : TRAILER;
        }
        return (long)i + 1;
    }
    return (long)n;
}

/* 1: the answer is complete, 0: more to come, -1: broken. */
static int feed_body(Conn *c, const char *data, size_t n) {
    if (!c->chunked) {
        size_t take = c->left >= 0 && (size_t)c->left < n ? (size_t)c->left : n;
        body_bytes(c, data, take);
        if (c->left >= 0) c->left -= (long)take;
        return take < n ? -1 : c->left == 0;
    }
    int done = 0;
    while (n && !done) {
        long used;
        if (c->chunk == DATA) {
            used = c->left < (long)n ? c->left : (long)n;
            body_bytes(c, data, (size_t)used);
            c->left -= used;
            if (!c->left) c->chunk = DATA_END;
        } else used = chunk_line(c, data, n, &done);
        if (used < 0) return -1;
        data += used;
        n -= (size_t)used;
    }
    return n ? -1 : done;
}

static int read_head(Conn *c, const char *data, size_t n) {
    size_t room = HEAD_MAX - 1 - c->head_len, take = n < room ? n : room;
    memcpy(c->head + c->head_len, data, take);
    size_t before = c->head_len;
    c->head_len += take;
    c->head[c->head_len] = 0;
    char *end = memmem(c->head, c->head_len, "\r\n\r\n", 4);
    if (!end) return take < n ? -1 : 0;
    size_t used = (size_t)(end + 4 - c->head) - before;
    end[2] = 0;
    if (strncmp(c->head, "HTTP/1.", 7)) return -1;
    c->status = atoi(c->head + 9);
    if (c->status == 100) { c->head_len = 0; return n > used ? read_head(c, data + used, n - used) : 0; }
    c->close_after = strcasestr(c->head, "\r\nconnection: close") != NULL;
    c->chunked = strcasestr(c->head, "\r\ntransfer-encoding: chunked") != NULL;
    char *length = strcasestr(c->head, "\r\ncontent-length:");
    c->left = c->chunked ? 0 : length ? atol(length + 17) : -1;
    c->chunk = SIZE;
    c->state = BODY;
    if (c->left == 0 && !c->chunked) return 1;
    return n > used ? feed_body(c, data + used, n - used) : 0;
}

static void on_end(Conn *c) {
    if (c->state == BODY && c->left < 0 && !c->chunked) { c->close_after = 1; answer_complete(c); }
    else if (c->state == IDLE) { reconnects++; conn_down(c); conn_open(c); }
    else fail(c, c->state == CONNECTING ? E_CONNECT : c->head_len ? E_RESET : E_CLOSED);
}

static void on_read(Conn *c) {
    for (;;) {
        ssize_t n = read(c->fd, scratch, sizeof scratch);
        if (n < 0 && errno == EAGAIN) return;
        if (n <= 0) { on_end(c); return; }
        long events_before = c->events;
        int got = c->state == BODY ? feed_body(c, scratch, (size_t)n)
                  : c->state == WAITING ? read_head(c, scratch, (size_t)n) : -1;
        if (got < 0) { fail(c, E_PROTOCOL); return; }
        if (opt.stream && c->events > events_before) {
            uint64_t now = now_ns();
            uint64_t due = c->last_ns + (uint64_t)opt.gap_ms * 1000000ull;
            if (c->last_ns && !warming) hist_add(&late, now > due ? now - due : 0);
            c->last_ns = now;
        }
        if (got) { answer_complete(c); return; }
        if ((size_t)n < sizeof scratch) return;
    }
}

static void on_event(Conn *c, uint32_t what) {
    if (c->fd < 0) return;
    if (c->state == CONNECTING) {
        int error = 0;
        socklen_t len = sizeof error;
        getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &len);
        if (error) { fail(c, E_CONNECT); return; }
        if (!(what & EPOLLOUT)) return;
        c->state = IDLE;
        conn_watch(c, EPOLL_CTL_MOD, 0);
        return;
    }
    if (what & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) on_read(c);
    if (c->fd >= 0 && (what & EPOLLOUT) && c->state != CONNECTING) {
        flush_out(c);
        if (c->fd >= 0 && !c->out_len) conn_watch(c, EPOLL_CTL_MOD, 0);
    }
}

/* --- the run ------------------------------------------------------------------------------------------- */

static void sleep_until(uint64_t due) {
    struct itimerspec spec = {{0, 0}, {(time_t)(due / 1000000000ull), (long)(due % 1000000000ull)}};
    timerfd_settime(timer_fd, TFD_TIMER_ABSTIME, &spec, NULL);
}

static void poll_events(uint64_t wake_ns) {
    struct epoll_event events[256];
    if (wake_ns) sleep_until(wake_ns);
    int n = epoll_wait(epoll_fd, events, 256, 50);
    for (int i = 0; i < n; i++) {
        if (events[i].data.u32 == UINT32_MAX) {
            uint64_t fired;
            if (read(timer_fd, &fired, sizeof fired) < 0) continue;
        } else on_event(&conns[events[i].data.u32], events[i].events);
    }
}

static int count_state(State s) {
    int n = 0;
    for (int i = 0; i < opt.conns; i++) n += conns[i].state == s;
    return n;
}

/* Once in a while: reopen what is down, drop what is overdue. */
static void sweep(uint64_t now) {
    for (int i = 0; i < opt.conns; i++) {
        Conn *c = &conns[i];
        if (c->state == DOWN && now >= c->wait_until && !stopping) { reconnects++; conn_open(c); }
        else if (c->state >= WAITING || c->state == CONNECTING) {
            if (now > c->sent_ns && now - c->sent_ns > (uint64_t)opt.timeout_ms * 1000000ull) fail(c, E_TIMEOUT);
        }
    }
}

static void swept_poll(uint64_t wake_ns) {
    static uint64_t next_sweep;
    poll_events(wake_ns);
    uint64_t now = now_ns();
    if (now >= next_sweep) { sweep(now); next_sweep = now + 5000000; }
}

static void warm_up(void) {
    uint64_t limit = now_ns() + 60000000000ull, want = (uint64_t)opt.warm * (uint64_t)opt.conns, sent = 0;
    warming = 1;
    for (int i = 0; i < opt.conns; i++) conn_open(&conns[i]);
    while (now_ns() < limit && (warmed < want || count_state(IDLE) < opt.conns)) {
        for (int i = 0; i < opt.conns && sent < want; i++)
            if (conns[i].state == IDLE) { send_request(&conns[i], 0); sent++; }
        swept_poll(0);
        if (errors[E_CONNECT] > (uint64_t)opt.conns * 20) break;
    }
    warming = 0;
}

static int may_start(uint64_t now) { return now < stop_ns && (!opt.total || started_count < (uint64_t)opt.total); }

static void run_closed(void) {
    for (int i = 0; i < opt.conns; i++)
        conns[i].wait_until = start_ns + (uint64_t)opt.stagger_ms * 1000000ull * (uint64_t)i / (uint64_t)opt.conns;
    uint64_t now;
    while (now = now_ns(), may_start(now)) {
        uint64_t wake = 0;
        for (int i = 0; i < opt.conns && may_start(now); i++) {
            Conn *c = &conns[i];
            if (c->state != IDLE) continue;
            if (now >= c->wait_until) send_request(c, 0);
            else if (!wake || c->wait_until < wake) wake = c->wait_until;
        }
        swept_poll(wake);
    }
}

static void run_paced(void) {
    double step = 1e9 / opt.rate;
    uint64_t i = 0, meant = start_ns;
    int at = 0;
    for (;;) {
        uint64_t now = now_ns();
        if (!may_start(now)) break;
        while (meant <= now && may_start(now)) {
            int tried = 0;
            while (tried < opt.conns && conns[at].state != IDLE) { at = (at + 1) % opt.conns; tried++; }
            if (tried == opt.conns) break;
            send_request(&conns[at], meant);
            at = (at + 1) % opt.conns;
            meant = start_ns + (uint64_t)((double)++i * step);
        }
        swept_poll(meant > now ? meant : 0);
    }
}

static void drain(void) {
    stopping = 1;
    uint64_t limit = now_ns() + (uint64_t)opt.timeout_ms * 1000000ull;
    while (count_state(WAITING) + count_state(BODY) && now_ns() < limit + 100000000ull) swept_poll(0);
}

static void report(void) {
    double seconds = (double)((last_answer_ns > start_ns ? last_answer_ns : now_ns()) - start_ns) / 1e9;
    uint64_t failed = 0;
    printf("{\"count\":%lu,\"seconds\":%.4f,\"rps\":%.1f,\"started\":%lu,\"reconnects\":%lu,\"bytes\":%lu,\"events\":%lu,\"errors\":{",
           (unsigned long)answered, seconds, (double)answered / seconds, (unsigned long)started_count,
           (unsigned long)reconnects, (unsigned long)bytes_seen, (unsigned long)events_seen);
    for (int i = 0; i < E_KINDS; i++) {
        if (!errors[i]) continue;
        printf("%s\"%s\":%lu", failed ? "," : "", error_names[i], (unsigned long)errors[i]);
        failed += errors[i];
    }
    printf("},\"failed\":%lu,\"first_bad_status\":%d,", (unsigned long)failed, status_seen);
    hist_print("latency", &latency);
    printf(",");
    hist_print("latency_intended", &intended);
    printf(",");
    hist_print("lag", &lag);
    printf(",");
    hist_print("ttft", &ttft);
    printf(",");
    hist_print("ttft_intended", &ttft_intended);
    printf(",");
    hist_print("late", &late);
    printf("}\n");
}

static int read_flag(const char *name) {
    if (!strcmp(name, "--stream")) opt.stream = 1;
    else if (!strcmp(name, "--sync")) opt.sync = 1;
    else return 0;
    return 1;
}

static int read_number(const char *name, const char *value) {
    struct { const char *name; int *into; } ints[] = {
        {"--port", &opt.port}, {"--conns", &opt.conns}, {"--total", &opt.total}, {"--events", &opt.events}, {"--gap-ms", &opt.gap_ms},
        {"--stagger-ms", &opt.stagger_ms}, {"--warm", &opt.warm}, {"--timeout-ms", &opt.timeout_ms}, {"--variants", &opt.variants}};
    for (size_t i = 0; i < sizeof ints / sizeof *ints; i++)
        if (!strcmp(name, ints[i].name)) { *ints[i].into = atoi(value); return 1; }
    if (!strcmp(name, "--seconds")) opt.seconds = atof(value);
    else if (!strcmp(name, "--rate")) opt.rate = atof(value);
    else if (!strcmp(name, "--min-bytes")) opt.min_bytes = atol(value);
    else return 0;
    return 1;
}

static int read_path(const char *name, const char *value) {
    if (!strcmp(name, "--head")) opt.head = value;
    else if (!strcmp(name, "--body")) opt.body = value;
    else if (!strcmp(name, "--keys")) opt.keys = value;
    else if (!strcmp(name, "--expect")) opt.expect = value;
    else return 0;
    return 1;
}

static void read_options(int argc, char **argv) {
    for (int i = 1; i < argc; i++) {
        if (read_flag(argv[i])) continue;
        if (i + 1 < argc && (read_number(argv[i], argv[i + 1]) || read_path(argv[i], argv[i + 1]))) { i++; continue; }
        fprintf(stderr, "load: unknown option %s\n", argv[i]);
        exit(2);
    }
    if (!opt.port || !opt.head || opt.conns < 1 || opt.conns > CONNS_MAX) { fprintf(stderr, "load: --port and --head are needed\n"); exit(2); }
}

int main(int argc, char **argv) {
    read_options(argc, argv);
    signal(SIGPIPE, SIG_IGN);
    prctl(PR_SET_PDEATHSIG, SIGKILL); /* never outlive the harness */
    prctl(PR_SET_TIMERSLACK, 1UL);
    struct rlimit files = {CONNS_MAX + 64, CONNS_MAX + 64};
    setrlimit(RLIMIT_NOFILE, &files);
    build_requests();
    conns = calloc((size_t)opt.conns, sizeof *conns);
    for (int i = 0; i < opt.conns; i++) { conns[i].fd = -1; conns[i].index = i; }
    epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    struct epoll_event ev = {EPOLLIN, {.u32 = UINT32_MAX}};
    epoll_ctl(epoll_fd, EPOLL_CTL_ADD, timer_fd, &ev);
    warm_up();
    if (opt.sync) {
        char line[16];
        printf("ready\n");
        fflush(stdout);
        if (!fgets(line, sizeof line, stdin)) return 1;
    }
    reconnects = 0;
    start_ns = now_ns();
    stop_ns = start_ns + (uint64_t)(opt.seconds * 1e9);
    if (opt.rate > 0) run_paced();
    else run_closed();
    drain();
    report();
    return 0;
}
