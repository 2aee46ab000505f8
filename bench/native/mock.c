/* A cheap mock upstream for the benchmark: one thread, epoll, fixed answers in two dialects.
 *
 * It exists so that the upstream never is what is measured: every answer is built once at start, and an
 * answer costs one read and one write. It is not an HTTP server: requests need a Content-Length (a chunked
 * one is refused with 411, so a gateway that re-frames bodies is noticed), and pipelining is not served.
 *
 *   mock --listen PORT [--listen PORT]... [--latency-ms 0] [--events 50] [--event-ms 20]
 *
 * A path with "/messages" in it answers in the Anthropic dialect, any other POST in the OpenAI one; GET
 * answers {"ok":true}. A body with "stream":true is answered with chunked SSE. A model name ending in
 * "-lat20" delays the answer by 20 ms, one with "-ev50x20" sets events and gap of a stream: the model is the
 * one thing every gateway carries through, while headers and paths may be filtered or rewritten.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

enum { ANSWER_BYTES = 10120, EVENTS_MAX = 1000, CONNS_MAX = 8192, KEEP_BYTES = 16384, TAIL_BYTES = 2048 };

typedef struct { char *data; size_t len; } Text;

typedef struct {
    int fd;
    char *kept;            /* the head and the start of the body */
    size_t kept_len;
    char tail[TAIL_BYTES]; /* the end of a body that is longer than what is kept */
    size_t tail_len;
    long head_len, body_left; /* head_len 0: the head is not complete yet */
    long body_total;
    const char *out;
    size_t out_len;
    int answering, close_after, want_write;
    int anthropic, streaming, with_usage, events, event_ms, next_event;
    uint64_t due_ns; /* 0: no timer */
    int heap_at;
} Conn;

static Conn *conns[65536];
static Conn *heap[CONNS_MAX + 1];
static int heap_len, epoll_fd, timer_fd;
static uint64_t timer_armed;
static int default_latency_ms = 0, default_events = 50, default_event_ms = 20;
static Text openai_answer, anthropic_answer, ok_answer, refused_answer, stream_head;
static Text openai_event[2][64], anthropic_event[64];
static Text openai_end[2], anthropic_start, anthropic_end;
static char scratch[262144];

static uint64_t now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000ull + (uint64_t)t.tv_nsec;
}

/* --- timers: a binary heap on due_ns, one timerfd armed to its top ------------------------------------- */

static void heap_put(int i, Conn *c) { heap[i] = c; c->heap_at = i; }

static void heap_up(int i) {
    Conn *c = heap[i];
    for (; i > 1 && heap[i / 2]->due_ns > c->due_ns; i /= 2) heap_put(i, heap[i / 2]);
    heap_put(i, c);
}

static void heap_down(int i) {
    Conn *c = heap[i];
    while (2 * i <= heap_len) {
        int child = 2 * i;
        if (child < heap_len && heap[child + 1]->due_ns < heap[child]->due_ns) child++;
        if (heap[child]->due_ns >= c->due_ns) break;
        heap_put(i, heap[child]);
        i = child;
    }
    heap_put(i, c);
}

static void timer_clear(Conn *c) {
    int i = c->heap_at;
    if (!i) return;
    Conn *last = heap[heap_len--];
    c->heap_at = 0;
    c->due_ns = 0;
    if (last == c) return;
    heap_put(i, last);
    heap_up(i);
    heap_down(last->heap_at);
}

static void timer_set(Conn *c, uint64_t due) {
    timer_clear(c);
    c->due_ns = due;
    heap_put(++heap_len, c);
    heap_up(heap_len);
}

static void timer_arm(void) {
    uint64_t due = heap_len ? heap[1]->due_ns : 0;
    if (due == timer_armed) return;
    struct itimerspec spec = {{0, 0}, {(time_t)(due / 1000000000ull), (long)(due % 1000000000ull)}};
    timerfd_settime(timer_fd, TFD_TIMER_ABSTIME, &spec, NULL);
    timer_armed = due;
}

