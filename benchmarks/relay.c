/* The floor of clock-to-state: a sender and a relay in C on bare libzmq, frames of the same sizes, no work in between.
 *
 *   relay_floor send ENDPOINT RATE_HZ BYTES      PUB: monotonic nanoseconds in the first 8 bytes
 *   relay_floor relay FROM TO BYTES              SUB -> PUB: copies those 8 bytes into a frame of BYTES
 *
 * Declared by hand so that no header of libzmq is needed, only the library that pyzmq brings along.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

void *zmq_ctx_new(void);
void *zmq_socket(void *context, int type);
int zmq_bind(void *socket, const char *endpoint);
int zmq_connect(void *socket, const char *endpoint);
int zmq_setsockopt(void *socket, int option, const void *value, size_t size);
int zmq_send(void *socket, const void *data, size_t size, int flags);
int zmq_recv(void *socket, void *data, size_t size, int flags);

enum { PUB = 1, SUB = 2, SUBSCRIBE = 6, SNDMORE = 2 };

static int64_t now_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static int sender(const char *endpoint, int rate, size_t bytes) {
  void *socket = zmq_socket(zmq_ctx_new(), PUB);
  char *payload = calloc(1, bytes);
  if (payload == NULL || zmq_bind(socket, endpoint) != 0) return 1;
  int64_t origin = now_ns();
  for (int64_t k = 1;; k++) {
    int64_t deadline = origin + k * 1000000000 / rate;
    struct timespec until = {deadline / 1000000000, deadline % 1000000000};
    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
    int64_t now = now_ns();
    memcpy(payload, &now, sizeof now);
    zmq_send(socket, "tick", 4, SNDMORE);
    zmq_send(socket, payload, bytes, 0);
  }
}

static int relay(const char *from, const char *to, size_t bytes) {
  void *context = zmq_ctx_new();
  void *in = zmq_socket(context, SUB), *out = zmq_socket(context, PUB);
  char *payload = calloc(1, bytes > 65536 ? bytes : 65536);
  char topic[16];
  if (payload == NULL || zmq_setsockopt(in, SUBSCRIBE, "", 0) != 0) return 1;
  if (zmq_connect(in, from) != 0 || zmq_bind(out, to) != 0) return 1;
  for (;;) {
    zmq_recv(in, topic, sizeof topic, 0);
    zmq_recv(in, payload, 65536, 0);
    zmq_send(out, "state/m1/", 9, SNDMORE);
    zmq_send(out, payload, bytes, 0);
  }
}

int main(int argc, char **argv) {
  if (argc == 5 && strcmp(argv[1], "send") == 0) return sender(argv[2], atoi(argv[3]), (size_t)atol(argv[4]));
  if (argc == 5 && strcmp(argv[1], "relay") == 0) return relay(argv[2], argv[3], (size_t)atol(argv[4]));
  return 2;
}
