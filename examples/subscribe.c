/* Print the live power of a plant: the same as subscribe.py, in C with libzmq and msgpack-c.
 *
 *   gcc -std=c11 -O2 -Wall -Wextra -o subscribe examples/subscribe.c -lzmq -lmsgpackc
 *   ./subscribe --endpoint tcp://127.0.0.1:9210 --module m1 --every 100 --count 1000
 *
 * On Debian the libraries are libzmq3-dev and libmsgpack-dev (libmsgpack-c-dev and -lmsgpack-c in newer releases).
 */
#define _POSIX_C_SOURCE 200809L

#include <msgpack.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <zmq.h>

enum { SILENCE_MS = 2000, RUN_SIZE = 65 };

/* What we read of a state frame. */
struct state {
    double t, export_power, import_power, net_power, compressor_power, chain_speed;
    uint64_t seq;
    char run[RUN_SIZE];
};

static bool has_text(const msgpack_object *object, const char *text)
{
    return object->type == MSGPACK_OBJECT_STR && object->via.str.size == strlen(text) &&
           memcmp(object->via.str.ptr, text, strlen(text)) == 0;
}

/* The value of a key in a map; NULL if `map` is not a map or has no such key. */
static const msgpack_object *get(const msgpack_object *map, const char *key)
{
    if (map == NULL || map->type != MSGPACK_OBJECT_MAP)
        return NULL;
    for (uint32_t i = 0; i < map->via.map.size; i++)
        if (has_text(&map->via.map.ptr[i].key, key))
            return &map->via.map.ptr[i].val;
    return NULL;
}

/* Whole numbers are numbers too: some senders pack 3.0 as 3. */
static bool read_number(const msgpack_object *object, double *number)
{
    if (object == NULL)
        return false;
    switch (object->type) {
    case MSGPACK_OBJECT_FLOAT32:
    case MSGPACK_OBJECT_FLOAT64:
        *number = object->via.f64;
        return true;
    case MSGPACK_OBJECT_POSITIVE_INTEGER:
        *number = (double)object->via.u64;
        return true;
    case MSGPACK_OBJECT_NEGATIVE_INTEGER:
        *number = (double)object->via.i64;
        return true;
    default:
        return false;
    }
}

static bool read_fields(const msgpack_object *root, struct state *state)
{
    const msgpack_object *grid = get(root, "grid");
    const msgpack_object *seq = get(root, "seq");
    const msgpack_object *run = get(root, "run");

    if (seq == NULL || seq->type != MSGPACK_OBJECT_POSITIVE_INTEGER)
        return false;
    if (run == NULL || run->type != MSGPACK_OBJECT_STR || run->via.str.size >= RUN_SIZE)
        return false;
    state->seq = seq->via.u64;
    memcpy(state->run, run->via.str.ptr, run->via.str.size);
    state->run[run->via.str.size] = '\0';
    return read_number(get(root, "t"), &state->t) && read_number(get(grid, "export_power"), &state->export_power) &&
           read_number(get(grid, "import_power"), &state->import_power) &&
           read_number(get(grid, "net_power"), &state->net_power) &&
           read_number(get(get(root, "compressor"), "power"), &state->compressor_power) &&
           read_number(get(get(root, "chain"), "speed"), &state->chain_speed);
}

/* False for bytes that are not a state frame, whatever they are. */
static bool read_state(const char *bytes, size_t size, struct state *state)
{
    msgpack_unpacked unpacked;
    size_t end = 0;
    bool good;

    msgpack_unpacked_init(&unpacked);
    good = msgpack_unpack_next(&unpacked, bytes, size, &end) == MSGPACK_UNPACK_SUCCESS && end == size &&
           read_fields(&unpacked.data, state);
    msgpack_unpacked_destroy(&unpacked);
    return good;
}