/* --- answers, built once ------------------------------------------------------------------------------- */

static Text text(const char *s, size_t n) {
    Text t = {malloc(n + 1), n};
    memcpy(t.data, s, n);
    t.data[n] = 0;
    return t;
}

static Text chunk(const char *payload) {
    char *buf = malloc(strlen(payload) + 32);
    int n = sprintf(buf, "%zx\r\n%s\r\n", strlen(payload), payload);
    Text t = text(buf, (size_t)n);
    free(buf);
    return t;
}

static const char *rate_headers =
    "openai-organization: bench-organization\r\nopenai-processing-ms: 412\r\nopenai-version: 2020-10-01\r\n"
    "x-envoy-upstream-service-time: 431\r\nx-ratelimit-limit-requests: 30000\r\n"
    "x-ratelimit-limit-tokens: 150000000\r\nx-ratelimit-remaining-requests: 29999\r\n"
    "x-ratelimit-remaining-tokens: 149998112\r\nx-ratelimit-reset-requests: 2ms\r\n"
    "x-ratelimit-reset-tokens: 0s\r\nx-request-id: req_0a1b2c3d4e5f60718293a4b5c6d7e8f9\r\n"
    "strict-transport-security: max-age=31536000; includeSubDomains; preload\r\n"
    "x-content-type-options: nosniff\r\ncf-cache-status: DYNAMIC\r\nalt-svc: h3=\":443\"; ma=86400\r\n";

static Text answer(const char *before, const char *after) {
    char body[ANSWER_BYTES + 1];
    size_t used = strlen(before) + strlen(after), fill = ANSWER_BYTES - used;
    static const char words[] = "The gateway forwards what it is given, counts it, and keeps out of the way. ";
    size_t at = strlen(before);
    memcpy(body, before, at);
    for (size_t i = 0; i < fill; i++) body[at++] = words[i % (sizeof words - 1)];
    memcpy(body + at, after, strlen(after));
    char *buf = malloc(ANSWER_BYTES + 4096);
    int n = sprintf(buf,
                    "HTTP/1.1 200 OK\r\ndate: Mon, 02 Nov 2026 10:00:00 GMT\r\ncontent-type: application/json\r\n"
                    "content-length: %d\r\n%s\r\n", ANSWER_BYTES, rate_headers);
    memcpy(buf + n, body, ANSWER_BYTES);
    Text t = text(buf, (size_t)n + ANSWER_BYTES);
    free(buf);
    return t;
}

static void build_answers(void) {
    openai_answer = answer(
        "{\"id\":\"chatcmpl-BenchBenchBenchBenchBench0001\",\"object\":\"chat.completion\",\"created\":1762077600,"
        "\"model\":\"gpt-4o-mini-2024-07-18\",\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\","
        "\"content\":\"",
        "\",\"refusal\":null,\"annotations\":[]},\"logprobs\":null,\"finish_reason\":\"stop\"}],\"usage\":{"
        "\"prompt_tokens\":312,\"completion_tokens\":1874,\"total_tokens\":2186,\"prompt_tokens_details\":{"
        "\"cached_tokens\":128,\"audio_tokens\":0},\"completion_tokens_details\":{\"reasoning_tokens\":0,"
        "\"audio_tokens\":0,\"accepted_prediction_tokens\":0,\"rejected_prediction_tokens\":0}},"
        "\"service_tier\":\"default\",\"system_fingerprint\":\"fp_0bench0000\"}");
    anthropic_answer = answer(
        "{\"id\":\"msg_01BenchBenchBenchBench0001\",\"type\":\"message\",\"role\":\"assistant\","
        "\"model\":\"claude-haiku-4-5-20251001\",\"content\":[{\"type\":\"text\",\"text\":\"",
        "\"}],\"stop_reason\":\"end_turn\",\"stop_sequence\":null,\"usage\":{\"input_tokens\":184,"
        "\"cache_creation_input_tokens\":0,\"cache_read_input_tokens\":128,\"cache_creation\":{"
        "\"ephemeral_5m_input_tokens\":0,\"ephemeral_1h_input_tokens\":0},\"output_tokens\":1874,"
        "\"service_tier\":\"standard\"}}");
    static const char ok[] = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 11\r\n\r\n{\"ok\":true}";
    static const char refused[] = "HTTP/1.1 411 Length Required\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
    ok_answer = text(ok, sizeof ok - 1);
    refused_answer = text(refused, sizeof refused - 1);
    char buf[4096];
    int n = sprintf(buf,
                    "HTTP/1.1 200 OK\r\ndate: Mon, 02 Nov 2026 10:00:00 GMT\r\n"
                    "content-type: text/event-stream; charset=utf-8\r\ntransfer-encoding: chunked\r\n%s\r\n", rate_headers);
    stream_head = text(buf, (size_t)n);
}

static void build_events(void) {
    static const char *words[] = {" the", " bridge", " carries", " every", " call", " across", " and", " back"};
    char buf[4096];
    for (int i = 0; i < 64; i++) {
        for (int usage = 0; usage < 2; usage++) {
            sprintf(buf,
                    "data: {\"id\":\"chatcmpl-BenchBenchBenchBenchBench0001\",\"object\":\"chat.completion.chunk\","
                    "\"created\":1762077600,\"model\":\"gpt-4o-mini-2024-07-18\",\"service_tier\":\"default\","
                    "\"system_fingerprint\":\"fp_0bench0000\",\"choices\":[{\"index\":0,\"delta\":{%s\"content\":\"%s\"},"
                    "\"logprobs\":null,\"finish_reason\":null}]%s}\n\n",
                    i ? "" : "\"role\":\"assistant\",", words[i % 8], usage ? ",\"usage\":null" : "");
            openai_event[usage][i] = chunk(buf);
        }
        sprintf(buf,
                "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":"
                "{\"type\":\"text_delta\",\"text\":\"%s\"}}\n\n", words[i % 8]);
        anthropic_event[i] = chunk(buf);
    }
}

static void build_ends(void) {
    char buf[8192];
    static const char *chunk_head =
        "data: {\"id\":\"chatcmpl-BenchBenchBenchBenchBench0001\",\"object\":\"chat.completion.chunk\","
        "\"created\":1762077600,\"model\":\"gpt-4o-mini-2024-07-18\",\"service_tier\":\"default\","
        "\"system_fingerprint\":\"fp_0bench0000\",\"choices\":[";
    static const char *finish = "{\"index\":0,\"delta\":{},\"logprobs\":null,\"finish_reason\":\"stop\"}]";
    static const char *usage =
        "],\"usage\":{\"prompt_tokens\":312,\"completion_tokens\":50,\"total_tokens\":362,\"prompt_tokens_details\":{"
        "\"cached_tokens\":128,\"audio_tokens\":0},\"completion_tokens_details\":{\"reasoning_tokens\":0,"
        "\"audio_tokens\":0,\"accepted_prediction_tokens\":0,\"rejected_prediction_tokens\":0}}}\n\n";
    static const char *last = "\r\n0\r\n\r\n";
    for (int with = 0; with < 2; with++) {
        int n = sprintf(buf, "%s%s%s}\n\n", chunk_head, finish, with ? ",\"usage\":null" : "");
        if (with) n += sprintf(buf + n, "%s%s", chunk_head, usage);
        sprintf(buf + n, "data: [DONE]\n\n");
        Text framed = chunk(buf);
        openai_end[with].data = malloc(framed.len + 16);
        openai_end[with].len = (size_t)sprintf(openai_end[with].data, "%.*s%s", (int)framed.len - 2, framed.data, last);
    }
    anthropic_start = chunk(
        "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"msg_01BenchBenchBenchBench0001\","
        "\"type\":\"message\",\"role\":\"assistant\",\"model\":\"claude-haiku-4-5-20251001\",\"content\":[],"
        "\"stop_reason\":null,\"stop_sequence\":null,\"usage\":{\"input_tokens\":184,\"cache_creation_input_tokens\":0,"
        "\"cache_read_input_tokens\":128,\"output_tokens\":1}}}\n\nevent: content_block_start\ndata: "
        "{\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\n");
    Text framed = chunk(
        "event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":0}\n\nevent: message_delta\ndata: "
        "{\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\",\"stop_sequence\":null},\"usage\":"
        "{\"output_tokens\":50}}\n\nevent: message_stop\ndata: {\"type\":\"message_stop\"}\n\n");
    anthropic_end.data = malloc(framed.len + 16);
    anthropic_end.len = (size_t)sprintf(anthropic_end.data, "%.*s%s", (int)framed.len - 2, framed.data, last);
}