/* Receive all frames of one message; true if there were two, the first of them our topic. */
static bool receive(void *socket, const char *topic, zmq_msg_t *payload, bool *readable)
{
    int parts = 0, more = 1;
    bool ours = false;

    *readable = true;
    while (more) {
        zmq_msg_t frame;
        zmq_msg_init(&frame);
        if (zmq_msg_recv(&frame, socket, 0) < 0) {
            zmq_msg_close(&frame);
            return false;
        }
        more = zmq_msg_more(&frame);
        if (parts == 0)
            ours = zmq_msg_size(&frame) == strlen(topic) && memcmp(zmq_msg_data(&frame), topic, strlen(topic)) == 0;
        if (parts == 1)
            zmq_msg_move(payload, &frame);
        zmq_msg_close(&frame);
        parts++;
    }
    *readable = parts == 2;
    return ours && *readable;
}

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void print_state(const struct state *state)
{
    printf("t %.3f s | tick %llu | export %.3f kW | import %.3f kW (compressor %.3f kW) | net %.3f kW | chain %.3f m/s\n",
           state->t, (unsigned long long)state->seq, state->export_power / 1000, state->import_power / 1000,
           state->compressor_power / 1000, state->net_power / 1000, state->chain_speed);
}

int main(int argc, char **argv)
{
    const char *endpoint = "tcp://127.0.0.1:9210", *module = "m1";
    unsigned long long every = 0, count = 0, frames = 0, missed = 0, unreadable = 0;
    struct state state, last = {.run = ""};
    double next_line = 0;
    char topic[64];
    int reconnect_ms = 10; /* connected again at once after a restart of the plant */

    for (int i = 1; i < argc; i += 2) {
        const char *value = i + 1 < argc ? argv[i + 1] : NULL;
        if (value != NULL && strcmp(argv[i], "--endpoint") == 0)
            endpoint = value;
        else if (value != NULL && strcmp(argv[i], "--module") == 0)
            module = value;
        else if (value != NULL && strcmp(argv[i], "--every") == 0)
            every = strtoull(value, NULL, 10);
        else if (value != NULL && strcmp(argv[i], "--count") == 0)
            count = strtoull(value, NULL, 10);
        else {
            fprintf(stderr, "usage: %s [--endpoint tcp://host:port] [--module name] [--every N] [--count N]\n", argv[0]);
            return 2;
        }
    }
    snprintf(topic, sizeof topic, "state/%s/", module);
    setvbuf(stdout, NULL, _IOLBF, 0);

    void *context = zmq_ctx_new();
    void *socket = zmq_socket(context, ZMQ_SUB);
    zmq_setsockopt(socket, ZMQ_RECONNECT_IVL, &reconnect_ms, sizeof reconnect_ms);
    zmq_setsockopt(socket, ZMQ_SUBSCRIBE, topic, strlen(topic));
    if (zmq_connect(socket, endpoint) != 0) {
        fprintf(stderr, "cannot connect to %s: %s\n", endpoint, zmq_strerror(zmq_errno()));
        return 1;
    }

    while (count == 0 || frames < count) {
        zmq_pollitem_t item = {socket, 0, ZMQ_POLLIN, 0};
        int ready = zmq_poll(&item, 1, SILENCE_MS);
        if (ready < 0)
            break; /* interrupted */
        if (ready == 0) {
            printf("no frames from %s: is the plant running?\n", endpoint);
            continue;
        }
        zmq_msg_t payload;
        bool readable;
        zmq_msg_init(&payload);
        bool ours = receive(socket, topic, &payload, &readable);
        if (ours)
            readable = read_state(zmq_msg_data(&payload), zmq_msg_size(&payload), &state);
        zmq_msg_close(&payload);
        if (!ours || !readable) {
            unreadable += !readable;
            continue;
        }
        frames++;
        if (strcmp(state.run, last.run) == 0 && state.seq > last.seq + 1) {
            missed += state.seq - last.seq - 1;
            printf("missed %llu frames: ticks %llu to %llu\n", (unsigned long long)(state.seq - last.seq - 1),
                   (unsigned long long)last.seq + 1, (unsigned long long)state.seq - 1);
        }
        last = state;
        if (every > 0 ? frames % every == 0 : now() >= next_line) {
            next_line = now() + 1.0;
            print_state(&state);
        }
    }
    printf("%llu frames, %llu missed, %llu unreadable\n", frames, missed, unreadable);
    zmq_close(socket);
    zmq_ctx_term(context);
    return 0;
}