/* --- one connection ------------------------------------------------------------------------------------ */

static void conn_close(Conn *c) {
    timer_clear(c);
    conns[c->fd] = NULL;
    close(c->fd);
    free(c->kept);
    free(c);
}

static void watch(Conn *c, int want_write) {
    if (c->want_write == want_write) return;
    struct epoll_event ev = {EPOLLIN | (want_write ? EPOLLOUT : 0), {.fd = c->fd}};
    epoll_ctl(epoll_fd, EPOLL_CTL_MOD, c->fd, &ev);
    c->want_write = want_write;
}

static void request_done(Conn *c) {
    c->answering = 0;
    c->kept_len = c->tail_len = 0;
    c->head_len = 0;
}

/* What follows the bytes just written: 0 = nothing more (done, or a timer will bring it). */
static int next_piece(Conn *c) {
    if (!c->streaming) { request_done(c); return 0; }
    if (c->next_event > c->events) { request_done(c); return 0; }
    if (c->event_ms && c->next_event > 0) {
        timer_set(c, now_ns() + (uint64_t)c->event_ms * 1000000ull);
        return 0;
    }
    return 1;
}

static void load_piece(Conn *c) {
    int i = c->next_event++;
    Text t;
    if (i >= c->events) t = c->anthropic ? anthropic_end : openai_end[c->with_usage];
    else if (i == 0) t = c->anthropic ? anthropic_event[0] : openai_event[c->with_usage][0];
    else t = c->anthropic ? anthropic_event[1 + i % 63] : openai_event[c->with_usage][1 + i % 63];
    c->out = t.data;
    c->out_len = t.len;
}

/* Writes until nothing is due or the socket is full. Returns -1 when the connection is gone. */
static int pump(Conn *c) {
    while (c->out_len) {
        ssize_t n = write(c->fd, c->out, c->out_len);
        if (n < 0 && errno == EAGAIN) { watch(c, 1); return 0; }
        if (n <= 0) { conn_close(c); return -1; }
        c->out += n;
        c->out_len -= (size_t)n;
        if (c->out_len) continue;
        if (c->close_after) { conn_close(c); return -1; }
        if (c->answering && next_piece(c)) load_piece(c);
    }
    watch(c, 0);
    return 0;
}

static int answer_now(Conn *c) {
    if (c->streaming) {
        static char first[8192]; /* head and first event leave together, as one segment */
        c->next_event = 1;
        Text e = c->anthropic ? anthropic_event[0] : openai_event[c->with_usage][0];
        size_t n = stream_head.len;
        memcpy(first, stream_head.data, n);
        if (c->anthropic) { memcpy(first + n, anthropic_start.data, anthropic_start.len); n += anthropic_start.len; }
        memcpy(first + n, e.data, e.len);
        n += e.len;
        /* A fresh socket takes these 1.5 KB whole; if ever not, the stream is cut and the generator says so. */
        if (write(c->fd, first, n) != (ssize_t)n) { conn_close(c); return -1; }
        if (!next_piece(c)) return 0;
        load_piece(c);
        return pump(c);
    }
    Text t = c->anthropic ? anthropic_answer : openai_answer;
    c->out = t.data;
    c->out_len = t.len;
    return pump(c);
}

/* The start and the end of the body are searched, not the middle: 4 MiB bodies must stay cheap here. */
static const char *body_find(Conn *c, const char *needle) {
    size_t n = strlen(needle);
    char *hit = memmem(c->kept + c->head_len, c->kept_len - (size_t)c->head_len, needle, n);
    return hit ? hit : memmem(c->tail, c->tail_len, needle, n);
}

static int decide(Conn *c) {
    c->answering = 1;
    c->streaming = body_find(c, "\"stream\":true") || body_find(c, "\"stream\": true");
    c->with_usage = c->streaming && body_find(c, "include_usage") != NULL;
    c->events = default_events;
    c->event_ms = default_event_ms;
    int latency = default_latency_ms;
    const char *mark = body_find(c, "-lat");
    if (mark) latency = atoi(mark + 4);
    mark = c->streaming ? body_find(c, "-ev") : NULL;
    if (mark && sscanf(mark, "-ev%dx%d", &c->events, &c->event_ms) == 2 && c->events > EVENTS_MAX) c->events = EVENTS_MAX;
    if (latency > 0) { c->next_event = -1; timer_set(c, now_ns() + (uint64_t)latency * 1000000ull); return 0; }
    return answer_now(c);
}

static int answer_plain(Conn *c, Text t, int close_after) {
    c->answering = 1;
    c->streaming = 0;
    c->close_after = close_after;
    c->out = t.data;
    c->out_len = t.len;
    return pump(c);
}

/* Reads the head once it is whole. Returns 1 to go on, 0 to wait for more, -1 when answered or gone. */
static int read_head(Conn *c) {
    char *end = memmem(c->kept, c->kept_len, "\r\n\r\n", 4);
    if (!end) return c->kept_len < KEEP_BYTES ? 0 : (conn_close(c), -1);
    c->head_len = end + 4 - c->kept;
    *end = 0;
    char *line_end = strstr(c->kept, "\r\n");
    char *messages = strstr(c->kept, "/messages");
    c->anthropic = messages && line_end && messages < line_end;
    if (!strncmp(c->kept, "GET ", 4)) { answer_plain(c, ok_answer, 0); return -1; }
    if (strcasestr(c->kept, "\ntransfer-encoding:")) { answer_plain(c, refused_answer, 1); return -1; }
    char *length = strcasestr(c->kept, "\ncontent-length:");
    c->body_total = length ? atol(length + 16) : 0;
    c->body_left = c->body_total - (long)(c->kept_len - (size_t)c->head_len);
    char *expect = strcasestr(c->kept, "\nexpect: 100-continue");
    if (expect && c->body_left > 0 && write(c->fd, "HTTP/1.1 100 Continue\r\n\r\n", 25) != 25) { conn_close(c); return -1; }
    return 1;
}

static void keep_tail(Conn *c, const char *data, size_t n) {
    if (n >= TAIL_BYTES) {
        memcpy(c->tail, data + n - TAIL_BYTES, TAIL_BYTES);
        c->tail_len = TAIL_BYTES;
        return;
    }
    size_t keep = c->tail_len + n > TAIL_BYTES ? TAIL_BYTES - n : c->tail_len;
    memmove(c->tail, c->tail + c->tail_len - keep, keep);
    memcpy(c->tail + keep, data, n);
    c->tail_len = keep + n;
}

static void on_read(Conn *c) {
    for (;;) {
        int head_done = c->head_len > 0;
        char *into = head_done && c->kept_len == KEEP_BYTES ? scratch : c->kept + c->kept_len;
        size_t room = into == scratch ? sizeof scratch : KEEP_BYTES - c->kept_len;
        ssize_t n = read(c->fd, into, room);
        if (n < 0 && errno == EAGAIN) return;
        if (n <= 0 || c->answering) { conn_close(c); return; }
        if (into == scratch) keep_tail(c, scratch, (size_t)n);
        else c->kept_len += (size_t)n;
        if (head_done) c->body_left -= n;
        else {
            int go = read_head(c);
            if (go < 0) return;
            if (!go) { if ((size_t)n < room) return; continue; }
        }
        if (c->body_left <= 0) { decide(c); return; }
        if ((size_t)n < room) return;
    }
}

static void on_due(Conn *c) {
    int delayed = c->next_event < 0;
    timer_clear(c);
    if (delayed) { c->next_event = 0; answer_now(c); return; }
    if (c->out_len) { timer_set(c, now_ns() + 1000000ull); return; } /* a slow reader: look again in 1 ms */
    load_piece(c);
    pump(c);
}

static void on_accept(int listener) {
    for (;;) {
        int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0) return;
        if (fd >= CONNS_MAX) { close(fd); continue; }
        int one = 1;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        Conn *c = calloc(1, sizeof *c);
        c->fd = fd;
        c->kept = malloc(KEEP_BYTES + 1);
        conns[fd] = c;
        struct epoll_event ev = {EPOLLIN, {.fd = fd}};
        epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &ev);
    }
}

static int listen_on(int port) {
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), one = 1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (bind(fd, (struct sockaddr *)&at, sizeof at) || listen(fd, 4096)) { perror("mock: listen"); exit(1); }
    struct epoll_event ev = {EPOLLIN, {.fd = fd}};
    epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &ev);
    return fd;
}

static void run(void) {
    struct epoll_event events[256];
    for (;;) {
        timer_arm();
        int n = epoll_wait(epoll_fd, events, 256, -1);
        for (int i = 0; i < n; i++) {
            int fd = events[i].data.fd;
            Conn *c = conns[fd];
            if (fd == timer_fd) {
                uint64_t fired;
                if (read(timer_fd, &fired, sizeof fired) > 0) timer_armed = 0;
            } else if (!c) on_accept(fd); /* a connection closed earlier in this batch: accept fails harmlessly */
            else if (events[i].events & (EPOLLERR | EPOLLHUP)) conn_close(c);
            else if (events[i].events & EPOLLOUT) pump(c);
            else on_read(c);
        }
        uint64_t now = heap_len ? now_ns() : 0;
        while (heap_len && heap[1]->due_ns <= now) on_due(heap[1]);
    }
}

int main(int argc, char **argv) {
    int ports[8], port_count = 0;
    for (int i = 1; i + 1 < argc; i += 2) {
        if (!strcmp(argv[i], "--listen") && port_count < 8) ports[port_count++] = atoi(argv[i + 1]);
        else if (!strcmp(argv[i], "--latency-ms")) default_latency_ms = atoi(argv[i + 1]);
        else if (!strcmp(argv[i], "--events")) default_events = atoi(argv[i + 1]);
        else if (!strcmp(argv[i], "--event-ms")) default_event_ms = atoi(argv[i + 1]);
        else { fprintf(stderr, "mock: unknown option %s\n", argv[i]); return 2; }
    }
    if (!port_count) { fprintf(stderr, "usage: mock --listen PORT [--latency-ms N] [--events N] [--event-ms N]\n"); return 2; }
    signal(SIGPIPE, SIG_IGN);
    prctl(PR_SET_PDEATHSIG, SIGKILL); /* never outlive the harness */
    prctl(PR_SET_TIMERSLACK, 1UL);
    struct rlimit files = {CONNS_MAX, CONNS_MAX};
    setrlimit(RLIMIT_NOFILE, &files);
    epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    struct epoll_event ev = {EPOLLIN, {.fd = timer_fd}};
    epoll_ctl(epoll_fd, EPOLL_CTL_ADD, timer_fd, &ev);
    build_answers();
    build_events();
    build_ends();
    for (int i = 0; i < port_count; i++) listen_on(ports[i]);
    printf("ready\n");
    fflush(stdout);
    run();
    return 0;
}
